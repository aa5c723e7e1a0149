package peer

import (
	"math"
	"time"
)

// schedule says when messages are due: message i, from 0, at i/rate after the start, whatever happened to those before it. So a sender
// that was held up catches up, and the average stays.
type schedule struct {
	rate  float64 // messages a second; 0 if all are due at once
	start time.Time
	next  int64 // the message that comes next
	due   int64 // how many messages were due when that was looked at last
}

// wait is how long it is until the next message is due; at most 0 if it is due now.
func (s *schedule) wait() time.Duration {
	if s.rate == 0 || s.next < s.due {
		return 0
	}
	elapsed := time.Since(s.start)
	if wait := time.Duration(math.Ceil(bounded(float64(s.next)/s.rate*float64(time.Second)))) - elapsed; wait > 0 {
		return wait
	}
	s.due = max(s.next, int64(bounded(elapsed.Seconds()*s.rate))) + 1
	return 0
}

// bounded keeps a number in the range of integers that can be added to.
func bounded(x float64) float64 { return min(x, 1<<62) }

// pass goes on to the message after the next.
func (s *schedule) pass() { s.next++ }
