package worker

import (
	"context"
	"slices"
)

// replay is a message that waits to be sent again, or is under way.
type replay struct {
	Replay
	done func(epoch uint64)
}

// Replay sends a message again to the step that could not process it, and returns when the step, and those behind it here, have had it;
// what belongs to another executor is on its way there. The message is processed also if ctx is done before. What fails is told to the
// report, as for any other message. ErrNotRunning says that the worker does not process, and that it has not had the message, or not all
// of what became of it.
//
// It returns the run and the epoch in which that was: if a later run goes back behind it, the message was not sent again.
//
// The first executor carries it out, which never leaves.
func (w *Worker) Replay(ctx context.Context, r Replay) (run, epoch uint64, err error) {
	over, run, first := w.enter()
	if over == nil {
		return 0, 0, ErrNotRunning
	}
	w.replayed.Store(true)
	if w.ended.Load() { // the loops may have found out already that nothing is left to do
		w.settled(1)
		return 0, 0, ErrNotRunning
	}
	done := make(chan uint64, 1)
	first.sendAgain(&replay{Replay: r, done: func(epoch uint64) { done <- epoch }})
	select {
	case epoch = <-done:
		return run, epoch, nil
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	case <-over.Done():
	}
	select {
	case epoch = <-done: // and over right behind it
		return run, epoch, nil
	default:
		return 0, 0, ErrNotRunning
	}
}

// enter counts one more message inside, of the life that goes on, and returns when that is over, its run, and the loop that takes the
// message; nil if none goes on.
func (w *Worker) enter() (over context.Context, run uint64, first *loop) {
	w.mu.RLock()
	defer w.mu.RUnlock() // what is inside counts no more once a life does not go on
	if w.running.ctx == nil {
		return nil, 0, nil
	}
	w.inside.Add(1)
	return w.running.ctx, w.run, w.loops[0]
}

// sendAgain has the loop begin a replay when it may.
func (l *loop) sendAgain(r *replay) {
	l.turning.Lock()
	l.replays = append(l.replays, r)
	l.turning.Unlock()
	l.wake.notify()
}

// beginReplay begins a call with the first message that waits to be sent again and may go now. It is one of the stage's own as far as its
// edges and markers are concerned, so it goes when a message of the stage might, and not between the markers of the stage and its island.
func (l *loop) beginReplay() bool {
	for n, r := range l.replays {
		if !l.door.Enters(r.Stage) || !l.mayWrite(r.Stage) {
			continue
		}
		l.replays = slices.Delete(l.replays, n, n+1)
		c := l.newCall(r.Stage, nil)
		c.replay, c.messages = r, 1
		l.executor.Replay(c.id, r.Replay)
		return true
	}
	return false
}
