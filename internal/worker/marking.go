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
	// Awaited is the executor that passed it last; -1 if none was waited for.
	Awaited int
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

// letOthersMark gives the token to whoever waits for it, such as a checkpoint, and takes it again.
func (w *Worker) letOthersMark(r running) error {
	w.marking.notify()
	<-w.marking // whoever has it gives it back, soon if what runs ends
	if r.ctx.Err() != nil {
		return ErrNotRunning
	}
	return nil
}

// marker is what a marker asks for.
type marker struct {
	epoch      door.Epoch
	table      *partition.Table
	moves      []partition.Move
	checkpoint bool
}

// mark sends a marker around, and returns what moved at it when all have passed it, what moves has come, and who leaves has left; and where
// the sources were. Only who holds the token may call it. Those who join must be in the worker already. It cannot be taken back once it has
// begun: an error is the end of what runs.
func (w *Worker) mark(r running, m marker) (Marked, []Position, error) {
	if err := w.awaitSinks(r.ctx); err != nil {
		return Marked{}, nil, err
	}
	w.epoch++
	m.epoch = w.epoch
	w.expect(Marked{Marker: uint64(m.epoch), Partitions: len(m.moves), Awaited: -1})
	loops := w.all()
	if m.checkpoint {
		w.saved.begin(m.epoch, len(loops), len(w.outlets))
		w.account.reached(Aligning, uint64(m.epoch))
	}
	for _, l := range loops {
		l.announce(&m)
	}
	var positions []Position
	for n, inlet := range w.inlets {
		at := inlet.inject(m.epoch, m.table.Executors)
		at.Source = w.config.Sources[n].ID()
		positions = append(positions, at)
	}
	last := -1
	for _, l := range loops {
		passed := func() bool { return door.Epoch(l.quiet.Load()) >= m.epoch }
		if !passed() { // those before it have
			last = l.number
		}
		if err := w.await(r, passed); err != nil {
			return Marked{}, nil, err
		}
	}
	w.mu.Lock()
	w.marked.Awaited = last
	w.table = m.table
	w.moved.Markers++
	marked := w.marked
	w.moved.Partitions += uint64(marked.Partitions)
	w.mu.Unlock()
	w.config.Report.Marked(marked)
	return marked, positions, nil
}

// await returns when something is so that loops tell of by the worker's progress. Only who holds the token may call it.
func (w *Worker) await(r running, isSo func() bool) error {
	for !isSo() {
		select {
		case <-w.progress:
		case <-r.ctx.Done():
			return ErrNotRunning
		}
	}
	return nil
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

// leave ends the executors from a number on, which have passed the last marker, own nothing, and have given out what is to be saved.
func (w *Worker) leave(r running, executors int) error {
	for n := len(w.all()) - 1; n >= executors; n-- {
		if err := w.await(r, func() bool { return !w.saved.awaits(n) }); err != nil {
			return err
		}
		l := w.loop(n)
		l.goAway()
		w.mu.Lock()
		w.loops = w.loops[:n]
		w.gone.add(&l.counts)
		w.mu.Unlock()
		for _, other := range w.all() {
			other.forget(l)
		}
		w.config.Crew.Dismiss(r.ctx, n)
	}
	for _, inlet := range w.inlets {
		inlet.leave(executors)
	}
	return nil
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
