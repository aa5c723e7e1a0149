package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// Restoring is how much of what was kept is taken in again.
type Restoring struct {
	Entities, OfEntities uint64
	Records, OfRecords   uint64 // of the journal
	Since                time.Time
}

const (
	// restoreBytes is how much state is given to an executor at once.
	restoreBytes = 256 << 10
	// tellEvery is how many entities, or records of the journal, are taken in before it is told how far that has come.
	tellEvery = 10_000
)

// restoration gives executors the state of a checkpoint.
type restoration struct {
	worker *Worker
	loops  []*loop
	pieces [][]byte        // by executor: not given to it
	places []chan struct{} // by executor: for what it has been given and has not taken in
	told   Restoring
}

// restore has the executors take in the state of the last checkpoint.
func (w *Worker) restore(ctx context.Context) error {
	if w.config.Keep == nil {
		return nil
	}
	w.takeCare()
	r := &restoration{worker: w, loops: w.all(), told: Restoring{OfEntities: w.last.Entities, Since: time.Now()}}
	r.pieces = make([][]byte, len(r.loops))
	for range r.loops {
		r.places = append(r.places, make(chan struct{}, CallsAhead))
	}
	if w.last.Epoch > 0 {
		w.config.Report.Restoring(r.told)
	}
	for e, err := range w.config.Keep.Checkpoints.Entities(ctx) {
		if err != nil {
			return err
		}
		if err := r.give(ctx, &e); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// give gives an entity to the executor that owns it.
func (r *restoration) give(ctx context.Context, e *entity.Entity) error {
	owners := r.worker.table.Owners
	to := owners[partition.Of(partition.Hash(e.Key), len(owners))]
	r.pieces[to] = entity.Append(r.pieces[to], e)
	if r.told.Entities++; r.told.Entities%tellEvery == 0 {
		r.worker.config.Report.Restoring(r.told)
	}
	if len(r.pieces[to]) < restoreBytes {
		return nil
	}
	return r.flush(ctx, to)
}

// flush gives an executor what is gathered for it, when it has a place for that.
func (r *restoration) flush(ctx context.Context, executor int) error {
	piece, places := r.pieces[executor], r.places[executor]
	r.pieces[executor] = nil
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	l := r.loops[executor]
	l.turning.Lock()
	l.moving.order(order{begin: func(id uint32) { l.executor.Restore(id, piece) }, done: func() { <-places }})
	l.turning.Unlock()
	l.wake.notify()
	return nil
}

// finish returns when the executors have all that they were given.
func (r *restoration) finish(ctx context.Context) error {
	for executor := range r.loops {
		if len(r.pieces[executor]) > 0 {
			if err := r.flush(ctx, executor); err != nil {
				return err
			}
		}
		for range CallsAhead {
			select {
			case r.places[executor] <- struct{}{}:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// replay hands on what the journal holds behind the last checkpoint, in the order in which it was accepted; then sources may go on.
func (w *Worker) replay(ctx context.Context) error {
	keep := w.config.Keep
	if keep == nil {
		return nil
	}
	from := map[string]Position{}
	first, next := keep.Journal.Next(), keep.Journal.Next()
	inlets := map[string]*Inlet{}
	for _, inlet := range w.inlets {
		p := w.last.of(inlet.source)
		from[inlet.source], inlets[inlet.source] = p, inlet
		first = min(first, p.Next)
	}
	told := Restoring{OfRecords: next - first, Since: time.Now()}
	connections := map[uint64]*Connection{}
	for record, err := range keep.Journal.Records(first) {
		if err != nil {
			return err
		}
		if told.Records++; told.Records%tellEvery == 1 {
			w.config.Report.Restoring(told)
		}
		inlet := inlets[record.Source]
		if inlet == nil {
			return fmt.Errorf("the journal holds messages of source %q, which the application has not", record.Source)
		}
		if record.Number < from[record.Source].Next {
			continue
		}
		c := connections[record.Connection]
		if c == nil {
			c = inlet.replayed(&record)
			connections[record.Connection] = c
		}
		if err := c.replay(ctx, &record); err != nil {
			return err
		}
	}
	for _, c := range connections {
		c.Close()
	}
	for _, inlet := range w.inlets {
		inlet.proceed()
	}
	return nil
}
