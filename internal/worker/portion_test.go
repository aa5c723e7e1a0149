package worker

import (
	"testing"
	"time"
)

// TestPortions moves 341 partitions under waits of different kinds, and counts the markers that it takes.
func TestPortions(t *testing.T) {
	for _, c := range []struct {
		what        string
		wait        func(few int) time.Duration
		most, least int           // markers
		longest     time.Duration // that one of the later half of the partitions may wait
	}{
		{"nothing is slow", func(int) time.Duration { return time.Millisecond }, 8, 5, time.Millisecond},
		{"each takes a while", func(few int) time.Duration { return time.Duration(few) * 5 * time.Millisecond }, 100, 40, 80 * time.Millisecond},
		{"the receiver is slow", func(int) time.Duration { return 2 * time.Second }, 12, 5, 2 * time.Second},
		{
			"the receiver is slow, and each takes a while",
			func(few int) time.Duration { return time.Second + time.Duration(few)*20*time.Millisecond }, 40, 5, 3 * time.Second,
		},
	} {
		p, markers, longest := portion{few: firstMoves}, 0, time.Duration(0)
		for left := 341; left > 0; markers++ {
			wait := c.wait(min(p.few, left))
			if left < 341/2 {
				longest = max(longest, wait)
			}
			left -= p.few
			p.took(wait)
		}
		if markers > c.most || markers < c.least || longest > c.longest {
			t.Errorf("%s: %d markers, the longest wait %v", c.what, markers, longest)
		}
	}
}
