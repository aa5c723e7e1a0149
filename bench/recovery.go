package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
	"github.com/wallaroo-stream/wallaroo/bench/usage"
)

// measureKill returns how to kill a side, which the Restarts audit, after an even load, and to start it again. The kill comes when the last
// result has: so what has come after the last checkpoint comes again. Then all keys come once more, and none may have lost a count.
func measureKill(rated *side) func(context.Context, *bench, side) (reading, error) {
	return func(ctx context.Context, b *bench, s side) (reading, error) {
		return b.interrupted(ctx, rated, s, func(r *rig.Rig, _ *load.Restarts, rate float64) (killed, ready time.Time, err error) {
			schedule := r.Sender.Schedule(time.Now().Add(leadTime), rate)
			if err := r.Pace(ctx, schedule, max(1, int(rate*b.seconds))); err != nil {
				return killed, ready, err
			}
			killed, err = r.Restart(ctx)
			return killed, time.Now(), err
		})
	}
}

// measureExecutorKill returns how to kill the Python process of a side that has one, in the middle of an even load.
func measureExecutorKill(rated *side) func(context.Context, *bench, side) (reading, error) {
	return func(ctx context.Context, b *bench, s side) (reading, error) {
		return b.interrupted(ctx, rated, s, func(r *rig.Rig, audit *load.Restarts, rate float64) (killed, _ time.Time, err error) {
			part := time.Duration(b.seconds / partsOfMeasure * float64(time.Second))
			schedule := r.Sender.Schedule(time.Now().Add(leadTime), rate)
			enough := make(chan struct{})
			group, ctx := errgroup.WithContext(ctx)
			group.Go(func() error { return r.PaceUntil(ctx, schedule, enough) })
			group.Go(func() (err error) {
				defer close(enough)
				if err := pause(ctx, part); err != nil {
					return err
				}
				if killed, err = killExecutor(r.Program.PID(), audit.Process()); err != nil {
					return err
				}
				return pause(ctx, part)
			})
			return killed, time.Time{}, group.Wait()
		})
	}
}

// killExecutor kills a process if it belongs to a program, and returns when.
func killExecutor(program, pid int) (time.Time, error) {
	table, err := usage.Now()
	if err != nil {
		return time.Time{}, err
	}
	if !slices.Contains(table.Descendants(program), pid) {
		return time.Time{}, fmt.Errorf("results come from process %d, which is no child of the worker", pid)
	}
	killed := time.Now()
	return killed, syscall.Kill(pid, syscall.SIGKILL)
}

// interrupted reads how a side goes on after an interruption that is brought about when it knows all its keys and has saved them. It is
// given the rate of its load, and returns when it was, and when the side was ready again if it tells.
func (b *bench) interrupted(
	ctx context.Context, rated *side, s side,
	interrupt func(r *rig.Rig, audit *load.Restarts, rate float64) (killed, ready time.Time, err error),
) (reading, error) {
	rate, err := b.rateOf(ctx, rated)
	if err != nil {
		return nil, err
	}
	tape := s.tapes(b)[0]
	audit := load.NewRestarts(tape)
	r, err := b.startWith(ctx, s, audit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := b.warm(ctx, r, s); err != nil {
		return nil, err
	}
	killed, ready, err := interrupt(r, audit, shareOfRate*rate)
	if err != nil {
		return nil, err
	}
	if err := r.Flood(ctx, tape.Frames()); err != nil { // Each key shows where it has come to.
		return nil, err
	}
	if err := r.Finish(ctx); err != nil {
		return nil, err
	}
	returns := audit.Returns()
	if len(returns) != 2 {
		return nil, fmt.Errorf("%d processes counted, where one had to follow one that was killed", len(returns))
	}
	after := returns[1]
	read := reading{
		messages: shareOfRate * rate, firstAgain: after.First.Sub(killed).Seconds(), newAgain: after.New.Sub(killed).Seconds(),
		cameAgain: float64(after.Again),
	}
	if !ready.IsZero() {
		read[readyAgain] = ready.Sub(killed).Seconds()
	}
	return read, nil
}
