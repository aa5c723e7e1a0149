package load

import (
	"context"
	"runtime"
	"time"
)

// longestSleep bounds how long a Sender that is paced takes to notice that it shall end.
const longestSleep = 100 * time.Millisecond

// Pace sends the first so many frames of the schedule on each connection, as far as they have not been sent, each when it is due. The
// schedule must be the last that Schedule returned. What is overdue is sent at once and together. It returns when all are written, or when
// ctx ends; after an error the sender is of no more use. One thread of the operating system does nothing else meanwhile.
func (s *Sender) Pace(ctx context.Context, schedule Schedule, frames int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer sharpenSleep()()
	defer s.interruptAtEnd(ctx)()
	end := schedule.first + frames
	for s.behind(end) {
		if err := s.sendDue(schedule, end); err != nil {
			return ended(ctx, err)
		}
		if err := s.sleepUntilDue(ctx, schedule, end); err != nil {
			return err
		}
	}
	return nil
}

// PaceUntil sends frames like Pace, until enough is closed or somewhat longer.
func (s *Sender) PaceUntil(ctx context.Context, schedule Schedule, enough <-chan struct{}) error {
	piece := 1 + int(float64(longestSleep)/schedule.interval)/schedule.connections
	for frames := piece; ; frames += piece {
		if err := s.Pace(ctx, schedule, frames); err != nil {
			return err
		}
		select {
		case <-enough:
			return nil
		default:
		}
	}
}

// behind says whether a connection has not sent all frames before end.
func (s *Sender) behind(end int) bool {
	for i := range s.sent {
		if s.sentOn(i) < end {
			return true
		}
	}
	return false
}

// sendDue sends the frames that are due and come before end.
func (s *Sender) sendDue(schedule Schedule, end int) error {
	now := time.Now()
	for i := range s.connections {
		if due := min(schedule.dueBy(i, now), end); due > s.sentOn(i) {
			if err := s.send(i, due); err != nil {
				return err
			}
		}
	}
	return nil
}

// sleepUntilDue returns when the next frame before end is due; at once if there is none.
func (s *Sender) sleepUntilDue(ctx context.Context, schedule Schedule, end int) error {
	next, open := s.nextDue(schedule, end)
	for open {
		wait := time.Until(next)
		if wait <= 0 {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		sleep(min(wait, longestSleep))
	}
	return nil
}

// nextDue returns when the next frame before end is due, and whether there is one.
func (s *Sender) nextDue(schedule Schedule, end int) (next time.Time, open bool) {
	for i := range s.sent {
		sent := s.sentOn(i)
		if sent == end {
			continue
		}
		if due := schedule.due(i, sent); !open || due.Before(next) {
			next, open = due, true
		}
	}
	return next, open
}
