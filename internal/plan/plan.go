// Package plan is the graph of an application after typing: what the user declared, as values that the engine can read, check and print.
package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// Version is the version of the JSON form that Parse reads.
const Version = 1

// Plan is an application: its pipelines and the states that their steps keep.
type Plan struct {
	Version     int        `json:"version"`
	Application string     `json:"application"`
	States      []State    `json:"states"`
	Pipelines   []Pipeline `json:"pipelines"`
}

// State is what the steps that name it share: one entity for each key, or one entity in all if it is not keyed.
type State struct {
	Name  string `json:"name"`
	Class string `json:"class"`
	Keyed bool   `json:"keyed"`
	U64   bool   `json:"u64"`
}

// Pipeline is a source, the steps that its messages go through, and a sink; Sink is nil when the last step keeps its results.
type Pipeline struct {
	Name   string `json:"name"`
	Source Source `json:"source"`
	Steps  []Step `json:"steps"`
	Sink   *Sink  `json:"sink"`
}

// Source is where a pipeline's messages come from.
type Source struct {
	Name    string               `json:"name"`
	Kind    string               `json:"kind"`
	Host    string               `json:"host"`
	Port    int                  `json:"port"`
	Decoder string               `json:"decoder"`
	Framing framing.LengthPrefix `json:"framing"`
}

// Sink is where a pipeline's results go.
type Sink struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Host    string `json:"host"`
	Port    int    `json:"port"`
	Encoder string `json:"encoder"`
}

// Step is one computation of a pipeline. Its identity is the pipeline's name and its own.
type Step struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Multi     bool   `json:"multi"`
	Parallel  bool   `json:"parallel"`
	State     string `json:"state,omitempty"`
	Partition string `json:"partition,omitempty"`
}

// The kinds of a step.
const (
	Computation      = "computation"
	StateComputation = "state computation"
)

// TCP is the kind of source and sink there is.
const TCP = "tcp"

// Parse reads the JSON form and checks it.
func Parse(data []byte) (*Plan, error) {
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if p.Version != Version {
		return nil, fmt.Errorf("read plan: version %d, want %d", p.Version, Version)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &p, nil
}

// Validate reports everything that keeps the plan from running, all of it together.
func (p *Plan) Validate() error {
	var wrong []error
	if p.Application == "" {
		wrong = append(wrong, errors.New("the application has no name"))
	}
	if len(p.Pipelines) == 0 {
		wrong = append(wrong, fmt.Errorf("application %q has no pipeline", p.Application))
	}
	for i := range p.Pipelines {
		wrong = append(wrong, p.Pipelines[i].validate(p)...)
	}
	return errors.Join(wrong...)
}

func (l *Pipeline) validate(p *Plan) []error {
	var wrong []error
	if l.Source.Kind != TCP {
		wrong = append(wrong, fmt.Errorf("%s: unknown kind %q", l.SourceID(), l.Source.Kind))
	}
	if err := l.Source.Framing.Validate(); err != nil {
		wrong = append(wrong, fmt.Errorf("%s: %w", l.SourceID(), err))
	}
	if l.Sink != nil && l.Sink.Kind != TCP {
		wrong = append(wrong, fmt.Errorf("%s: unknown kind %q", l.SinkID(), l.Sink.Kind))
	}
	for _, step := range l.Steps {
		switch {
		case step.Kind == Computation && step.State == "":
		case step.Kind == StateComputation && p.state(step.State) != nil:
		default:
			wrong = append(wrong, fmt.Errorf("%s/%s: a %s with state %q", l.Name, step.Name, step.Kind, step.State))
		}
	}
	return wrong
}

func (p *Plan) state(name string) *State {
	for i := range p.States {
		if p.States[i].Name == name {
			return &p.States[i]
		}
	}
	return nil
}

// SourceID is the identity of a pipeline's source.
func (l *Pipeline) SourceID() string { return l.Name + "/" + l.Source.Name }

// SinkID is the identity of a pipeline's sink, which must be there.
func (l *Pipeline) SinkID() string { return l.Name + "/" + l.Sink.Name }

// Address is where a source listens.
func (s *Source) Address() address.Address { return endpoint(s.Host, s.Port) }

// Address is where a sink connects to.
func (s *Sink) Address() address.Address { return endpoint(s.Host, s.Port) }

func endpoint(host string, port int) address.Address {
	if host == "" {
		host = address.Loopback
	}
	return address.Address{Host: host, Port: uint16(port)}
}

// Flow is the way of a pipeline's messages in a line: the names of its source, its steps, with the states of those that keep any, and its
// sink.
func (l *Pipeline) Flow() string {
	names := []string{l.Source.Name + " " + l.Source.Address().String()}
	for _, step := range l.Steps {
		name := step.Name
		if step.State != "" {
			name += " (" + step.State + ")"
		}
		names = append(names, name)
	}
	if l.Sink != nil {
		names = append(names, l.Sink.Name+" "+l.Sink.Address().String())
	}
	return strings.Join(names, " -> ")
}

// Listing tells an application, one line a step: PIPELINE/NAME KIND, and for a step with state its name.
func (p *Plan) Listing() string {
	var b strings.Builder
	for i := range p.Pipelines {
		l := &p.Pipelines[i]
		fmt.Fprintf(&b, "%s source\n", l.SourceID())
		for _, step := range l.Steps {
			fmt.Fprintf(&b, "%s/%s %s", l.Name, step.Name, step.Kind)
			if step.State != "" {
				fmt.Fprintf(&b, " state=%s", step.State)
			}
			b.WriteByte('\n')
		}
		if l.Sink != nil {
			fmt.Fprintf(&b, "%s sink\n", l.SinkID())
		}
	}
	return b.String()
}
