package status

import (
	"slices"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Window is how far back what was lately looks; Every is how often it has to be told.
const (
	Window = 10 * time.Second
	Every  = time.Second
)

// Recent keeps what a worker had counted lately, so that it can be told what it did in the last seconds and not only since its start. The
// zero value knows nothing.
type Recent struct {
	mu       sync.Mutex
	readings []reading // guarded by mu; the oldest first
}

type reading struct {
	at time.Time
	worker.Figures
}

// Take takes in a reading.
func (r *Recent) Take(at time.Time, f worker.Figures) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readings = append(r.readings, reading{at, f})
	// One stays that is as old as the window, or older.
	for len(r.readings) > 1 && at.Sub(r.readings[1].at) >= Window {
		r.readings = slices.Delete(r.readings, 0, 1)
	}
}

// Since is what was done from the oldest reading that is kept until now.
func (r *Recent) Since(at time.Time, now worker.Figures) Lately {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.readings) == 0 {
		return Lately{}
	}
	return lately(&r.readings[0], &reading{at, now})
}

// Lately is what a worker did in the last seconds.
type Lately struct {
	Took      time.Duration // 0 if nothing is known
	Sources   []uint64      // messages accepted
	Steps     []uint64      // messages that came to each step
	Sinks     []uint64      // messages delivered
	Latencies []worker.Latencies
	Executors []Doing
}

// Doing is what an executor did.
type Doing struct {
	worker.Spent
	Steps []time.Duration // busy in each step
	// Call is how long it has been in the call that runs, whose messages entered at step Entry; Blocked how long it has waited, now, for the
	// sink of that number.
	Call, Blocked time.Duration
	Entry, Sink   int
}

// lately is what came between two readings. Executors that began meanwhile are counted from then on; those that left, no more.
func lately(before, now *reading) Lately {
	l := Lately{Took: now.at.Sub(before.at)}
	for i := range now.Sources {
		l.Sources = append(l.Sources, now.Sources[i].Accepted.Messages-before.Sources[i].Accepted.Messages)
	}
	l.Steps = since(now.Steps, before.Steps)
	for i := range now.Sinks {
		l.Sinks = append(l.Sinks, now.Sinks[i].Delivered.Messages-before.Sinks[i].Delivered.Messages)
		l.Latencies = append(l.Latencies, now.Sinks[i].Latency.Since(&before.Sinks[i].Latency))
	}
	for n := range now.Executors {
		e := &now.Executors[n]
		doing := Doing{Spent: e.Spent, Steps: e.Busy}
		if n < len(before.Executors) && before.Executors[n].Began.Equal(e.Began) {
			doing = Doing{Spent: e.Spent.Since(&before.Executors[n].Spent), Steps: since(e.Busy, before.Executors[n].Busy)}
		}
		for step, d := range doing.Steps {
			doing.Steps[step] = max(0, d) // how the time of the call divides that ran before was an estimate
		}
		doing.Call, doing.Entry, doing.Blocked, doing.Sink = e.Call, e.Entry, e.Blocked, e.Sink
		l.Executors = append(l.Executors, doing)
	}
	return l
}

// since is a list less an earlier one, which may be shorter.
func since[T uint64 | time.Duration](now, before []T) []T {
	d := slices.Clone(now)
	for i := range min(len(before), len(d)) {
		d[i] -= before[i]
	}
	return d
}
