// Package plan is the graph of an application after typing: what the user declared, as values that the engine can read, check and print.
package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// Plan is an application: its steps, from the sources to the sinks, and the states that they keep.
type Plan struct {
	Application string
	States      []State
	// Steps stand in an order in which messages only go to later ones. A step is known by its place.
	Steps []Step
}

// State is what the steps that name it share: one entity for each key, or one entity in all if it is not keyed.
type State struct {
	Name  string `json:"name"`
	Class string `json:"class"`
	// Version is that of the class, which its entities are written with; 0 where it does not say.
	Version int  `json:"version"`
	Keyed   bool `json:"keyed"`
	U64     bool `json:"u64"`
	// Shape is the fields that its entities are written by, as "NAME TYPE; NAME TYPE"; "" where that is not known, as where the application
	// makes the bytes.
	Shape string `json:"shape,omitempty"`
}

// Step is one thing that the user added. Its identity is the pipeline's name and its own.
type Step struct {
	Pipeline string
	Name     string
	Kind     Kind
	// After are the steps whose results it takes; none for a source. A stream that two steps take goes to both, and streams that one step
	// takes are merged.
	After    []int
	Multi    bool // a computation that gives any number of results for one message
	Parallel bool // a computation that order does not bind
	State    string
	Key      string // the name of the function that finds the key; "" where there is none
	// Outside is where a source's messages come from, or a sink's go to.
	Outside *Outside
}

// Kind is what a step does.
type Kind string

// The kinds of a step.
const (
	Source           Kind = "source"
	Computation      Kind = "computation"
	StateComputation Kind = "state computation"
	Sink             Kind = "sink"
)

// Outside is what a connector has to know of the world outside.
type Outside struct {
	Connector string // TCP, or a word of the application's own
	Host      string
	Port      int
	Resumable bool                 // whether the other side of a TCP connector speaks the framing of that name
	Framing   framing.LengthPrefix // of a TCP source that is not Resumable
	Code      string               // the name of the decoder or encoder
}

// TCP is the connector that the engine brings along.
const TCP = "tcp"

// Address is where a TCP source listens or a TCP sink connects to.
func (o *Outside) Address() address.Address {
	host := o.Host
	if host == "" {
		host = address.Loopback
	}
	return address.Address{Host: host, Port: uint16(o.Port)}
}

// Place is the address as it was given; "" where the connector needs none.
func (o *Outside) Place() string {
	if o.Host == "" && o.Port == 0 {
		return ""
	}
	return o.Address().String()
}

// ID is a step's identity, PIPELINE/NAME.
func (s *Step) ID() string { return s.Pipeline + "/" + s.Name }

// Pipelines are the names of the pipelines, in their order.
func (p *Plan) Pipelines() []string {
	var names []string
	for i := range p.Steps {
		if !slices.Contains(names, p.Steps[i].Pipeline) {
			names = append(names, p.Steps[i].Pipeline)
		}
	}
	return names
}

// Of are the steps of a kind, in their order. A source, or a sink, has a number: its place among them.
func (p *Plan) Of(kind Kind) []int {
	var found []int
	for i := range p.Steps {
		if p.Steps[i].Kind == kind {
			found = append(found, i)
		}
	}
	return found
}

// Validate reports everything that keeps the plan from running, all of it together.
func (p *Plan) Validate() error {
	var wrong []error
	if p.Application == "" {
		wrong = append(wrong, errors.New("the application has no name"))
	}
	if len(p.Of(Source)) == 0 {
		wrong = append(wrong, fmt.Errorf("application %q has no pipeline", p.Application))
	}
	for i := range p.Steps {
		if err := p.validate(i); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", p.Steps[i].ID(), err))
		}
	}
	return errors.Join(append(wrong, p.sharedAddresses()...)...)
}

// sharedAddresses reports TCP sources that listen where one before them does. Port 0 is another one for each.
func (p *Plan) sharedAddresses() (wrong []error) {
	taken := map[address.Address]*Step{}
	for _, i := range p.Of(Source) {
		s := &p.Steps[i]
		if s.Outside == nil || s.Outside.Connector != TCP || s.Outside.Port == 0 {
			continue
		}
		at := s.Outside.Address()
		if first, shared := taken[at]; shared {
			wrong = append(wrong, fmt.Errorf("pipelines %q and %q both listen at %s: give each source an address of its own",
				first.Pipeline, s.Pipeline, at))
			continue
		}
		taken[at] = s
	}
	return wrong
}

func (p *Plan) validate(step int) error {
	s := &p.Steps[step]
	if slices.ContainsFunc(s.After, func(before int) bool { return before < 0 || before >= step }) {
		return errors.New("it takes the results of a step that does not stand before it")
	}
	if (len(s.After) == 0) != (s.Kind == Source) {
		return fmt.Errorf("a %s that takes the results of %d steps", s.Kind, len(s.After))
	}
	switch {
	case (s.Kind == Source || s.Kind == Sink) && s.Outside != nil:
		return nil
	case s.Kind == Computation && s.State == "", s.Kind == StateComputation && p.state(s.State):
		return nil
	default:
		return fmt.Errorf("a %s with state %q", s.Kind, s.State)
	}
}

func (p *Plan) state(name string) bool {
	return slices.ContainsFunc(p.States, func(s State) bool { return s.Name == name })
}
