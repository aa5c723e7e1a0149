package wallaroo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// mistakesError is all that is wrong with an application, and with how it is to run.
type mistakesError struct {
	app  string
	list []error
}

// Error tells the mistakes, each on a line, with more lines behind it further in.
func (e *mistakesError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "application %q cannot run:", e.app)
	for _, mistake := range e.list {
		b.WriteString("\n  " + strings.ReplaceAll(mistake.Error(), "\n", "\n    "))
	}
	return b.String()
}

// Unwrap is the mistakes.
func (e *mistakesError) Unwrap() []error { return e.list }

// cannotRun is an error of the mistakes, or nil if there are none.
func (a *App) cannotRun(mistakes []error) error {
	if len(mistakes) == 0 {
		return nil
	}
	return &mistakesError{app: a.name, list: mistakes}
}

// wrong takes note of a mistake.
func (a *App) wrong(err error) { a.mistakes = append(a.mistakes, err) }

// checkName reports a name that does not tell anything apart in a log.
func (a *App) checkName(whose, name string) {
	switch {
	case name == "":
		a.wrong(fmt.Errorf("%s has no name", whose))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		a.wrong(fmt.Errorf("%s is called %q: a name has characters that print", whose, name))
	}
}

// sourceName is what the source of each pipeline is called.
const sourceName = "source"

// checkStep reports a step whose name is none, or another's.
func (a *App) checkStep(s *step) {
	other := slices.ContainsFunc(a.steps, func(other step) bool { return other.ID() == s.ID() })
	switch {
	case s.Kind == plan.Source:
		a.checkName("a pipeline", s.Pipeline)
		if other {
			a.wrong(fmt.Errorf("pipeline %q: another pipeline has that name", s.Pipeline))
		}
	case other && s.Name == sourceName:
		a.wrong(fmt.Errorf("%s: the source of the pipeline is called so", s.ID()))
	case other && s.Name != "":
		a.wrong(fmt.Errorf("%s: another step of the pipeline has that name", s.ID()))
	default:
		a.checkName(fmt.Sprintf("pipeline %q: a %s", s.Pipeline, s.Kind), s.Name)
	}
}

// untaken reports steps whose results nobody takes, or that there is none.
func (a *App) untaken() (wrong []error) {
	if len(a.steps) == 0 {
		return []error{errors.New("it has no pipeline: begin one by From")}
	}
	taken := map[int]bool{}
	for i := range a.steps {
		for _, before := range a.steps[i].After {
			taken[before] = true
		}
	}
	for i := range a.steps {
		if s := &a.steps[i]; !taken[i] && !s.done && s.Kind != plan.Sink {
			wrong = append(wrong, fmt.Errorf("%s: nobody takes what it gives: add a step or a sink, or Done if it is for nobody", s.ID()))
		}
	}
	return wrong
}
