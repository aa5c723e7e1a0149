package status

import (
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// least is the share of the time that something must have of an executor to be called a bottleneck.
const least = 0.5

// Bottleneck is what all else waits for.
type Bottleneck struct {
	// Kind is "step", whose code takes the time; "sink", whose receiver takes its messages too slowly; or "move", when executors mostly wait
	// for markers and for partitions on their way.
	Kind string `json:"kind"`
	// Name is the identity of the step or sink; "" of a move.
	Name string `json:"name"`
	// Executor is the one that was kept busy, or waiting, most.
	Executor int `json:"executor"`
	// Share is how much of its time it was in the step, or waited for the sink or the move.
	Share float64 `json:"share"`
	// Why says it in words.
	Why string `json:"why"`
}

// bottleneck finds the step with the largest share in the executor that others wait for, which is the busiest: one that waits for another
// is not busy meanwhile. A sink without credit is one if it keeps an executor waiting for longer than any is busy. It is nil if executors
// mostly wait for messages.
func bottleneck(p *plan.Plan, l *Lately) *Bottleneck {
	var worst, blocked, closed Bottleneck
	for n := range l.Executors {
		e := &l.Executors[n]
		all := e.All()
		if share := part(e.Busy, all); share > worst.Share {
			worst = Bottleneck{Kind: "step", Executor: n, Share: share}
		}
		for sink, d := range e.Sinks {
			if share := part(d, all); share > blocked.Share {
				blocked = Bottleneck{Kind: "sink", Name: p.Steps[p.Of(plan.Sink)[sink]].ID(), Executor: n, Share: share}
			}
		}
		if share := part(e.Held+e.Exchange, all); share > closed.Share {
			closed = Bottleneck{Kind: "move", Executor: n, Share: share}
		}
	}
	switch {
	case blocked.Share >= least && blocked.Share > worst.Share:
		blocked.Why = fmt.Sprintf("executor %d had something for it %s of the time and could not hand it over: its receiver is away, or takes "+
			"messages too slowly", blocked.Executor, Percent(blocked.Share))
		return &blocked
	case worst.Share >= least:
		return busiest(p, l, worst)
	case closed.Share >= least:
		closed.Why = fmt.Sprintf("executor %d waited %s of the time for markers of other executors, or for partitions on their way",
			closed.Executor, Percent(closed.Share))
		return &closed
	default:
		return nil
	}
}

// busiest is the step in which the executor was most; nil if its time went to none, but to moves.
func busiest(p *plan.Plan, l *Lately, of Bottleneck) *Bottleneck {
	e, step := &l.Executors[of.Executor], -1
	for n, d := range e.Steps {
		if d > 0 && (step < 0 || d > e.Steps[step]) {
			step = n
		}
	}
	if step < 0 {
		return nil
	}
	busy := of.Share
	// A call that runs is part of the time, and not yet of the steps'; one that ran at the earlier reading is the other way round.
	of.Name, of.Share = p.Steps[step].ID(), min(busy, part(e.Steps[step], e.All()))
	of.Why = fmt.Sprintf("executor %d was busy %s of the time, %s of it in this step", of.Executor, Percent(busy), Percent(of.Share/busy))
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
