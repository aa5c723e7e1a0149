package plan

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// Version is the version of the JSON form that Parse reads.
const Version = 1

// The JSON form, which the Python package writes: there a pipeline is a line of steps.
type (
	document struct {
		Version     int        `json:"version"`
		Application string     `json:"application"`
		States      []State    `json:"states"`
		Pipelines   []pipeline `json:"pipelines"`
	}
	pipeline struct {
		Name   string   `json:"name"`
		Source source   `json:"source"`
		Steps  []within `json:"steps"`
		Sink   *sink    `json:"sink"` // nil when the last step keeps its results
	}
	source struct {
		Name      string               `json:"name"`
		Kind      string               `json:"kind"`
		Host      string               `json:"host"`
		Port      int                  `json:"port"`
		Resumable bool                 `json:"resumable"`
		Decoder   string               `json:"decoder"`
		Framing   framing.LengthPrefix `json:"framing"`
	}
	within struct {
		Name      string `json:"name"`
		Kind      Kind   `json:"kind"`
		Multi     bool   `json:"multi"`
		Parallel  bool   `json:"parallel"`
		State     string `json:"state"`
		Partition string `json:"partition"`
	}
	sink struct {
		Name      string `json:"name"`
		Kind      string `json:"kind"`
		Host      string `json:"host"`
		Port      int    `json:"port"`
		Resumable bool   `json:"resumable"`
		Encoder   string `json:"encoder"`
	}
)

// Parse reads the JSON form and checks it.
func Parse(data []byte) (*Plan, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if d.Version != Version {
		return nil, fmt.Errorf("read plan: version %d, want %d", d.Version, Version)
	}
	p := &Plan{Application: d.Application, States: d.States}
	for i := range d.Pipelines {
		d.Pipelines[i].appendTo(p)
	}
	var wrong []error
	for i := range p.Steps {
		if o := p.Steps[i].Outside; o != nil {
			if err := o.validate(p.Steps[i].Kind); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", p.Steps[i].ID(), err))
			}
		}
	}
	if err := errors.Join(append(wrong, p.Validate())...); err != nil {
		return nil, err
	}
	return p, nil
}

// validate reports a connector that the engine does not bring along, or a framing that is none.
func (o *Outside) validate(kind Kind) error {
	if o.Connector != TCP {
		return fmt.Errorf("unknown kind %q", o.Connector)
	}
	if kind == Sink {
		return nil
	}
	return o.Framing.Validate()
}

// appendTo appends the steps of a pipeline to a plan, each after the one before it.
func (l *pipeline) appendTo(p *Plan) {
	p.Steps = append(p.Steps, Step{
		Pipeline: l.Name, Name: l.Source.Name, Kind: Source,
		Outside: &Outside{
			Connector: l.Source.Kind, Host: l.Source.Host, Port: l.Source.Port, Resumable: l.Source.Resumable,
			Framing: l.Source.Framing, Code: l.Source.Decoder,
		},
	})
	for _, s := range l.Steps {
		p.Steps = append(p.Steps, Step{
			Pipeline: l.Name, Name: s.Name, Kind: s.Kind, After: []int{len(p.Steps) - 1},
			Multi: s.Multi, Parallel: s.Parallel, State: s.State, Key: s.Partition,
		})
	}
	if l.Sink != nil {
		p.Steps = append(p.Steps, Step{
			Pipeline: l.Name, Name: l.Sink.Name, Kind: Sink, After: []int{len(p.Steps) - 1},
			Outside: &Outside{
				Connector: l.Sink.Kind, Host: l.Sink.Host, Port: l.Sink.Port, Resumable: l.Sink.Resumable, Code: l.Sink.Encoder,
			},
		})
	}
}
