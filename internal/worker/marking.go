package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// mostLag is how many markers the slowest sink may be behind; the next one waits for it. It bounds the markers in the sinks' edges.
const mostLag = 64

// lagPoll is how often a worker looks whether a sink that lags has caught up.
const lagPoll = 10 * time.Millisecond

// ErrNotRunning is what is answered to those who want to change a worker that does not process, not yet or no more.
var ErrNotRunning = errors.New("the application is not processing")

// Moved is what has moved at markers.
type Moved struct {
	Markers    uint64
	Partitions uint64
	// Waits is how long the partitions were closed, once for each partition that moved and each island with state: from the moment their old
	// executor gave them out until their new one had them open, and all that had waited for them there was processed.
	Waits Durations
}

// Marked is what moved at one marker.
type Marked struct {
	Marker     uint64 // its epoch
	Partitions int
	Entities   int
	// LongestWait is how long one of the partitions was closed at most, in any island.
	LongestWait time.Duration
}

// whileRunning gives out the token that is needed to send a marker around, and what the worker runs with; both must be given back by done.
func (w *Worker) whileRunning(ctx context.Context) (r running, done func(), err error) {
	select {
	case <-w.marking:
	case <-ctx.Done():
		return running{}, nil, ctx.Err()
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.running.ctx == nil {
		w.marking.notify()
		return running{}, nil, ErrNotRunning
	}
	return w.running, w.marking.notify, nil
}

// mark sends a marker around that carries the next table, and returns what moved at it when all have passed it, what moves has come, and
// who leaves has left. Only who holds the token may call it. Those who join must be in the worker already. It cannot be taken back once it
// has begun: an error is the end of what runs.
func (w *Worker) mark(r running, next *partition.Table, moves []partition.Move) (Marked, error) {
	if err := w.awaitSinks(r.ctx); err != nil {
		return Marked{}, err
	}
	w.epoch++
	w.expect(Marked{Marker: uint64(w.epoch), Partitions: len(moves)})
	loops := w.all()
	for _, l := range loops {
		l.announce(w.epoch, moves)
	}
	for _, inlet := range w.inlets {
		inlet.inject(w.epoch, next.Executors)
	}
	for _, l := range loops {
		for door.Epoch(l.quiet.Load()) < w.epoch {
			select {
			case <-w.progress:
			case <-r.ctx.Done():
				return Marked{}, ErrNotRunning
			}
		}
	}
	w.mu.Lock()
	w.table = next
	w.moved.Markers++
	marked := w.marked
	w.moved.Partitions += uint64(marked.Partitions)
	w.mu.Unlock()
	w.config.Report.Marked(marked)
	return marked, nil
}

// awaitSinks returns when no sink is too far behind.
func (w *Worker) awaitSinks(ctx context.Context) error {
	for _, o := range w.outlets {
		for o.lag(w.epoch) >= mostLag {
			select {
			case <-time.After(lagPoll):
			case <-ctx.Done():
				return ErrNotRunning
			}
		}
	}
	return nil
}

// expect begins to note what moves at a marker.
func (w *Worker) expect(m Marked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marked = m
}

// settledIn takes note of a partition that is open at its new owner, once for each island that has state in it.
func (w *Worker) settledIn(p movedPartition, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moved.Waits.take(now.Sub(p.left))
	w.marked.Entities += p.entities
	w.marked.LongestWait = max(w.marked.LongestWait, now.Sub(p.left))
}

// leave ends the executors from a number on, which have passed the last marker and own nothing.
func (w *Worker) leave(ctx context.Context, executors int) {
	for n := len(w.all()) - 1; n >= executors; n-- {
		l := w.loop(n)
		l.goAway()
		w.mu.Lock()
		w.loops = w.loops[:n]
		w.gone.add(&l.counts)
		w.mu.Unlock()
		for _, other := range w.all() {
			other.forget(l)
		}
		w.config.Crew.Dismiss(ctx, n)
	}
	for _, inlet := range w.inlets {
		inlet.leave(executors)
	}
}

// goAway ends the loop of an executor that leaves, and returns when the executor serves no more.
func (l *loop) goAway() {
	l.turning.Lock()
	l.end()
	l.turning.Unlock()
	l.wake.notify()
	l.leave()
	<-l.left
}

// forget closes the edges to and from another loop that has gone, the last one.
func (l *loop) forget(gone *loop) {
	l.turning.Lock()
	defer l.turning.Unlock()
	for stage := range l.out {
		if len(l.out[stage]) > gone.number {
			l.out[stage] = l.out[stage][:gone.number]
			in := gone.out[stage][l.number]
			l.door.Leave(in.door)
			l.inputs = slices.DeleteFunc(l.inputs, func(other *input) bool { return other == in })
		}
	}
}
