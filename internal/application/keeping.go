package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

const (
	// lookEvery is how often it is looked at what goes on for long, and restoreEvery how often the log tells how far that has come.
	lookEvery    = time.Second
	restoreEvery = 5 * time.Second
	// remindEvery is how often the log tells of what stands so for long.
	remindEvery = time.Minute
)

// A checkpoint is late when it has been open for so many intervals, and so long.
const (
	lateIntervals = 10
	lateAtLeast   = 10 * time.Second
)

// stopping is what an end is about.
const stopping = "what has arrived is processed and delivered"

// reminder decides when something that stands so is told: at first, and then from time to time.
type reminder struct{ told time.Time }

// due reports whether it is to be told now.
func (r *reminder) due(now time.Time) bool {
	if !r.told.IsZero() && now.Sub(r.told) < remindEvery {
		return false
	}
	r.told = now
	return true
}

// over says that it stands so no more, and reports whether it was told.
func (r *reminder) over() bool {
	told := !r.told.IsZero()
	r.told = time.Time{}
	return told
}

// stand says what the application does now. Once it ends, it does nothing else.
func (r *reporter) stand(state status.State, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops = r.stops || state == status.Stopping
	r.recovers = state == status.Recovering || r.recovers && state != status.Running
	switch {
	case r.stops && state != status.Stopping && why != "":
		r.about.Set(status.Stopping, stopping+"; "+why)
	case r.stops:
		r.about.Set(status.Stopping, stopping)
	case r.recovers && state != status.Recovering: // as long as that takes
	default:
		r.about.Set(state, why)
	}
}

func (r *reporter) Stopping() {
	r.stand(status.Stopping, stopping)
	r.options.Log.Info("stopping: no new connections; "+stopping, "within", StopWithin)
}

// Checkpointed tells of a checkpoint.
func (r *reporter) Checkpointed(c worker.Checkpointed) {
	slowest, _ := c.Slowest()
	r.options.Log.Debug("checkpoint", "epoch", c.Epoch, "bytes", c.Bytes, "took", c.Took, "aligned", c.Aligned, "saved", c.Saved,
		"committed", c.Committed, "slowest", slowest, "entities", c.Changed)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unwritten.over() {
		r.options.Log.Info("the checkpoint is written", "epoch", c.Epoch, "took", c.Took)
	}
}

// NotKept tells of a checkpoint that cannot be written.
func (r *reporter) NotKept(epoch uint64, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unwritten.due(time.Now()) {
		r.options.Log.Error("a checkpoint cannot be written; the last one stands, and it is tried again", "epoch", epoch, "error", why)
	}
}

// Untidy tells of what cannot be removed.
func (r *reporter) Untidy(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.untidy.due(time.Now()) {
		r.options.Log.Warn("what no checkpoint needs any more could not be removed; it is tried again", "error", why)
	}
}

// Recovering tells that executors start again.
func (r *reporter) Recovering(why error) {
	r.stand(status.Recovering, "back to the last checkpoint: "+why.Error())
	r.options.Log.Error("going back to the last checkpoint", "why", why)
}

// Restoring tells what will be taken in again.
func (r *reporter) Restoring(p worker.Restoring) {
	r.stand(status.Restoring, "")
	r.options.Log.Info("restoring", "epoch", p.Epoch, "entities_at_most", p.OfEntities, "journal_records", p.OfRecords)
}

// Restored tells what was taken in again.
func (r *reporter) Restored(p worker.Restoring) {
	r.options.Log.Info("restored", "epoch", p.Epoch, "entities", p.Entities, "bytes", p.Bytes, "journal_records", p.Records,
		"state_took", p.StateTook, "took", time.Since(p.Since))
}

// Recovered tells that messages are processed again.
func (r *reporter) Recovered() {
	r.stand(status.Running, "")
	r.options.Log.Info("recovered: messages are processed again")
}

// unlessKept drops the error of a worker that had to end before all was done, if all that is left is kept: the log tells of it.
func (r *reporter) unlessKept(err error) error {
	u, late := errors.AsType[*worker.UndeliveredError](err)
	if !late || !u.Kept {
		return err
	}
	r.options.Log.Warn("not all was done in time; nothing is lost: the next start goes on from the last checkpoint",
		"within", u.Within, "epoch", u.Epoch, "journal_records", u.Records, "unprocessed", u.Unprocessed, "undelivered", u.Outputs)
	return nil
}

// lookAt tells the log of what goes on for long, until ctx is done.
func (r *reporter) lookAt(ctx context.Context, w *worker.Worker) {
	l := &lookout{log: r.options.Log, plan: r.plan, interval: r.options.Keep.Interval}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for w.Kept() != nil {
		select {
		case <-tick.C:
			l.look(time.Now(), w.Kept())
		case <-ctx.Done():
			return
		}
	}
}

// lookout tells the log of what goes on for long in what is kept.
type lookout struct {
	log      *slog.Logger
	plan     *plan.Plan
	interval time.Duration // of checkpoints

	late, full reminder
	began      time.Time // when the checkpoint began that was told to be late
	restoring  time.Time // when it was told how far that has come
}

// look tells what is to be told.
func (l *lookout) look(now time.Time, k *worker.Kept) {
	l.lookAtCheckpoint(now, k)
	switch {
	case k.NoRoom == nil && l.full.over():
		l.log.Info("there is room for the journal again")
	case k.NoRoom != nil && l.full.due(now):
		l.log.Warn("no more is accepted until there is room for the journal", "why", k.NoRoom.Why, "since", ago(now, k.NoRoom.Since))
	}
	if p := k.Restoring; p != nil && now.Sub(p.Since) >= restoreEvery && now.Sub(l.restoring) >= restoreEvery {
		l.restoring = now
		l.log.Info("restoring goes on", "entities", of(p.Entities, p.OfEntities), "bytes", p.Bytes, "journal_records", of(p.Records, p.OfRecords),
			"left", p.Left(now).Round(time.Second))
	}
}

// lookAtCheckpoint tells of one that is open for too long, unless it cannot be written, which is told when it is tried.
func (l *lookout) lookAtCheckpoint(now time.Time, k *worker.Kept) {
	open := k.Open
	if open == nil || !open.Began.Equal(l.began) {
		if l.late.over() && !k.Last.Began.Before(l.began) { // else a recovery has given it up
			l.log.Info("checkpoints are committed again", "epoch", k.Last.Epoch)
		}
	}
	if open == nil || open.Trouble != nil || now.Sub(open.Began) < max(lateIntervals*l.interval, lateAtLeast) || !l.late.due(now) {
		return
	}
	l.began = open.Began
	l.log.Warn("a checkpoint is late", "epoch", open.Epoch, "for", ago(now, open.Began), "part", open.Part,
		"waits_for", strings.Join(status.Names(l.plan, &open.Awaited), ", "))
}

func ago(now, since time.Time) time.Duration { return now.Sub(since).Round(time.Second) }

func of(n, all uint64) string { return fmt.Sprintf("%d of %d", n, all) }
