package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// Partitions move a few at a time, so that none waits long for its own hand-over: at first firstMoves at a marker, then twice as many as
// long as the longest wait is below goodWait, half as many when it is above twice that.
const (
	firstMoves = 4
	goodWait   = 20 * time.Millisecond
)

// portion is how many partitions move at the next marker.
type portion struct {
	few   int
	from  time.Duration // how long twice as many had waited, if they were halved at the last marker; else 0
	floor time.Duration // how long they wait however few they are; 0 if that is not known
}

// took says how long they have waited. Where half of them wait as long, they do not wait for each other, but for a receiver or a step that
// is slow: then more go at once for as long as it makes no difference, since to go singly would only take longer.
func (p *portion) took(wait time.Duration) {
	from := p.from
	p.from = 0
	switch {
	case wait < goodWait, p.floor > 0 && wait <= p.floor*3/2:
		p.few *= 2
	case p.floor == 0 && wait <= 2*goodWait:
	case from > 0 && wait > from*3/4:
		p.floor = wait
		p.few *= 2
	default:
		p.from, p.floor = wait, 0
		p.few = max(1, p.few/2)
	}
}

// Resized is what a change of the number of executors came to.
type Resized struct {
	Before, After int
	Partitions    int // moved
	Entities      int // moved with them
	Markers       int // that it took
	// LongestWait is how long a moved partition was closed at most; the others were never.
	LongestWait time.Duration
	Took        time.Duration // in all, the start of executors included
}

// StuckError is state that cannot move, so that the executors stay as they are; or that cannot be saved or restored, which ends the worker.
type StuckError struct{ Err error }

func (e *StuckError) Error() string { return e.Err.Error() }
func (e *StuckError) Unwrap() error { return e.Err }

// CountError is a number of executors that there cannot be.
type CountError struct{ Executors, Partitions int }

func (e *CountError) Error() string {
	return fmt.Sprintf("%d is not a number from 1 to %d, the number of partitions", e.Executors, e.Partitions)
}

// Resize changes the number of executors while messages flow: those that come start, partitions move, and those that own nothing any more
// leave. An error before the first partition moves, as *CountError and *StuckError are, has changed nothing; ErrNotRunning says that the
// worker does not process. The report is told of it all.
func (w *Worker) Resize(ctx context.Context, executors int) (Resized, error) {
	result := Resized{After: executors}
	err := w.resize(ctx, &result)
	w.config.Report.Resized(result, err)
	return result, err
}

func (w *Worker) resize(ctx context.Context, result *Resized) error {
	if err := w.alone(ctx); err != nil {
		return err
	}
	defer w.resizing.notify()
	began := time.Now()
	table := w.lastTable()
	if partitions := len(table.Owners); result.After < 1 || result.After > partitions {
		return &CountError{Executors: result.After, Partitions: partitions}
	}
	result.Before = table.Executors
	w.config.Report.Resizing(result.Before, result.After)
	r, done, err := w.whileRunning(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := w.probe(r); err != nil {
		return err
	}
	if result.After > result.Before {
		if err := w.hire(ctx, r, result.After); err != nil {
			return err
		}
	}
	if err := w.rebalance(r, result); err != nil {
		return err
	}
	if result.After < result.Before {
		if err := w.leave(r, result.After); err != nil {
			return err
		}
	}
	result.Took = time.Since(began)
	return nil
}

// alone returns when nobody else changes the partition table. Then it is the caller's to change, who gives that back by resizing.
func (w *Worker) alone(ctx context.Context) error {
	select {
	case <-w.resizing:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// probe finds out whether the state of all executors can move. What cannot is the error, and nothing has changed.
func (w *Worker) probe(r running) error {
	loops := w.all()
	verdicts := make(chan error, len(loops))
	for _, l := range loops {
		l.orderProbe(verdicts)
	}
	var stuck error
	for range loops {
		select {
		case err := <-verdicts:
			stuck = errors.Join(stuck, err)
		case <-r.ctx.Done():
			return ErrNotRunning
		}
	}
	if stuck != nil {
		return &StuckError{stuck}
	}
	return nil
}

// orderProbe has the executor find out whether its state can move, and the channel told.
func (l *loop) orderProbe(verdicts chan<- error) {
	var stuck error
	l.turning.Lock()
	l.moving.order(order{
		begin: l.executor.Probe,
		stuck: func(err error) { stuck = errors.Join(stuck, err) },
		done:  func() { verdicts <- stuck },
	})
	l.turning.Unlock()
	l.wake.notify()
}

// hire brings up the executors that are missing. Until the next marker nobody sends them anything.
func (w *Worker) hire(ctx context.Context, r running, executors int) error {
	before := w.table.Executors
	ready := make([]Executor, executors-before)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	group, within := errgroup.WithContext(ctx)
	for n := range ready {
		group.Go(func() (err error) {
			ready[n], err = w.recruit(within, before+n)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		for n := range ready {
			w.config.Crew.Dismiss(r.ctx, before+n)
		}
		if r.ctx.Err() != nil {
			return ErrNotRunning
		}
		return err
	}
	for _, executor := range ready {
		l := w.join(executor)
		r.serve(l)
		r.turn(l)
	}
	return nil
}

func (w *Worker) recruit(ctx context.Context, number int) (Executor, error) {
	recruit, err := w.config.Crew.Start(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("start executor %d: %w", number, err)
	}
	executor, err := recruit.Prepare(ctx, w.table)
	if err != nil {
		return nil, fmt.Errorf("prepare executor %d: %w", number, err)
	}
	return executor, nil
}

// rebalance moves partitions, a few at each marker, until as many executors as wanted own about the same number each.
func (w *Worker) rebalance(r running, result *Resized) error {
	executors := result.After
	moves := w.table.Balance(executors)
	members := max(executors, w.table.Executors)
	portion := portion{few: firstMoves}
	for len(moves) > 0 || w.table.Executors != executors {
		some := moves[:min(portion.few, len(moves))]
		moves = moves[len(some):]
		if len(moves) == 0 {
			members = executors
		}
		marked, _, err := w.mark(r, marker{table: w.table.With(members, some), moves: some})
		if err != nil {
			return err
		}
		if err := w.letOthersMark(r); err != nil {
			return err
		}
		result.Partitions += marked.Partitions
		result.Entities += marked.Entities
		result.Markers++
		result.LongestWait = max(result.LongestWait, marked.LongestWait)
		portion.took(marked.LongestWait)
	}
	return nil
}

// Chaos has markers sent and partitions moved at random while messages flow.
type Chaos struct {
	Markers time.Duration // between two markers
	Moves   float64       // share of the partitions that move at each
	Seed    uint64
}

// chaos disturbs until stop is done, or ctx.
func (w *Worker) chaos(ctx, stop context.Context) error {
	chance := rand.New(rand.NewPCG(w.config.Chaos.Seed, 0)) //nolint:gosec // it is to be the same again
	tick := time.NewTicker(w.config.Chaos.Markers)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
		if err := w.disturb(ctx, w.config.Chaos.Moves, chance); err != nil {
			return nil // the worker has ended, and says itself why
		}
	}
}

// disturb sends a marker around at which a share of the partitions move, to executors that chance picks.
func (w *Worker) disturb(ctx context.Context, share float64, chance *rand.Rand) error {
	if err := w.alone(ctx); err != nil {
		return err
	}
	defer w.resizing.notify()
	r, done, err := w.whileRunning(ctx)
	if err != nil {
		return err
	}
	defer done()
	var moves []partition.Move
	for p, owner := range w.table.Owners {
		other := chance.IntN(w.table.Executors)
		if chance.Float64() < share && other != owner {
			moves = append(moves, partition.Move{Partition: p, From: owner, Owner: other})
		}
	}
	_, _, err = w.mark(r, marker{table: w.table.With(w.table.Executors, moves), moves: moves})
	return err
}
