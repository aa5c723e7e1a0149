package status

import (
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// least is the share of the time that something must have of an executor to be called a bottleneck.
const least = 0.5

// long is how long an executor must have waited, or have been in one call, to be told of before it is seen in its shares.
const long = 2 * time.Second

// Bottleneck is what all else waits for.
type Bottleneck struct {
	// Kind is "step", "decoder" or "encoder", whose code takes the time; "call", one that does not end, of messages that entered at Name;
	// "sink", whose receiver takes its messages too slowly; or "move", when executors mostly wait for markers and for partitions on their way.
	Kind string `json:"kind"`
	// Name is the identity of the step, source or sink; "" of a move.
	Name string `json:"name"`
	// Executor is the one that was kept busy, or waiting, most.
	Executor int `json:"executor"`
	// Share is how much of its time it was in the step, or waited for the sink or the move.
	Share float64 `json:"share"`
	// Why says it in words.
	Why string `json:"why"`
}

// bottleneck finds the step with the largest share in the executor that others wait for, which is the busiest: one that waits for another
// is not busy meanwhile. A sink without credit is one if it keeps an executor waiting for longer than any is busy. What holds an executor
// up now, and for long, goes before what did. It is nil if executors mostly wait for messages.
func bottleneck(p *plan.Plan, l *Lately) *Bottleneck {
	var worst, blocked, closed Bottleneck
	var waits, calls int // the executors that have waited for a sink, or been in a call, longest
	for n := range l.Executors {
		e := &l.Executors[n]
		all := e.All()
		if share := part(e.Busy, all); share > worst.Share {
			worst = Bottleneck{Executor: n, Share: share}
		}
		for sink, d := range e.Sinks {
			if share := part(d, all); share > blocked.Share {
				blocked = ofSink(p, sink, n, share)
			}
		}
		if share := part(e.Held, all); share > closed.Share {
			closed = Bottleneck{Kind: "move", Executor: n, Share: share}
		}
		if e.Blocked > l.Executors[waits].Blocked {
			waits = n
		}
		if e.Call > l.Executors[calls].Call {
			calls = n
		}
	}
	switch {
	case len(l.Executors) == 0:
		return nil
	case l.Executors[waits].Blocked >= long:
		e := &l.Executors[waits]
		b := ofSink(p, e.Sink, waits, part(e.Sinks[e.Sink], e.All()))
		b.Why = fmt.Sprintf("executor %d has something for it and has waited for %s: its receiver is away, or takes messages too slowly",
			waits, e.Blocked.Round(time.Second))
		return &b
	case l.Executors[calls].Call >= long:
		e := &l.Executors[calls]
		return ofCall(p, e, Bottleneck{Executor: calls, Share: part(e.Busy, e.All())})
	case blocked.Share >= least && blocked.Share > worst.Share:
		blocked.Why = fmt.Sprintf("executor %d had something for it %s of the time and could not hand it over: its receiver is away, or takes "+
			"messages too slowly", blocked.Executor, Percent(blocked.Share))
		return &blocked
	case worst.Share >= least:
		return busiest(p, &l.Executors[worst.Executor], worst)
	case closed.Share >= least:
		closed.Why = fmt.Sprintf("executor %d waited %s of the time for markers of other executors, or for partitions on their way",
			closed.Executor, Percent(closed.Share))
		return &closed
	default:
		return nil
	}
}

// ofSink is a sink as the bottleneck of an executor.
func ofSink(p *plan.Plan, sink, executor int, share float64) Bottleneck {
	return Bottleneck{Kind: "sink", Name: p.Steps[p.Of(plan.Sink)[sink]].ID(), Executor: executor, Share: share}
}

// ofCall is the bottleneck of an executor that has been in one call for long: the step that is known to take the time, or the call as such.
func ofCall(p *plan.Plan, e *Doing, of Bottleneck) *Bottleneck {
	took := e.Call.Round(time.Second)
	if b := busiest(p, e, of); b != nil {
		b.Why += fmt.Sprintf("; the call that runs has taken %s", took)
		return b
	}
	of.Kind, of.Name = "call", p.Steps[e.Entry].ID()
	of.Why = fmt.Sprintf("executor %d has been in one call for %s, of messages that entered at %s: in which step is known when it ends",
		of.Executor, took, of.Name)
	return &of
}

// codes is what the code of a step is called.
var codes = map[plan.Kind]string{plan.Source: "decoder", plan.Sink: "encoder"}

// busiest is the step in which the executor was most; nil if its time went to none, but to moves.
func busiest(p *plan.Plan, e *Doing, of Bottleneck) *Bottleneck {
	step := -1
	for n, d := range e.Steps {
		if d > 0 && (step < 0 || d > e.Steps[step]) {
			step = n
		}
	}
	if step < 0 {
		return nil
	}
	of.Kind, of.Name = "step", p.Steps[step].ID()
	if code := codes[p.Steps[step].Kind]; code != "" {
		of.Kind = code
	}
	busy := of.Share
	of.Share = min(busy, part(e.Steps[step], e.All()))
	of.Why = fmt.Sprintf("executor %d was busy %s of the time, %s of it in this %s",
		of.Executor, Percent(busy), Percent(of.Share/busy), of.Kind)
	return &of
}

// part is a share of a time.
func part(d, of time.Duration) float64 {
	if of <= 0 {
		return 0
	}
	return d.Seconds() / of.Seconds()
}

// Percent tells a share to people.
func Percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
