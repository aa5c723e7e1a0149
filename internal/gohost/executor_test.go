package gohost

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// scripted is a stage's code that does what a test says.
type scripted struct{ process, flush func(*Run) }

func (s *scripted) Process(r *Run, b *message.Batch) {
	r.Stamp(b.Ingest)
	s.process(r)
}
func (s *scripted) Flush(r *Run) { s.flush(r) }

// kept is a state: names of entities, by partition.
type kept map[int][]string

func (k kept) TakeOut(p int) (entities any, count int) {
	list := k[p]
	delete(k, p)
	return kept{p: list}, len(list)
}

func (k kept) PutIn(coming any) {
	for p, list := range coming.(kept) {
		k[p] = append(k[p], list...)
	}
}

func (k kept) Mark() {}

func (k kept) Save(*worker.Event, int) {}

func (k kept) Restore(*entity.Entity) error { return nil }

// graph has two steps with state behind one source, which is an island, and a pipeline that is another.
var graph = &plan.Plan{Application: "graph", Steps: []plan.Step{
	{Pipeline: "p", Name: "source", Kind: plan.Source},
	{Pipeline: "p", Name: "one", Kind: plan.StateComputation, State: "s", After: []int{0}},
	{Pipeline: "p", Name: "two", Kind: plan.StateComputation, State: "t", After: []int{1}},
	{Pipeline: "p", Name: "out", Kind: plan.Sink, After: []int{2}},
	{Pipeline: "q", Name: "source", Kind: plan.Source},
	{Pipeline: "q", Name: "three", Kind: plan.StateComputation, State: "u", After: []int{4}},
}}

// The stages of the graph, by the step where they begin.
const source, one, two, three = 0, 1, 2, 4

// bench is an executor whose calls are carried out at once; its number is 1 of 2, and it owns the odd ones of four partitions.
type bench struct {
	*Executor
	t      *testing.T
	states map[string]State
	code   scripted // of every stage
	told   []worker.Event
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, states: map[string]State{"s": kept{}, "t": kept{}, "u": kept{}}}
	b.code = scripted{func(*Run) {}, func(*Run) {}}
	stages := graph.Stages()
	b.Executor = New(Part{
		Number: 1, Plan: graph, Stages: stages, Table: &partition.Table{Executors: 2, Owners: []int{0, 1, 0, 1}},
		Limits: Limits{Results: 5, Bytes: 1 << 20, Letter: 9},
		Fuse: func(*Executor) Program {
			program := Program{States: b.states}
			for range stages {
				program.Codes = append(program.Codes, &b.code)
			}
			return program
		},
	})
	return b
}

// carryOut carries out the call that has begun and returns what it told but for its end.
func (b *bench) carryOut() []worker.Event {
	b.t.Helper()
	b.told = nil
	ctx, done := context.WithCancel(b.t.Context())
	defer done()
	err := b.Serve(ctx, func(events []worker.Event) {
		b.told = append(b.told, events...)
		if events[len(events)-1].Done {
			done()
		}
	})
	if err != nil || len(b.told) == 0 {
		b.t.Fatal(b.told, err)
	}
	return b.told[:len(b.told)-1]
}

// places are those of the partitions at a stage, in a call of another: the owner, with w where a message waits.
func (b *bench) places(stage int, call worker.Call) string {
	b.t.Helper()
	var s strings.Builder
	b.code.process = func(r *Run) {
		for p := range b.Partitions() {
			at := b.Place(r, stage, p)
			fmt.Fprint(&s, at.Executor)
			if at.Here != (at.Executor == 1) {
				b.t.Errorf("%+v", at)
			}
			if at.Waits {
				s.WriteByte('w')
			}
		}
	}
	b.Process(call)
	b.carryOut()
	return s.String()
}

// TestAPartitionComes has one come whose queues are opened one after another.
func TestAPartitionComes(t *testing.T) {
	b := newBench(t)
	check := func(when, atOne, atTwo, atThree string) {
		t.Helper()
		for stage, want := range map[int]string{one: atOne, two: atTwo, three: atThree} {
			if got := b.places(stage, worker.Call{Stage: source}); got != want {
				t.Errorf("%s: stage %d has %s; want %s", when, stage, got, want)
			}
			if shut := strings.Contains(want, "w"); b.AnyShut(stage) != shut {
				t.Errorf("%s: a queue of stage %d is shut: %v", when, stage, b.AnyShut(stage))
			}
		}
	}
	check("at first", "0101", "0101", "0101")
	b.Switch(worker.Switch{ID: 1, Island: 0, Moves: []partition.Move{{Partition: 2, From: 0, Owner: 1}}})
	if told := b.carryOut(); len(told) != 0 {
		t.Errorf("%+v", told)
	}
	check("when it is to come", "011w1", "011w1", "0101")
	b.Load(worker.Load{ID: 2, Island: 0, State: worker.State{Partition: 2, Live: map[string]any{"s": kept{2: {"a"}}, "t": kept{2: {"b"}}}}})
	b.carryOut()
	check("when it has come", "011w1", "011w1", "0101")
	want := map[string]State{"s": kept{2: {"a"}}, "t": kept{2: {"b"}}, "u": kept{}}
	if !reflect.DeepEqual(b.states, want) {
		t.Errorf("%v", b.states)
	}
	if got := b.places(one, worker.Call{Stage: one, Settles: true}); got != "0111" {
		t.Errorf("what comes out of the queue finds %s", got)
	}
	if got := b.places(two, worker.Call{Stage: one, Settles: true}); got != "011w1" {
		t.Errorf("what comes out of the queue finds %s at the next stage", got)
	}
	b.Open(worker.Open{ID: 3, Stage: one, Partitions: []int{2}})
	b.carryOut()
	check("when one queue is open", "0111", "011w1", "0101")
	b.Open(worker.Open{ID: 4, Stage: two, Partitions: []int{2}})
	b.carryOut()
	check("when both are", "0111", "0111", "0101")
}

func TestAPartitionLeavesWithAllStatesOfItsIsland(t *testing.T) {
	b := newBench(t)
	b.states["s"] = kept{1: {"a", "b"}, 3: {"stays"}}
	b.states["t"], b.states["u"] = kept{1: {"c"}}, kept{1: {"other island's"}}
	b.Switch(worker.Switch{ID: 7, Island: 0, Moves: []partition.Move{{Partition: 1, From: 1, Owner: 0}}})
	told := b.carryOut()
	want := []worker.Event{{Call: 7, State: &worker.State{
		Partition: 1, Entities: 3, Live: map[string]any{"s": kept{1: {"a", "b"}}, "t": kept{1: {"c"}}},
	}}}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("%+v", told)
	}
	left := map[string]State{"s": kept{3: {"stays"}}, "t": kept{}, "u": kept{1: {"other island's"}}}
	if !reflect.DeepEqual(b.states, left) {
		t.Errorf("%v are left", b.states)
	}
	if got := b.places(one, worker.Call{}); got != "0001" {
		t.Errorf("%s", got)
	}
	if got := b.places(three, worker.Call{}); got != "0101" {
		t.Errorf("the other island has %s", got)
	}
}

func TestProbeTellsNothing(t *testing.T) {
	b := newBench(t)
	b.Probe(3)
	if told := b.carryOut(); len(told) != 0 || b.told[0].Call != 3 {
		t.Errorf("%+v", b.told)
	}
}

// TestLongOutputIsToldInParts gives a sink twice what is kept; the order stays, and no part is one that another call writes to.
func TestLongOutputIsToldInParts(t *testing.T) {
	b := newBench(t)
	text := strings.Repeat("x", sinkChunk/4)
	sink := NewPost(3, nil)
	b.code.process = func(r *Run) {
		for n := range 10 {
			dst := r.Encodes(&sink, 0)
			r.Encoded(0, append(fmt.Append(dst, n), text...), nil)
		}
	}
	b.Process(worker.Call{ID: 1, Batch: message.Batch{Ingest: 42}})
	first := b.carryOut()
	b.Process(worker.Call{ID: 2, Batch: message.Batch{Ingest: 43}})
	b.carryOut()
	n := 0
	for _, e := range first {
		if e.Call != 1 || e.Output.Ingest != 42 || len(e.Output.Payload) > sinkChunk+len(text) {
			t.Errorf("a part of call %d, read at %d, of %d bytes", e.Call, e.Output.Ingest, len(e.Output.Payload))
		}
		for ; e.Output.Count() > 0; n++ {
			if got := e.Output.Take(1); string(got.Payload) != fmt.Sprint(n)+text {
				t.Errorf("output %d is %.5q...", n, got.Payload)
			}
		}
	}
	if len(first) != 3 || n != 10 {
		t.Errorf("%d outputs in %d parts", n, len(first))
	}
}

// TestAFailureNamesWhatRan has failures of a step, of the finding of a key, of a step that met a key, and of one behind that; and one whose
// message has code of its own that panics.
func TestAFailureNamesWhatRan(t *testing.T) {
	b := newBench(t)
	plain, finds, meets := NewPost(0, held{"", "m0"}), NewFinder(1, held{"k", "m1"}), NewPost(1, held{"k", "m1"})
	behind, unruly := NewPost(3, held{"", "m3"}), NewPost(3, held{"", "panics"})
	b.code.process = func(r *Run) {
		r.Index = 2
		r.Enter(&plain)
		r.Fail(errors.New("plain"))
		r.Finds(&finds)
		r.Fail(errors.New("no key"))
		r.Enter(&meets)
		r.Fail(errors.New("with state"))
		r.Enter(&behind)
		func() {
			defer func() { r.Recovered(recover()) }()
			panic("behind")
		}()
		r.FailAt(2, errors.New("found out later"))
		r.Finds(&unruly)
		r.Fail(errors.New("twice"))
		r.Unreadable(1, message.Letter{Text: "?"}, errors.New("unread"))
	}
	b.Process(worker.Call{ID: 1})
	var got []string
	for _, e := range b.carryOut() {
		f := e.Failure
		got = append(got, fmt.Sprint(f.Index, " ", f.Where(), " ", f.Key, " ", f.Error, ": ", f.Letter.Text, f.Letter.Missing))
	}
	want := []string{
		"2 p/source  plain: m0 of 9", "2 p/one key  no key: m1 of 9", "2 p/one k with state: m1 of 9", "2 p/out  panic: behind: m3 of 9",
		"2 p/two  found out later: it was not at hand any more", "2 p/out  twice: making bytes of it panicked: no bytes", "2 p/one  unread: ?",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
	entered := []worker.Entered{{Step: 0, Messages: 1}, {Step: 1, Messages: 1}, {Step: 3, Messages: 1}}
	if got := without(b.told[len(b.told)-1].Entered); !reflect.DeepEqual(got, entered) {
		t.Errorf("%+v", got)
	}
	b.code.process = func(*Run) {}
	b.Process(worker.Call{ID: 2})
	if b.carryOut(); b.told[0].Entered != nil {
		t.Errorf("what entered in one call is told again: %+v", b.told)
	}
}

// held is a message and its key, as texts.
type held struct{ key, text string }

func (h held) Key() string { return h.key }

func (h held) Letter(most int) message.Letter {
	if h.text == "panics" {
		panic("no bytes")
	}
	return message.Letter{Text: fmt.Sprint(h.text, " of ", most)}
}

func (h held) Shown() string { return "shown " + h.text }

// TestAReplayEntersAtItsStep and is told what went wrong as any message is; without letters the message is shown.
func TestAReplayEntersAtItsStep(t *testing.T) {
	b := newBench(t)
	b.part.Limits.Letter = 0
	flushed := 0
	b.code.flush = func(*Run) { flushed++ }
	entered := NewPost(2, held{"", "m"})
	b.program.Entries = make([]func(*Run, message.Letter), 4)
	b.program.Entries[2] = func(r *Run, l message.Letter) {
		r.Enter(&entered)
		r.Fail(errors.New(l.Text))
	}
	b.Replay(5, worker.Replay{Stage: one, Step: 2, Letter: message.Letter{Text: "again"}})
	got := b.carryOut()
	want := []worker.Event{{Call: 5, Failure: &worker.Failure{Step: "p/two", Error: "again", Shown: "shown m"}}}
	if want[0].Failure.Key = got[0].Failure.Key; !reflect.DeepEqual(got, want) || flushed != len(graph.Stages()) {
		t.Errorf("%+v, %d stages were flushed", got[0].Failure, flushed)
	}
}

// TestAllStagesAreFlushed has a call of the first stage reach a later one.
func TestAllStagesAreFlushed(t *testing.T) {
	b := newBench(t)
	flushed := 0
	b.code.flush = func(*Run) { flushed++ }
	b.Process(worker.Call{ID: 1})
	if b.carryOut(); flushed != len(graph.Stages()) {
		t.Errorf("%d of %d stages are flushed", flushed, len(graph.Stages()))
	}
}

func TestAMessageIsShownInShort(t *testing.T) {
	type text string
	type frame struct {
		Name string
		Size int
	}
	long := strings.Repeat("é", 1000)
	for _, c := range []struct {
		value any
		want  string
	}{
		{text("a b\n"), `"a b\n"`},
		{[]byte("a\xff"), `"a\xff"`},
		{frame{"a", 5}, "{Name:a Size:5}"},
		{5, "5"},
		{nil, "<nil>"},
		{long, `"` + long[:2*196] + "..."},
		{[]byte(long), `"` + long[:2*196] + "..."},
		{frame{long, 5}, "{Name:" + long[:2*191] + "..."},
		{strings.Repeat("\n", 200), `"` + strings.Repeat(`\n`, 98) + "..."},
	} {
		if got := Show(c.value); got != c.want {
			t.Errorf("%.20v: %s", c.value, got)
		}
	}
}

// without is what entered, without what was seen of it, which is chance.
func without(entered []worker.Entered) []worker.Entered {
	var known []worker.Entered
	for _, e := range entered {
		if e.Messages > 0 {
			known = append(known, worker.Entered{Step: e.Step, Messages: e.Messages})
		}
	}
	return known
}

// TestALookSeesWhoseTimeItIs takes messages through two steps, of which one takes long; of two calls in a row one is looked at.
func TestALookSeesWhoseTimeItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		first, second := NewPost(0, nil), NewPost(1, nil)
		b.code.process = func(r *Run) {
			r.Enter(&first)
			time.Sleep(5 * time.Millisecond)
			r.Enter(&second)
			time.Sleep(2 * time.Millisecond)
		}
		for call, want := range []string{
			"[{Step:0 Messages:1 Seen:5000000} {Step:1 Messages:1 Seen:2000000}]", "[{Step:0 Messages:1 Seen:0} {Step:1 Messages:1 Seen:0}]",
		} {
			b.Process(worker.Call{ID: uint32(call)})
			b.carryOut()
			if got := fmt.Sprintf("%+v", b.told[len(b.told)-1].Entered); got != want {
				t.Errorf("call %d: %s", call, got)
			}
		}
	})
}

// TestACallThatGoesOnIsLeftBehind has one that is not back when its executor is to end, and comes back later: nobody is told what came of
// it, and the call behind it is not carried out. One that comes back soon is waited for, and told.
func TestACallThatGoesOnIsLeftBehind(t *testing.T) {
	for takes, left := range map[time.Duration]bool{patience - time.Millisecond: false, time.Hour: true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			ctx, done := context.WithCancel(t.Context())
			calls, told := 0, 0
			b.code.process = func(*Run) {
				calls++
				done()
				time.Sleep(takes)
			}
			b.Process(worker.Call{ID: 1})
			b.Process(worker.Call{ID: 2})
			began := time.Now()
			err := b.Serve(ctx, func([]worker.Event) { told++ })
			if took, most := time.Since(began), min(takes, patience); err != nil || took != most {
				t.Errorf("a call of %v: Serve took %v, %v; want %v", takes, took, err, most)
			}
			time.Sleep(2 * takes)
			synctest.Wait()
			if calls != 1 || (told == 0) != left {
				t.Errorf("a call of %v: %d calls were carried out, and %d told", takes, calls, told)
			}
		})
	}
}
