package status

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/graph"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

var words = &plan.Plan{Application: "Words", Steps: []plan.Step{
	{Pipeline: "p", Name: "source", Kind: plan.Source, Outside: &plan.Outside{Connector: plan.TCP, Port: 7010}},
	{Pipeline: "p", Name: "split", Kind: plan.Computation, After: []int{0}},
	{Pipeline: "p", Name: "count", Kind: plan.StateComputation, After: []int{1}},
	{Pipeline: "p", Name: "sink", Kind: plan.Sink, After: []int{2}, Outside: &plan.Outside{Connector: plan.TCP, Port: 7002}},
}}

// doing is an executor with so many tenths of a second.
func doing(busy, waiting, held, sink, exchange int, steps ...int) Doing {
	tenths := func(n int) time.Duration { return time.Duration(n) * time.Second / 10 }
	d := Doing{
		Busy: tenths(busy), Waiting: tenths(waiting), Held: tenths(held), Sinks: []time.Duration{tenths(sink)}, Exchange: tenths(exchange),
	}
	for _, n := range steps {
		d.Steps = append(d.Steps, tenths(n))
	}
	return d
}

// blocked is an executor that has waited 3 s for the sink.
func blocked(d Doing) Doing {
	d.Blocked = 3 * time.Second
	return d
}

// calling is one whose call has run for 3 s.
func calling(d Doing) Doing {
	d.Call = 3 * time.Second
	return d
}

func TestBottlenecks(t *testing.T) {
	for _, c := range []struct {
		what      string
		executors []Doing
		want      string
	}{
		{"nothing is known", nil, "none"},
		{"all wait for messages", []Doing{doing(2, 8, 0, 0, 0, 0, 2), doing(1, 9, 0, 0, 0, 1)}, "none"},
		{"a slow step", []Doing{doing(10, 0, 0, 0, 0, 0, 3, 7)}, "step p/count 0 70 %"},
		{"an executor waits for a slow step", []Doing{doing(1, 0, 0, 0, 9, 1), doing(9, 1, 0, 0, 0, 0, 1, 8)}, "step p/count 1 80 %"},
		{"an executor is held by a slow step", []Doing{doing(4, 0, 6, 0, 0, 4), doing(10, 0, 0, 0, 0, 0, 10)}, "step p/split 1 100 %"},
		{"a receiver that stalls", []Doing{doing(2, 0, 0, 8, 0, 0, 1, 1), doing(1, 2, 0, 0, 7, 0, 1)}, "sink p/sink 0 80 %"},
		{"a receiver as fast as the steps", []Doing{doing(6, 0, 0, 4, 0, 0, 6)}, "step p/split 0 60 %"},
		{"partitions move", []Doing{doing(1, 3, 6, 0, 0, 1), doing(1, 9, 0, 0, 0, 1)}, "move  0 60 %"},
		{"all the time goes to moves, not to steps", []Doing{doing(10, 0, 0, 0, 0)}, "none"},
		{"one waits for another whose receiver is away", []Doing{doing(4, 1, 0, 5, 0, 0, 4), doing(1, 4, 0, 0, 5, 0, 1)}, "sink p/sink 0 50 %"},
		{"the first call does not end", []Doing{calling(doing(3, 7, 0, 0, 0))}, "call p/source 0 30 %"},
		{"an encoder", []Doing{doing(9, 1, 0, 0, 0, 0, 1, 2, 6)}, "encoder p/sink 0 60 %"},
		{"a decoder", []Doing{doing(9, 1, 0, 0, 0, 6, 1, 2)}, "decoder p/source 0 60 %"},
		{"a receiver has stalled for 3 s", []Doing{blocked(doing(6, 1, 0, 3, 0, 0, 6))}, "sink p/sink 0 30 %"},
		{"a call has run for 3 s", []Doing{doing(1, 9, 0, 0, 0, 0, 1), calling(doing(3, 7, 0, 0, 0, 0, 0, 3))}, "step p/count 1 30 %"},
	} {
		got := "none"
		if b := bottleneck(words, &Lately{Executors: c.executors}); b != nil {
			got = fmt.Sprintf("%s %s %d %s", b.Kind, b.Name, b.Executor, Percent(b.Share))
			if b.Why == "" {
				t.Errorf("%s: no reason", c.what)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s; want %s", c.what, got, c.want)
		}
	}
}

// figures are those of a worker at a second: all that it counts grows by one each.
func figures(second, executors int) worker.Figures {
	n, d := uint64(second), time.Duration(second)*time.Second
	f := worker.Figures{
		Sources: []worker.SourceFigures{{Accepted: worker.Traffic{Messages: 100 * n}}}, Steps: []uint64{0, 10 * n},
		Sinks: []worker.SinkFigures{{Delivered: worker.Traffic{Messages: 5 * n}}},
	}
	f.Sinks[0].Latency.Counts[2] = 5 * n
	for range executors {
		spent := worker.Spent{Busy: d / 4, Waiting: d - d/4, Sinks: []time.Duration{0}}
		f.Executors = append(f.Executors, worker.ExecutorFigures{Began: time.Unix(1e9, 0), Spent: spent, Busy: []time.Duration{0, d / 4}})
	}
	return f
}

func TestLatelyIsTheLastTenSeconds(t *testing.T) {
	start := time.Unix(1e9, 0)
	var r Recent
	if l := r.Since(start, figures(0, 1)); l.Took != 0 || l.Executors != nil {
		t.Errorf("something is known before anything was read: %+v", l)
	}
	for second := range 31 {
		r.Take(start.Add(time.Duration(second)*time.Second), figures(second, 1))
	}
	if len(r.readings) > 12 {
		t.Errorf("%d readings are kept", len(r.readings))
	}
	l := r.Since(start.Add(30500*time.Millisecond), figures(31, 2))
	if l.Took != 10500*time.Millisecond || l.Sources[0] != 1100 || l.Steps[1] != 110 || l.Sinks[0] != 55 || l.Latencies[0].Count() != 55 {
		t.Errorf("%+v", l)
	}
	// The second executor has joined meanwhile, so that all of its time is in the window.
	if l.Executors[0].Busy != 11*time.Second/4 || l.Executors[1].Busy != 31*time.Second/4 || l.Executors[0].Steps[1] != 11*time.Second/4 {
		t.Errorf("%+v", l.Executors)
	}
	// One that left, and another came in its place: what that has spent is less than before, or more.
	for _, second := range []int{1, 6} {
		r = Recent{}
		r.Take(start, figures(5, 2))
		again := figures(12, 1)
		another := figures(second, 1).Executors[0]
		another.Began = start.Add(time.Second)
		again.Executors = append(again.Executors, another)
		if l := r.Since(start.Add(7*time.Second), again); l.Executors[1].Busy != time.Duration(second)*time.Second/4 {
			t.Errorf("%+v", l.Executors[1])
		}
	}
	// The call that ran then was thought to be in a step that it was not in.
	now := figures(31, 1)
	now.Executors[0].Busy[1] = figures(30, 1).Executors[0].Busy[1] - time.Millisecond
	r = Recent{}
	r.Take(start, figures(30, 1))
	if l := r.Since(start.Add(time.Second), now); l.Executors[0].Steps[1] != 0 {
		t.Errorf("%+v", l.Executors[0])
	}
}

func TestAStatusIsMadeOfFigures(t *testing.T) {
	start := time.Unix(1e9, 0)
	before, now := reading{start, figures(0, 2)}, reading{start.Add(10 * time.Second), figures(10, 2)}
	now.Failures = map[string]uint64{"p/count": 3, "p/count key": 4, "p/source": 5, "p/sink": 6}
	f := Facts{
		Worker: "w", State: Running, Since: start, Plan: words, Partitions: 1024, Figures: now.Figures, Lately: lately(&before, &now),
		Connections: &Connections{},
	}
	s := Of(&f, now.at)
	if s.Application != "Words" || s.StateSeconds != 10 || s.WindowSeconds != 10 || s.Bottleneck != nil {
		t.Errorf("%+v", s)
	}
	source := Source{Source: "p/source", Connector: "tcp", MessagesAccepted: 1000, MessagesPerSecond: 100, Errors: 5}
	if s.Sources[0] != source {
		t.Errorf("%+v", s.Sources[0])
	}
	if x := s.Steps[0]; x.Step != "p/split" || x.Busy != 0.5 || x.MessagesPerSecond != 10 || s.Steps[1].Errors != 7 {
		t.Errorf("%+v", s.Steps)
	}
	x := s.Sinks[0]
	if x.Sink != "p/sink" || x.Connection != "unknown" || x.Since != nil || x.Errors != 6 || x.Latency.P50Seconds != 0.000375 {
		t.Errorf("%+v", x)
	}
	if x := s.Executors[1]; x.Executor != 1 || x.Busy != 0.25 || x.WaitingForInput != 0.75 || x.Held != 0 || x.OutOfCredit != 0 {
		t.Errorf("%+v", x)
	}
	f.Connections.Teller("p/sink")(errors.New("refused"))
	f.Addresses = []string{"127.0.0.1:7010"}
	s = Of(&f, now.at)
	if x := s.Sinks[0]; x.Connection != "away" || x.Why != "refused" || x.Since == nil || s.Sources[0].Address != "127.0.0.1:7010" {
		t.Errorf("%+v", x)
	}
}

func TestAConnectionKnowsSinceWhenItStandsSo(t *testing.T) {
	var c Connections
	tell := c.Teller("p/sink")
	tell(errors.New("refused"))
	first := c.Of("p/sink")
	tell(errors.New("no route"))
	if again := c.Of("p/sink"); again.Since != first.Since || again.Lost != "no route" || again.Connected() {
		t.Errorf("%+v", again)
	}
	tell(nil)
	if now := c.Of("p/sink"); !now.Connected() || now.Since.Equal(first.Since) {
		t.Errorf("%+v", now)
	}
	if other := c.Of("q/sink"); other.Known {
		t.Errorf("%+v", other)
	}
}

// TestTheDocumentationListsAll looks in docs/status.md for the fields of the API.
func TestTheDocumentationListsAll(t *testing.T) {
	page, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []any{
		Status{},
		Source{},
		Step{},
		Sink{},
		Latency{},
		Executor{},
		DeadLetters{},
		Changing{},
		Bottleneck{},
		graph.Graph{},
		graph.Step{},
		graph.State{},
	} {
		for field := range reflect.TypeOf(of).Fields() {
			if name := field.Tag.Get("json"); !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("%T: docs/status.md does not tell of %s", of, name)
			}
		}
	}
}
