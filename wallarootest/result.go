package wallarootest

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// Result is what came of a run.
type Result struct {
	// Outputs are what each sink was given, by its PIPELINE/NAME: the bytes of each message, in order, as a receiver reads them, with their
	// frames.
	Outputs map[string][]string
	// Failures are the messages that failed, in order.
	Failures []Failure

	sinks  []string // in the order of the application
	states map[string][]entities
}

// entities are those of a state on one executor.
type entities interface {
	// All are the keys, and pointers to the entities.
	All() iter.Seq2[any, any]
}

// Failure is a message that a step could not process. What it had changed in the state of its key by then stays.
type Failure struct {
	Step      string // PIPELINE/NAME; with " key" behind it for the function of KeyBy
	Key       string // as the log has it; "" if there was none
	Error     string
	Traceback string // the user's own lines, of a panic
	// Input is the data of which the message came; "" also where that cannot be told, as it may be with a Seed.
	Input string
}

// String tells the failure in a few lines.
func (f Failure) String() string {
	var b strings.Builder
	b.WriteString(f.Step)
	if f.Key != "" {
		b.WriteString(", key " + f.Key)
	}
	if f.Input != "" {
		fmt.Fprintf(&b, ", of the input %q", f.Input)
	}
	b.WriteString(": " + f.Error)
	if f.Traceback != "" {
		b.WriteString("\n" + strings.TrimSuffix(f.Traceback, "\n"))
	}
	return b.String()
}

// mostTold is how many failures an error tells.
const mostTold = 5

// failed is an error of failures.
func failed(failures []Failure) error {
	told := []error{fmt.Errorf("messages that failed: %d", len(failures))}
	for _, f := range failures[:min(len(failures), mostTold)] {
		told = append(told, errors.New(f.String()))
	}
	if more := len(failures) - mostTold; more > 0 {
		told = append(told, fmt.Errorf("and %d more", more))
	}
	return errors.Join(told...)
}

// Output is what the sinks were given, those of one sink in order, and behind them those of the next that the application has.
func (r *Result) Output() []string {
	var all []string
	for _, sink := range r.sinks {
		all = append(all, r.Outputs[sink]...)
	}
	return all
}

// Text is all of Output, as a receiver reads it.
func (r *Result) Text() string { return strings.Join(r.Output(), "") }

// Entity is the state entity of a key, as the run left it, or nil if the key has none. State is the name of the state; where the step does
// not say State it is PIPELINE/NAME of the step. It is an error if there is no such state, or its entities are of another type.
func (r *Result) Entity[S any](state string, key any) (*S, error) {
	tables, known := r.states[state]
	if !known {
		return nil, fmt.Errorf("there is no state %q", state)
	}
	for _, table := range tables {
		for k, entity := range table.All() {
			found, is := entity.(*S)
			if !is {
				return nil, fmt.Errorf("the entities of state %q are %T, not %T", state, entity, found)
			}
			if k == key {
				return found, nil
			}
		}
	}
	return nil, nil //nolint:nilnil // that a key has no entity is no error
}

// Keys are the keys that have a state entity, in no order that means anything. There are none in a state that is not there.
func (r *Result) Keys(state string) []any {
	var keys []any
	for _, table := range r.states[state] {
		for key := range table.All() {
			keys = append(keys, key)
		}
	}
	return keys
}

// result is what came of a rehearsal.
func (r *rehearsal) result() *Result {
	p := r.native.Plan
	result := &Result{Outputs: map[string][]string{}, Failures: r.failures, states: map[string][]entities{}}
	for sink, step := range p.Of(plan.Sink) {
		id := p.Steps[step].ID()
		result.sinks = append(result.sinks, id)
		result.Outputs[id] = r.outputs[sink]
	}
	for _, state := range p.States {
		for _, x := range r.executors {
			result.states[state.Name] = append(result.states[state.Name], x.State(state.Name).(entities))
		}
	}
	return result
}
