package peer

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestScheduleWithoutRate(t *testing.T) {
	s := schedule{start: time.Now()}
	for range 3 {
		if wait := s.wait(); wait > 0 {
			t.Errorf("message %d waits for %v", s.next, wait)
		}
		s.pass()
	}
}

func TestScheduleIsAbsolute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := schedule{rate: 4, start: time.Now()}
		next := func(want time.Duration) {
			t.Helper()
			if wait := s.wait(); max(wait, 0) != want {
				t.Errorf("message %d waits for %v; want %v", s.next, wait, want)
			}
			time.Sleep(max(s.wait(), 0))
			s.pass()
		}
		next(0)
		next(250 * time.Millisecond)
		next(250 * time.Millisecond)
		time.Sleep(700 * time.Millisecond) // held up: two more are due now
		next(0)
		next(0)
		next(50 * time.Millisecond)
	})
}

// TestScheduleIsNeverAskedTwice takes a rate that divides nothing: after the wait that it names, the message must be due.
func TestScheduleIsNeverAskedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rate := range []float64{0.7, 3, 1000.0 / 3, 123457, 9.9e8} {
			s := schedule{rate: rate, start: time.Now()}
			for range 1000 {
				if wait := s.wait(); wait > 0 {
					time.Sleep(wait)
				}
				if wait := s.wait(); wait > 0 {
					t.Fatalf("at %g/s message %d waits for %v more", rate, s.next, wait)
				}
				s.pass()
			}
		}
	})
}
