package wallaroo_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// unsupported is what opens a connector that is not used.
func unsupported[T any](connector.Setup) (none T, err error) { return none, errors.ErrUnsupported }

// lines is a source of lines of text, which nobody reads; a line "undecodable" is none.
var lines = wallaroo.Source[string]{
	Origin: connector.Origin{Kind: "memory", Open: unsupported[connector.Source]},
	Decode: func(data []byte) (string, error) {
		if string(data) == "undecodable" {
			return "", errors.New("cannot be decoded")
		}
		return string(data), nil
	},
}

// output is a sink of text, which nobody writes. What begins with "unencodable" is refused when half of it is written.
var output = wallaroo.Sink[string]{
	Destination: connector.Destination{Kind: "memory", Open: unsupported[connector.Sink]},
	Encode: func(text string, dst []byte) ([]byte, error) {
		dst = append(dst, text...)
		switch text {
		case "unencodable":
			return dst, errors.New("cannot be encoded")
		case "panics at the sink":
			panic("no sink")
		}
		return dst, nil
	},
}

// call is what came of messages that one executor, which owns every key, took at a stage.
type call struct {
	outputs  [][]string     // by sink
	failures []string       // INDEX STEP [KEY]: ERROR
	entered  map[string]int // by step
}

// process takes messages through the first stage of an application.
func process(t *testing.T, app *wallaroo.App, limits application.Output, messages ...string) call {
	t.Helper()
	native, executors := employ(t, app, limits, 1)
	executors[0].Process(worker.Call{ID: 1, Batch: batchOf(messages)})
	c := call{outputs: make([][]string, len(native.Destinations)), entered: map[string]int{}}
	for _, e := range carryOut(t, executors[0]) {
		for sink := e.To.Sink; e.Output.Count() > 0; {
			c.outputs[sink] = append(c.outputs[sink], string(e.Output.Take(1).Payload))
		}
		if f := e.Failure; f != nil {
			c.failures = append(c.failures, strings.TrimSpace(fmt.Sprint(f.Index, " ", f.Where(), " ", f.Key))+": "+f.Error)
		}
		for _, entered := range e.Entered {
			c.entered[native.Plan.Steps[entered.Step].ID()] = entered.Messages
		}
	}
	return c
}

// employ makes executors of an application, among which four partitions are divided.
func employ(t *testing.T, app *wallaroo.App, limits application.Output, n int) (*application.Native, []worker.Executor) {
	t.Helper()
	native, err := app.Native(application.Addresses{}, application.Addresses{})
	if err != nil {
		t.Fatal(err)
	}
	program, err := native.Load(t.Context(), application.Options{Partitions: 4, Executors: n, MaxOutput: limits})
	if err != nil {
		t.Fatal(err)
	}
	_, executors, err := program.BringUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return native, executors
}

func batchOf(messages []string) (b message.Batch) {
	for _, m := range messages {
		b.Append([]byte(m))
	}
	return b
}

// carryOut has an executor carry out the call that has begun, and returns what came of it.
func carryOut(t *testing.T, x worker.Executor) (told []worker.Event) {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	defer done()
	err := x.Serve(ctx, func(events []worker.Event) {
		if told = append(told, events...); told[len(told)-1].Done {
			done()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// check compares what came with what should have.
func (c call) check(t *testing.T, outputs [][]string, failures ...string) {
	t.Helper()
	if !slices.EqualFunc(c.outputs, outputs, slices.Equal) {
		t.Errorf("outputs %q; want %q", c.outputs, outputs)
	}
	if !slices.Equal(c.failures, failures) {
		t.Errorf("failures\n%s\nwant\n%s", strings.Join(c.failures, "\n"), strings.Join(failures, "\n"))
	}
}

var ample = application.Output{Messages: 100, Bytes: 100}

// panicAt makes a step that hands on what it gets, but for one message.
func panicAt(bad string) func(string) string {
	return func(text string) string {
		if text == bad {
			panic("no " + bad)
		}
		return text
	}
}

// TestAPanicInABranchCostsTheOthersNothing has two of four branches fail, the last one too.
func TestAPanicInABranchCostsTheOthersNothing(t *testing.T) {
	app := wallaroo.New("branches")
	in := app.From("p", lines)
	in.Map("one", panicAt("b")).To("first", output)
	in.To("second", output)
	in.Map("three", panicAt("nothing")).To("third", output)
	in.Map("four", panicAt("c")).To("fourth", output)
	c := process(t, app, ample, "a", "b", "c", "d")
	all := []string{"a", "b", "c", "d"}
	c.check(t, [][]string{{"a", "c", "d"}, all, all, {"a", "b", "d"}}, "1 p/one: panic: no b", "2 p/four: panic: no c")
	if c.entered["p/one"] != 4 || c.entered["p/first"] != 3 || c.entered["p/second"] != 4 || c.entered["p/fourth"] != 3 {
		t.Errorf("%v", c.entered)
	}
}

// upTo yields a message's letters, and panics at an "x".
func upTo(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, letter := range text {
			if letter == 'x' {
				panic("an x")
			}
			if !yield(string(letter)) {
				return
			}
		}
	}
}

func TestASequenceThatPanicsMidwayGivesNothing(t *testing.T) {
	app := wallaroo.New("sequences")
	app.From("p", lines).FlatMap("letters", upTo).To("out", output)
	process(t, app, ample, "ab", "cdx", "e").check(t, [][]string{{"a", "b", "e"}}, "1 p/letters: panic: an x")
}

func TestAResultThatFailsCostsTheOthersOfItsMessageNothing(t *testing.T) {
	app := wallaroo.New("results")
	app.From("p", lines).FlatMap("letters", upTo).Map("no b", panicAt("b")).To("out", output)
	c := process(t, app, ample, "abc", "bad")
	c.check(t, [][]string{{"a", "c", "a", "d"}}, "0 p/no b: panic: no b", "1 p/no b: panic: no b")
}

func TestMoreResultsThanMayBeGiveNothing(t *testing.T) {
	app := wallaroo.New("results")
	app.From("p", lines).FlatMap("letters", upTo).To("out", output)
	c := process(t, app, application.Output{Messages: 3, Bytes: 100}, "abc", "defg", "h")
	c.check(t, [][]string{{"a", "b", "c", "h"}}, "1 p/letters: more than 3 results for one message: --max-call-output allows no more")
}

func TestWhatCannotBeEncodedCostsThatOutputOnly(t *testing.T) {
	app := wallaroo.New("encoding")
	app.From("p", lines).To("out", output)
	c := process(t, app, application.Output{Messages: 9, Bytes: 20}, "a", "unencodable", "b", "panics at the sink", "c",
		"just twenty letters!", "more than twenty bytes", "d")
	c.check(t, [][]string{{"a", "b", "c", "just twenty letters!", "d"}},
		"1 p/out: cannot be encoded", "3 p/out: panic: no sink",
		"6 p/out: a message of 22 bytes for a sink: --max-call-output allows 20")
	if c.entered["p/out"] != 8 {
		t.Errorf("%v", c.entered)
	}
}

// TestEncodeThatDoesNotAppendIsTold has an encoder that gives slices of its own, shorter and longer than what is in dst, or less of dst.
func TestEncodeThatDoesNotAppendIsTold(t *testing.T) {
	app := wallaroo.New("encoding")
	sink := output
	sink.Encode = func(text string, dst []byte) ([]byte, error) {
		switch text[0] {
		case 'x':
			return []byte(text), nil
		case 'l':
			return dst[:len(dst)-1], nil
		}
		return append(dst, text...), nil
	}
	app.From("p", lines).To("out", sink)
	const told = " p/out: what it returns does not begin with what was in dst: it must append to dst and return the longer slice"
	c := process(t, app, ample, "a", "x", "x that is longer than all before", "less", "b")
	c.check(t, [][]string{{"a", "b"}}, "1"+told, "2"+told, "3"+told)
}

func TestAFailureOfAMergedStepNamesThatStep(t *testing.T) {
	app := wallaroo.New("merge")
	one, two := app.From("one", lines), app.From("two", lines)
	left, right := one.Map("left", strings.ToUpper), one.Map("right", strings.ToLower)
	left.Merge(two, right).TryMap("checked", func(text string) (string, error) {
		if text == "B" {
			return "", errors.New("no B")
		}
		return text, nil
	}).To("out", output)
	c := process(t, app, ample, "a", "B", "undecodable")
	c.check(t, [][]string{{"A", "a", "b"}}, "1 one/checked: no B", "2 one/source: cannot be decoded")
	if c.entered["one/checked"] != 4 || c.entered["one/source"] != 3 || c.entered["two/source"] != 0 {
		t.Errorf("%v", c.entered)
	}
}

type total struct{ N int }

func (s *total) add(text string) string {
	s.N++
	if strings.HasSuffix(text, "!") {
		panic("an exclamation")
	}
	return fmt.Sprint(text, s.N)
}

// TestFailuresAroundStateNameStepAndKey has the finding of a key fail, its text, the step itself, and the one behind it.
func TestFailuresAroundStateNameStepAndKey(t *testing.T) {
	app := wallaroo.New("keys")
	app.From("p", lines).
		KeyBy(func(text string) string { return text[:1] }).
		StatefulMap("count", (*total).add).
		Map("behind", panicAt("a3")).
		To("out", output)
	c := process(t, app, ample, "a", "", "a!", "a", "b", "\xffz", "a")
	c.check(t, [][]string{{"a1", "b1", "a4"}},
		"1 p/count key: panic: runtime error: slice bounds out of range [:1] with length 0",
		`2 p/count 'a': panic: an exclamation`,
		"3 p/behind: panic: no a3",
		"5 p/count key: a key of text must be UTF-8: use an array of bytes for others")
	if c.entered["p/count"] != 5 || c.entered["p/behind"] != 4 {
		t.Errorf("%v", c.entered)
	}
}

// TestStepsShareAState has a stream and its branch count in one state, of which the first step says how it begins.
func TestStepsShareAState(t *testing.T) {
	app := wallaroo.New("shared")
	in := app.From("p", lines)
	first := func(text string) string { return text[:1] }
	begin := wallaroo.Initial(func(key string) total { return total{N: len(key) * 10} })
	counted := in.KeyBy(first).StatefulMap("count", (*total).add, wallaroo.State("totals"), begin)
	counted.To("one", output)
	in.KeyBy(first).StatefulMap("again", (*total).add, wallaroo.State("totals")).To("two", output)
	process(t, app, ample, "a", "b", "a").check(t, [][]string{{"a11", "b11", "a13"}, {"a12", "b12", "a14"}})
}

// TestAShutQueueHoldsAMessageWhoseEntityIsHere moves a key and has a message come to it before its queue is open. The worker gives an
// executor no such message, but an executor must not rely on it.
func TestAShutQueueHoldsAMessageWhoseEntityIsHere(t *testing.T) {
	app := wallaroo.New("moves")
	app.From("p", lines).KeyBy(strings.ToLower).StatefulMap("count", (*total).add).To("out", output)
	_, executors := employ(t, app, ample, 2)
	const stage = 1
	p := partition.Of(partition.Hash([]byte("\x04a")), 4)
	from := partition.Even(4, 2).Owners[p]
	old, owner := executors[from], executors[1-from]
	moves := []partition.Move{{Partition: p, From: from, Owner: 1 - from}}
	old.Process(worker.Call{Batch: batchOf([]string{"a"})})
	carryOut(t, old)
	old.Switch(worker.Switch{Moves: moves})
	state := carryOut(t, old)[0].State
	owner.Switch(worker.Switch{Moves: moves})
	carryOut(t, owner)
	owner.Load(worker.Load{State: *state})
	carryOut(t, owner)
	owner.Process(worker.Call{Batch: batchOf([]string{"A"})})
	waiting := carryOut(t, owner)[0]
	if want := (worker.Target{Kind: worker.ToQueue, Stage: stage, Partition: p}); waiting.To != want || waiting.Output.Count() != 1 {
		t.Fatalf("%+v; want a message for %+v", waiting, want)
	}
	owner.Process(worker.Call{Stage: stage, Settles: true, Batch: waiting.Output})
	if got := carryOut(t, owner)[0]; string(got.Output.Payload) != "A2" {
		t.Errorf("%+v", got)
	}
	owner.Open(worker.Open{Stage: stage, Partitions: []int{p}})
	carryOut(t, owner)
	owner.Process(worker.Call{Batch: batchOf([]string{"a"})})
	if got := carryOut(t, owner)[0]; string(got.Output.Payload) != "a3" {
		t.Errorf("%+v", got)
	}
	old.Process(worker.Call{Batch: batchOf([]string{"a"})})
	if got := carryOut(t, old)[0].To; got != (worker.Target{Kind: worker.ToExecutor, Stage: stage, Executor: 1 - from}) {
		t.Errorf("the old owner gives it to %+v", got)
	}
}
