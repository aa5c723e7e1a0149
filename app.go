package wallaroo

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// App is an application: pipelines, each from a source through steps to sinks. It is put together by From and the methods of the streams
// that come of it, and run by Main or Run. Putting it together does nothing outside, and nothing of it fails at once: mistakes are
// collected, and told together when it is to run.
//
// An App is for one goroutine while it is put together. It may be run any number of times.
type App struct {
	name     string
	steps    []step
	states   map[string]*stateInfo
	mistakes []error
}

// New begins an application of that name, which stands in logs and figures.
func New(name string) *App {
	a := &App{name: name, states: map[string]*stateInfo{}}
	a.checkName("the application", name)
	return a
}

// step is a step as its engine sees it, and what its functions need.
type step struct {
	plan.Step
	origin      *connector.Origin      // of a source
	destination *connector.Destination // of a sink
	// code makes what an executor does at the stage whose entry this is; nil if it is none.
	code func(*fusing) stageCode
	// entry makes what takes a message into the step that is sent again.
	entry func(*fusing) func(*gohost.Run, message.Letter)
	// done says that its results are for nobody.
	done bool
	// gives reports what keeps the step's results from becoming bytes; nil for a sink.
	gives func() error
}

// stateInfo is what the first step that names a state says of it.
type stateInfo struct {
	plan.State
	step  string // the one that said it
	types string // of keys and entities
	table func(*fusing) stateTable
	form  any // of entities
	// upgrade makes entities of those of another version, func([]byte, int) (S, error); nil if nothing does.
	upgrade any
}

// add adds a step and returns its number.
func (a *App) add(s step) int {
	a.checkStep(&s)
	a.steps = append(a.steps, s)
	return len(a.steps) - 1
}

// unchecked is all steps whose results cannot become bytes, and why.
func (a *App) unchecked() error {
	var all []error
	for i := range a.steps {
		if s := &a.steps[i]; s.gives != nil {
			if err := s.gives(); err != nil {
				all = append(all, fmt.Errorf("%s: what it gives has no bytes: %w", s.ID(), err))
			}
		}
	}
	return errors.Join(all...)
}

// plan is the application as the engine reads it, and all mistakes in it. Sources and sinks without an address take the next of those that
// are given.
func (a *App) plan(listens, connects *application.Addresses) (*plan.Plan, []error) {
	wrong := slices.Clone(a.mistakes)
	p := &plan.Plan{Application: a.name}
	for i := range a.steps {
		s := a.steps[i].Step
		if s.Outside != nil {
			var err error
			if s.Outside, err = a.steps[i].outside(listens, connects); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", s.ID(), err))
			}
		}
		p.Steps = append(p.Steps, s)
		if name := a.steps[i].State; name != "" && !slices.ContainsFunc(p.States, func(s plan.State) bool { return s.Name == name }) {
			p.States = append(p.States, a.states[name].State)
		}
	}
	wrong = append(wrong, a.untaken()...)
	if err := listens.Rest("source"); err != nil {
		wrong = append(wrong, err)
	}
	if err := connects.Rest("sink"); err != nil {
		wrong = append(wrong, err)
	}
	if len(wrong) == 0 {
		if err := p.Validate(); err != nil {
			wrong = append(wrong, err)
		}
	}
	return p, wrong
}

// outside is what lies outside of a source or sink.
func (s *step) outside(listens, connects *application.Addresses) (*plan.Outside, error) {
	o := *s.Outside
	var text string
	var addressed bool
	list := listens
	if s.origin != nil {
		text, addressed = s.origin.Address, s.origin.Addressed
	} else {
		text, addressed, list = s.destination.Address, s.destination.Addressed, connects
	}
	if !addressed {
		return &o, nil
	}
	if text == "" {
		var err error
		if text, err = list.Next(); err != nil {
			return nil, err
		}
	}
	at, err := address.Parse(text)
	if err != nil {
		return nil, err
	}
	o.Host, o.Port = at.Host, int(at.Port)
	return &o, nil
}
