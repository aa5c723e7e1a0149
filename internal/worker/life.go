package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// life is what runs between sources and sinks from one checkpoint on, or from the beginning, until all is done or an executor dies: the
// executors that serve, and the loops that turn.
type life struct {
	worker  *Worker
	ctx     context.Context // done when it is over
	group   *errgroup.Group
	serving context.Context
	served  context.CancelFunc // no executor need serve any more
}

// running is what a worker that runs starts further executors with; the zero value while it does not.
type running struct {
	ctx   context.Context
	serve func(*loop) // begin to serve its executor
	turn  func(*loop) // begin to turn it
}

// DiedError is an executor that came to its end by itself.
type DiedError struct {
	Executor int    // its number
	Noted    *Noted // the message that it had noted last, nil if it took no care
	Err      error
}

func (d *DiedError) Error() string { return d.Err.Error() }

// Unwrap is why it died.
func (d *DiedError) Unwrap() error { return d.Err }

// begin has the executors serve. The life must be ended.
func (w *Worker) begin(ctx context.Context) *life {
	a := &life{worker: w}
	a.group, a.ctx = errgroup.WithContext(ctx)
	a.serving, a.served = context.WithCancel(a.ctx)
	for _, l := range w.all() {
		a.serve(l)
	}
	return a
}

// serve begins to serve the executor of a loop.
func (a *life) serve(l *loop) {
	a.group.Go(func() error {
		if err := l.serve(a.serving); err != nil {
			return &DiedError{Executor: l.number, Noted: l.executor.Noted(), Err: err}
		}
		return nil
	})
}

// end ends the service of the executors, and returns when that is over. The error is that of what ended the life, if it was one.
func (a *life) end() error {
	a.served()
	return a.group.Wait()
}

// liveOn lives one life after another, until one ends well or by an error that another would not mend. ready is called when the first one
// takes messages.
func (w *Worker) liveOn(ctx context.Context, a *life, ready func()) error {
	tell := ready
	for {
		err := a.live(func() {
			tell()
			tell = w.config.Report.Recovered
		})
		for again := true; again; again = err != nil { // an executor may die while it is prepared, too
			if !w.mends(ctx, err) {
				return err
			}
			err = w.mend(ctx, err)
		}
		a = w.begin(ctx)
	}
}

// mend has executors prepared for another life.
func (w *Worker) mend(ctx context.Context, died error) error {
	w.last = w.config.Keep.Checkpoints.Last()
	if _, away := errors.AsType[*UnreachableError](died); away {
		if err := w.pauseBetween(ctx); err != nil {
			return err
		}
	}
	w.suspect(died)
	if deaths := w.suspicion.Fruitless(); deaths > mostDeaths {
		return &hopelessError{deaths: deaths, last: died}
	}
	w.account.change(func(k *Kept) { k.Recoveries, k.Restoring = k.Recoveries+1, nil })
	w.config.Report.Recovering(died)
	return w.reemploy(ctx)
}

// hopelessError is executors that die again and again.
type hopelessError struct {
	deaths int
	last   error
}

func (h *hopelessError) Error() string {
	return fmt.Sprintf("executors died %d times with no checkpoint in between, and with no message of which they die each time: %s",
		h.deaths, h.last)
}

// mostDeaths is how many executors may die without a checkpoint or a verdict between them.
const mostDeaths = 10

// mends reports whether another life would mend what ended the last one: an executor died, not by state that cannot be saved, or the place
// of the checkpoints is away.
func (w *Worker) mends(ctx context.Context, err error) bool {
	_, died := errors.AsType[*DiedError](err)
	_, away := errors.AsType[*UnreachableError](err)
	_, stuck := errors.AsType[*StuckError](err)
	return (died || away) && !stuck && w.config.Keep != nil && ctx.Err() == nil
}

// betweenLives is how long is waited for the place of the checkpoints.
const betweenLives = time.Second

// pauseBetween waits before the place of the checkpoints is asked again.
func (w *Worker) pauseBetween(ctx context.Context) error {
	select {
	case <-time.After(betweenLives):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// employ makes the loops of executors that are prepared for the worker's table, behind the last checkpoint.
func (w *Worker) employ(executors []Executor) {
	for n, inlet := range w.inlets {
		if w.config.Keep != nil {
			inlet.rewind(w.last.of(w.config.Sources[n].ID()), len(executors))
		}
	}
	w.ended.Store(false) // an executor may have died at the very end
	w.inside.Store(0)    // sources may have handed on until they were taken back
	for _, outlet := range w.outlets {
		outlet.rest(w.epoch)
	}
	w.saved.restart(w.epoch)
	for _, executor := range executors {
		w.join(executor)
	}
}

// reemploy prepares executors again, as many as there were, to go on from the last checkpoint. Nothing of them serves or turns.
func (w *Worker) reemploy(ctx context.Context) error {
	table := partition.Even(len(w.table.Owners), w.table.Executors)
	w.mu.Lock()
	loops := w.loops
	w.loops = nil
	for _, l := range loops {
		w.gone.add(&l.counts)
	}
	w.mu.Unlock()
	for n := table.Executors; n < len(loops); n++ {
		w.config.Crew.Dismiss(ctx, n)
	}
	executors := make([]Executor, table.Executors)
	group, within := errgroup.WithContext(ctx)
	for n := range executors {
		group.Go(func() (err error) {
			executors[n], err = w.config.Crew.Renew(within, n, table)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("start executors again: %w", err)
	}
	w.mu.Lock()
	w.table = table
	w.mu.Unlock()
	w.epoch = door.Epoch(w.last.Epoch)
	w.employ(executors)
	return w.newRun(ctx)
}

// newRun begins a run, if anything is kept: from now on what came of those before counts as far as the last checkpoint. No executor serves.
func (w *Worker) newRun(ctx context.Context) error {
	if w.config.Keep == nil {
		return nil
	}
	run, err := w.config.Keep.Checkpoints.NewRun(ctx, w.skips)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.run = run
	w.mu.Unlock()
	for _, outlet := range w.outlets {
		outlet.begin(run)
	}
	return nil
}

// live turns the loops until all is done. Executors may join and leave meanwhile.
func (a *life) live(ready func()) error {
	w := a.worker
	group, ctx := errgroup.WithContext(a.ctx)
	over, end := context.WithCancel(ctx)
	r := running{ctx: over, serve: a.serve, turn: func(l *loop) { group.Go(func() error { return l.run(ctx) }) }}
	for _, l := range w.all() {
		r.turn(l)
	}
	group.Go(func() error {
		err := w.accompany(ctx, r, ready)
		end()
		<-w.marking // whoever sends a marker around, or lets an executor join, has noticed the end
		return err
	})
	err := group.Wait()
	w.setRunning(running{})
	w.marking.notify()
	died := a.end()
	if err != nil && died != nil {
		return died
	}
	return err // nil if all is done: who dies then had nothing to do
}

// accompany takes in what was kept, and then does what is done beside the loops until all is done.
func (w *Worker) accompany(ctx context.Context, r running, ready func()) error {
	if err := w.restore(ctx); err != nil {
		return err
	}
	w.setRunning(r)
	group, ctx := errgroup.WithContext(ctx)
	ctx, finished := context.WithCancel(ctx)
	defer finished()
	if w.config.Chaos != nil {
		group.Go(func() error { return w.chaos(r.ctx, w.stop) })
	}
	if w.config.Keep != nil {
		group.Go(func() error { return w.checkpoints(ctx, r) })
	}
	group.Go(func() error {
		defer finished()
		if err := w.replay(ctx); err != nil {
			return err
		}
		w.restored()
		ready()
		return w.finish(ctx)
	})
	return group.Wait()
}

// finish has the loops end when the sources have: behind a last checkpoint.
func (w *Worker) finish(ctx context.Context) error {
	select {
	case <-w.brought:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if w.config.Keep != nil {
		if _, err := w.Checkpoint(ctx); err != nil {
			return err
		}
	}
	w.ended.Store(true)
	w.wakeAll()
	return nil
}

func (w *Worker) setRunning(r running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = r
}
