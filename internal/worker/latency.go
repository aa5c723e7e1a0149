package worker

import "time"

// LatencyBounds are the upper bounds of the latencies that are counted together.
var LatencyBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Latencies is how long messages took from a source's read to a sink's hands, counted in buckets.
type Latencies struct {
	// Counts are those of LatencyBounds, each of what is above the bound before; and last, those above all of them.
	Counts [len(LatencyBounds) + 1]uint64
	Sum    time.Duration
}

// take counts messages that took so long. A clock that was set back makes no latency negative.
func (l *Latencies) take(d time.Duration, messages int) {
	d = max(d, 0)
	bucket := 0
	for bucket < len(LatencyBounds) && d > LatencyBounds[bucket] {
		bucket++
	}
	l.Counts[bucket] += uint64(messages)
	l.Sum += d * time.Duration(messages)
}

// Count is how many messages there were.
func (l *Latencies) Count() uint64 {
	var n uint64
	for _, c := range l.Counts {
		n += c
	}
	return n
}

// Since is what was counted after an earlier reading.
func (l *Latencies) Since(before *Latencies) Latencies {
	d := Latencies{Sum: l.Sum - before.Sum}
	for i := range l.Counts {
		d.Counts[i] = l.Counts[i] - before.Counts[i]
	}
	return d
}

// Quantile is the latency that this share of the messages did not exceed, 0 if there were none: as exact as the bounds are, and the last of
// these for all above it.
func (l *Latencies) Quantile(share float64) time.Duration {
	rank, below := share*float64(l.Count()), 0.0
	from := time.Duration(0)
	for i, bound := range LatencyBounds {
		if n := float64(l.Counts[i]); n > 0 && below+n >= rank {
			return from + time.Duration(float64(bound-from)*(rank-below)/n)
		}
		below += float64(l.Counts[i])
		from = bound
	}
	if below == rank {
		return 0 // there were none
	}
	return from
}
