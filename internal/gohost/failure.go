package gohost

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Post is where the messages of a step pass on an executor: who runs user code says before that it is there, and what fails is told of it.
type Post struct {
	step    int
	finding bool   // it is the code that finds the key
	holds   Holder // nil if nothing is known of the message
}

// Holder knows the message that is at hand at a post.
type Holder interface {
	// Key is the message's, for reports; "" if there is none. It is asked for at a step, not where the key is found.
	Key() string
	// Letter is the message in a form that can be kept, of so many bytes at most before they become text.
	Letter(most int) message.Letter
	// Shown is the message as people read it, cut where it is long.
	Shown() string
}

// NewPost makes that of a step.
func NewPost(step int, holds Holder) Post { return Post{step: step, holds: holds} }

// NewFinder makes that of the code that finds the key for a step.
func NewFinder(step int, holds Holder) Post { return Post{step: step, finding: true, holds: holds} }

// FailAt says that a step has done wrong; of which message is not known.
func (r *Run) FailAt(step int, err error) {
	r.at = &Post{step: step}
	r.Fail(err)
}

// Unreadable says that a message that is to enter at a step cannot be made of its letter.
func (r *Run) Unreadable(step int, l message.Letter, err error) {
	r.at = &Post{step: step, holds: given{l}}
	r.Fail(err)
}

// given holds a message as it came.
type given struct{ letter message.Letter }

func (given) Key() string                 { return "" }
func (g given) Letter(int) message.Letter { return g.letter }
func (g given) Shown() string             { return Show(g.letter.Text) }

// longestShown is how many characters of a message are shown.
const longestShown = 200

// Show is a value as people read it, cut where it is long, which ... marks: as fmt writes it, and text and bytes in quotes.
func Show(value any) string {
	var text string
	switch v := reflect.ValueOf(value); {
	case v.Kind() == reflect.String:
		text = fmt.Sprintf("%.*q", longestShown, v.String()) // of a large one no more is written out than is shown
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		text = fmt.Sprintf("%.*q", longestShown, v.Bytes())
	default:
		text = fmt.Sprintf("%+v", value)
	}
	if runes := []rune(text); len(runes) > longestShown {
		text = string(runes[:longestShown-3]) + "..."
	}
	return text
}

// ShowKey is a key as people read it: as fmt writes it, and text in single quotes, as Python's is, which the log need not quote again.
func ShowKey(key any) string {
	text := reflect.ValueOf(key)
	if text.Kind() != reflect.String {
		return fmt.Sprintf("%+v", key)
	}
	quoted := strconv.Quote(text.String())
	inner := strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	return "'" + strings.ReplaceAll(inner, "'", `\'`) + "'"
}

// Fail says that the step whose code runs could not process the message at hand.
func (r *Run) Fail(err error) { r.fail(err.Error(), "") }

// Recovered says so of a panic, from the function that recovered it: what it was and where.
func (r *Run) Recovered(panicked any) { r.fail(fmt.Sprint("panic: ", panicked), traceback()) }

func (r *Run) fail(what, traceback string) {
	f := &worker.Failure{
		Index: r.Index, Step: r.executor.part.Plan.Steps[r.at.step].ID(), FindingKey: r.at.finding, Error: what, Traceback: traceback,
	}
	if !r.at.finding && r.at.holds != nil {
		f.Key = r.at.holds.Key()
	}
	if most := r.executor.part.Limits.Letter; most > 0 || r.at.holds == nil {
		f.Letter = letter(r.at.holds, most)
	}
	if f.Letter.Encoding == "" && r.at.holds != nil {
		f.Shown = r.at.holds.Shown()
	}
	r.Emit(worker.Event{Failure: f})
}

// letter is the message at hand, or why it is not kept. Making bytes of it may be the user's code.
func letter(holds Holder, most int) (l message.Letter) {
	if holds == nil {
		return message.Letter{Missing: "it was not at hand any more"}
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			l = message.Letter{Missing: fmt.Sprint("making bytes of it panicked: ", panicked)}
		}
	}()
	return holds.Letter(most)
}
