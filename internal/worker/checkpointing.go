package worker

import (
	"context"
	"errors"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/checkpoint"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Checkpointed is what a checkpoint came to.
type Checkpointed struct {
	Epoch uint64
	Began time.Time
	// Took is how long it took in all: Aligned until all had passed its marker, Saved until the executors had given out and the sinks had
	// handed over what is in front of it, and Committed until it was written.
	Took, Aligned, Saved, Committed time.Duration
	// Marked is the executor that passed the marker last, -1 if none was waited for; Awaited what gave out, or handed over, last.
	Marked  int
	Awaited Awaited
	Ended   time.Time // when it was committed
	// Spent is how long it kept the executor that had most to do with it from messages, about; PutOff until when the next is put off for
	// that, the zero time if it is not.
	Spent  time.Duration
	PutOff time.Time
	// Bytes is how much was given out, of Changed entities: what has changed since the checkpoint before.
	Bytes   int
	Changed uint64
	// Entities and StateBytes are how much state there is, about.
	Entities, StateBytes uint64
}

// holds takes in what is known of a checkpoint when it is committed.
func (c *Checkpointed) holds(m *Manifest) {
	c.Changed, c.Entities, c.StateBytes = m.Changed, m.Entities, m.Bytes
}

// Slowest is the part that took longest, and how long.
func (c *Checkpointed) Slowest() (Part, time.Duration) {
	switch longest := max(c.Aligned, c.Saved, c.Committed); longest {
	case c.Saved:
		return Saving, longest
	case c.Committed:
		return Committing, longest
	default:
		return Aligning, longest
	}
}

// asked is somebody who wants a checkpoint.
type asked struct{ done chan<- outcome }

// outcome is what becomes of it.
type outcome struct {
	made Checkpointed
	err  error
}

// Checkpoint makes a checkpoint and returns when it is committed. ErrNotRunning says that the worker does not process, or no more.
func (w *Worker) Checkpoint(ctx context.Context) (Checkpointed, error) {
	w.mu.RLock()
	over := w.running.ctx
	w.mu.RUnlock()
	if over == nil || w.config.Keep == nil {
		return Checkpointed{}, ErrNotRunning
	}
	done := make(chan outcome, 1)
	select {
	case w.asked <- asked{done}:
	case <-over.Done():
		return Checkpointed{}, ErrNotRunning
	case <-ctx.Done():
		return Checkpointed{}, context.Cause(ctx)
	}
	select {
	case o := <-done:
		return o.made, o.err
	case <-ctx.Done():
		return Checkpointed{}, context.Cause(ctx)
	}
}

// checkpoints makes one checkpoint after another until all is done.
func (w *Worker) checkpoints(ctx context.Context, r running) error {
	began, pause, handed := time.Now(), w.config.Keep.Interval, w.handed.Load()
	for {
		var who asked
		select {
		case <-time.After(time.Until(began.Add(pause))):
			if w.handed.Load() == handed && !w.replayed.Swap(false) {
				began = time.Now()
				continue // nothing has changed
			}
		case <-w.cramped:
			if !w.makesRoom() {
				continue
			}
		case who = <-w.asked:
		case <-r.ctx.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
		began, handed = time.Now(), w.handed.Load()
		made, err := w.checkpoint(r)
		if who.done != nil {
			who.done <- outcome{made, err}
		}
		if errors.Is(err, ErrNotRunning) {
			return nil
		}
		if err != nil {
			return err
		}
		pause = max(w.config.Keep.Interval, made.PutOff.Sub(began))
	}
}

// makesRoom is true if there is no room for the journal and checkpoints may make some, whatever else they wait for: the older ones that are
// kept need what is in it, and go with each that is made, also where nothing comes that would change anything.
func (w *Worker) makesRoom() bool {
	length := w.config.Keep.Journal.Length()
	return length.First < length.Next && errors.Is(w.config.Keep.Journal.Room(), journal.ErrNoRoom)
}

// checkpoint makes a checkpoint, however often it takes to write it.
func (w *Worker) checkpoint(r running) (c Checkpointed, err error) {
	c = Checkpointed{Began: time.Now()}
	w.account.opened(&c)
	defer w.account.ended()
	positions, err := w.cut(r, &c)
	if err != nil {
		return c, err
	}
	c.Aligned = time.Since(c.Began)
	w.account.reached(Saving, c.Epoch)
	if err := w.gather(r, &c); err != nil {
		return c, err
	}
	c.Saved = time.Since(c.Began) - c.Aligned
	w.account.reached(Committing, c.Epoch)
	keep := w.config.Keep
	m := Manifest{Run: w.run, Epoch: c.Epoch, Sources: positions}
	if err := w.persist(r, c.Epoch, func() error { return w.commit(r.ctx, m) }); err != nil {
		return c, err
	}
	c.Ended = time.Now()
	c.Took = c.Ended.Sub(c.Began)
	c.Committed = c.Took - c.Saved - c.Aligned
	for _, outlet := range w.outlets {
		outlet.commit(door.Epoch(c.Epoch))
	}
	w.beSure()
	// Longer than what is in flight takes, markers wait only for somebody who stands still, and checkpoints have no part in that.
	c.Spent = min(c.Aligned, w.config.Limits.InFlight) + w.saved.committed()
	if pause := checkpoint.Pause(keep.Interval, c.Spent); pause > keep.Interval {
		c.PutOff = c.Began.Add(pause)
	}
	last := keep.Checkpoints.Last()
	c.holds(&last)
	w.account.committed(&c, &last)
	w.config.Report.Checkpointed(c)
	w.tidy(r.ctx)
	return c, nil
}

// tidy removes what is not needed any more; if that fails, it is tried again after the next checkpoint.
func (w *Worker) tidy(ctx context.Context) {
	err := w.config.Keep.Checkpoints.Tidy(ctx)
	if ctx.Err() != nil {
		return
	}
	w.account.tidied(err)
	if err != nil {
		w.config.Report.Untidy(err)
	}
}

// cut sends the marker of a checkpoint around.
func (w *Worker) cut(r running, c *Checkpointed) ([]Position, error) {
	_, done, err := w.whileRunning(r.ctx)
	if err != nil {
		return nil, ErrNotRunning
	}
	defer done()
	marked, positions, err := w.mark(r, marker{table: w.table, checkpoint: true})
	c.Epoch, c.Marked = marked.Marker, marked.Awaited
	return positions, err
}

// gather takes in what the executors give out, until all have and the sinks have handed over what is in front of the marker.
func (w *Worker) gather(r running, c *Checkpointed) error {
	for {
		pieces, waits, complete := w.saved.take(w.outlets)
		if !waits.isNothing() {
			c.Awaited = waits
		}
		for _, piece := range pieces {
			if err := w.persist(r, c.Epoch, func() error { return w.config.Keep.Checkpoints.Add(r.ctx, c.Epoch, piece) }); err != nil {
				return err
			}
			c.Bytes += len(piece)
			if w.saved.wrote(piece) {
				w.wakeAll()
			}
		}
		if complete {
			return nil
		}
		select {
		case <-w.saved.news:
		case <-r.ctx.Done():
			return ErrNotRunning
		}
	}
}

// commit writes the manifest; then what came before it is needed no more.
func (w *Worker) commit(ctx context.Context, m Manifest) error {
	keep := w.config.Keep
	if _, err := keep.Journal.Sync(keep.Journal.Next() - 1); err != nil { // a position lies in a journal that is on disk
		return err
	}
	return keep.Checkpoints.Commit(ctx, m)
}

// The pauses between attempts to write double from the first to the last.
const (
	firstAttempt = 100 * time.Millisecond
	lastAttempt  = 10 * time.Second
)

// persist does something for a checkpoint until it succeeds, or another process has taken the history over.
func (w *Worker) persist(r running, epoch uint64, do func() error) error {
	for pause := firstAttempt; ; pause = min(2*pause, lastAttempt) {
		err := do()
		if err != nil && r.ctx.Err() != nil {
			return ErrNotRunning
		}
		if _, over := errors.AsType[*SupersededError](err); over {
			return err
		}
		w.account.failed(err)
		if err == nil {
			return nil
		}
		w.config.Report.NotKept(epoch, err)
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
			return ErrNotRunning
		}
	}
}
