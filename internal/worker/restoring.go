package worker

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// Restoring is how much of what was kept is taken in again: first state, then what the journal holds behind it.
type Restoring struct {
	Epoch uint64 // of the checkpoint; 0 for the beginning
	Since time.Time
	// Entities, and their Bytes, are those that executors have taken in; OfEntities is how many there are, about, until all are.
	Entities, OfEntities, Bytes uint64
	// Share is how much of the state that is, from 0 to 1.
	Share float64
	// StateTook is how long it took to take in all of the state; 0 until that is done.
	StateTook time.Duration
	// Records are those of the journal that were handed on.
	Records, OfRecords uint64

	given gone // to executors
}

// gone is how many entities were given to executors, and which share of the state they are.
type gone struct {
	entities uint64
	share    float64
}

// Left is how long what is under way now, the state or the journal, will go on at the rate it had so far; 0 if that is not known.
func (r *Restoring) Left(now time.Time) time.Duration {
	took, share := now.Sub(r.Since), r.Share
	if r.StateTook > 0 {
		took -= r.StateTook
		share = float64(r.Records) / float64(max(r.OfRecords, 1))
	}
	if share <= 0 || took <= 0 {
		return 0
	}
	return time.Duration(float64(took) * max(0, 1-share) / share)
}

// restoreBytes is how much state is given to an executor at once.
const restoreBytes = 256 << 10

// restoration gives executors the state of a checkpoint.
type restoration struct {
	worker *Worker
	loops  []*loop
	pieces []piece         // by executor: not given to it
	places []chan struct{} // by executor: for what it has been given and has not taken in
	all    uint64          // entities so far
}

// piece is entities for an executor.
type piece struct {
	data     []byte
	entities uint64
}

// restore has the executors take in the state of the last checkpoint.
func (w *Worker) restore(ctx context.Context) error {
	if w.config.Keep == nil {
		return nil
	}
	w.takeCare()
	w.restores()
	r := &restoration{worker: w, loops: w.all()}
	r.pieces = make([]piece, len(r.loops))
	for range r.loops {
		r.places = append(r.places, make(chan struct{}, CallsAhead))
	}
	for e, err := range w.config.Keep.Checkpoints.Entities(ctx) {
		if err != nil {
			return err
		}
		if err := r.give(ctx, &e); err != nil {
			return err
		}
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	w.progressed(func(p *Restoring) {
		p.OfEntities, p.Share, p.StateTook = p.Entities, 1, max(1, time.Since(p.Since))
	})
	return nil
}

// restores notes what is taken in again.
func (w *Worker) restores() {
	begun := Restoring{Epoch: w.last.Epoch, Since: time.Now(), OfEntities: w.last.Entities}
	next := w.config.Keep.Journal.Next()
	begun.OfRecords = next - min(next, w.oldest())
	w.account.change(func(k *Kept) { k.Run, k.Restoring = w.run, &begun })
	if begun.isSomething() {
		w.config.Report.Restoring(begun)
	}
}

func (r *Restoring) isSomething() bool { return r.Epoch > 0 || r.OfRecords > 0 }

// oldest is the first record of the journal that one of the sources goes on from.
func (w *Worker) oldest() uint64 {
	first := w.config.Keep.Journal.Next()
	for _, source := range w.config.Sources {
		p := w.last.of(source.ID())
		first = min(first, p.Next)
	}
	return first
}

// restored says that all is taken in.
func (w *Worker) restored() {
	var done *Restoring
	w.account.change(func(k *Kept) { done, k.Restoring = k.Restoring, nil })
	if done != nil && done.isSomething() {
		w.config.Report.Restored(*done)
	}
}

// progressed notes how far that has come.
func (w *Worker) progressed(do func(*Restoring)) {
	w.account.change(func(k *Kept) {
		if k.Restoring != nil { // else it was given up
			now := *k.Restoring
			do(&now)
			k.Restoring = &now
		}
	})
}

// give gives an entity to the executor that owns it.
func (r *restoration) give(ctx context.Context, e *entity.Entity) error {
	owners := r.worker.table.Owners
	hash := partition.Hash(e.Key)
	to := owners[partition.Of(hash, len(owners))]
	r.pieces[to].data = entity.Append(r.pieces[to].data, e)
	r.pieces[to].entities++
	r.all++
	if len(r.pieces[to].data) < restoreBytes {
		return nil
	}
	return r.flush(ctx, to, float64(hash)/math.MaxUint32)
}

// flush gives an executor what is gathered for it, when it has a place for that. Entities come in the order of their hashes, so that the
// last one's tells the share of the state that has been given.
func (r *restoration) flush(ctx context.Context, executor int, share float64) error {
	given, places := r.pieces[executor], r.places[executor]
	r.pieces[executor] = piece{}
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	so := gone{entities: r.all, share: share}
	r.worker.progressed(func(p *Restoring) { p.given = so })
	l := r.loops[executor]
	l.turning.Lock()
	l.moving.order(order{begin: func(id uint32) { l.executor.Restore(id, given.data) }, done: func() {
		<-places
		r.worker.progressed(func(p *Restoring) { p.took(&given) })
	}})
	l.turning.Unlock()
	l.wake.notify()
	return nil
}

// took notes a piece that an executor has taken in.
func (r *Restoring) took(p *piece) {
	r.Entities += p.entities
	r.Bytes += uint64(len(p.data))
	r.Share = max(r.Share, r.given.share*float64(r.Entities)/float64(r.given.entities))
	if r.Share > 0 {
		r.OfEntities = max(r.Entities, uint64(float64(r.Entities)/r.Share))
	}
}

// finish returns when the executors have all that they were given.
func (r *restoration) finish(ctx context.Context) error {
	for executor := range r.loops {
		if len(r.pieces[executor].data) > 0 {
			if err := r.flush(ctx, executor, 1); err != nil {
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
	inlets := map[string]*Inlet{}
	for _, inlet := range w.inlets {
		from[inlet.source], inlets[inlet.source] = w.last.of(inlet.source), inlet
	}
	connections := map[uint64]*Connection{}
	for record, err := range keep.Journal.Records(w.oldest()) {
		if err != nil {
			return err
		}
		w.progressed(func(p *Restoring) { p.Records++ })
		inlet := inlets[record.Source]
		if inlet == nil && keep.DropsUnknown {
			continue
		}
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
