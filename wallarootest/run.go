package wallarootest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// Input is a message as a source's decoder gets it: what stands in a frame.
type Input struct {
	// Pipeline is whose source it comes to. "" is the only one.
	Pipeline string
	Data     string
}

// Inputs are messages for the source of an application that has one, in order.
func Inputs[D ~string | ~[]byte](data ...D) []Input { return InputsOf("", data...) }

// InputsOf are messages for the source of a pipeline, in order.
func InputsOf[D ~string | ~[]byte](pipeline string, data ...D) []Input {
	inputs := make([]Input, 0, len(data))
	for _, one := range data {
		inputs = append(inputs, Input{Pipeline: pipeline, Data: string(one)})
	}
	return inputs
}

// Option says something more of a run.
type Option func(*options)

type options struct {
	executors int
	chance    *rand.Rand
	failures  bool
}

// Executors has so many executors share the keys; there is one if nothing is said.
func Executors(n int) Option { return func(o *options) { o.executors = n } }

// Seed has all go by chance that the engine does not promise: messages come in batches, those of different pipelines and of different
// executors overtake one another, and partitions move with their state. The results of steps go on as copies made of their bytes, and one
// that comes back as another, or that changes after it was handed on, is a failure. The same seed does the same again.
func Seed(seed uint64) Option {
	return func(o *options) { o.chance = rand.New(rand.NewPCG(seed, 0)) } //nolint:gosec // the same for the same seed is what is wanted
}

// Failures lets messages fail: they are in the Result, and the test goes on.
func Failures() Option { return func(o *options) { o.failures = true } }

// Run runs an application on inputs, until all that comes of them has reached the sinks. Nothing of its connectors is used: the inputs are
// what decoders get, and what encoders write comes out. It fails the test at once if the application has mistakes or a message fails.
//
// Without a Seed each message is through before the next one begins, in the order of the inputs, and the outputs have one order. With
// several executors the messages come to all of them in turn.
func Run(tb testing.TB, app *wallaroo.App, inputs []Input, opts ...Option) *Result {
	tb.Helper()
	result, err := Rehearse(app, inputs, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return result
}

// Rehearse does what Run does, where there is no test. Its error has the application's mistakes, or the messages that failed; then there is
// a result too.
func Rehearse(app *wallaroo.App, inputs []Input, opts ...Option) (*Result, error) {
	o := options{executors: 1}
	for _, option := range opts {
		option(&o)
	}
	if o.executors < 1 || o.executors > partitions {
		return nil, fmt.Errorf("wallarootest.Executors(%d): want 1 to %d", o.executors, partitions)
	}
	native, err := app.Native(application.Addresses{Any: true}, application.Addresses{Any: true})
	if err != nil {
		return nil, err
	}
	messages, err := resolve(native.Plan, inputs)
	if err != nil {
		return nil, err
	}
	result, err := rehearse(native, messages, o)
	if err == nil && len(result.Failures) > 0 && !o.failures {
		err = failed(result.Failures)
	}
	return result, err
}

// rehearse takes messages through.
func rehearse(native *application.Native, messages []message, o options) (*Result, error) {
	r := newRehearsal(native, o)
	defer r.close()
	var err error
	if o.chance == nil {
		err = r.calm(messages)
	} else {
		err = r.atRandom(messages)
	}
	if err != nil {
		return nil, err
	}
	return r.result(), nil
}

// message is an input, and the number of its source.
type message struct {
	source int
	data   string
}

// resolve finds the sources of inputs.
func resolve(p *plan.Plan, inputs []Input) ([]message, error) {
	var names []string
	for _, step := range p.Of(plan.Source) {
		names = append(names, p.Steps[step].Pipeline)
	}
	var messages []message
	for _, input := range inputs {
		source := slices.Index(names, input.Pipeline)
		switch {
		case input.Pipeline == "" && len(names) == 1:
			source = 0
		case input.Pipeline == "":
			return nil, fmt.Errorf("the application has the pipelines %q: give inputs by wallarootest.InputsOf", names)
		case source < 0:
			return nil, fmt.Errorf("there is no pipeline %q, but %q", input.Pipeline, names)
		}
		messages = append(messages, message{source: source, data: input.Data})
	}
	return messages, nil
}
