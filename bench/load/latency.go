package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The range and the precision of what a Latency distinguishes. Longer is recorded as the longest.
const (
	shortestLatency    = time.Microsecond
	longestLatency     = 10 * time.Minute
	significantFigures = 3
)

// A Latency is how long after the moment at which their frame was due the results came. It belongs to one goroutine.
type Latency struct {
	schedule  Schedule
	first     int // the first frame of each connection that counts
	histogram *hdrhistogram.Histogram
}

func newLatency(schedule Schedule, skip int) *Latency {
	return &Latency{
		schedule:  schedule,
		first:     schedule.first + skip,
		histogram: hdrhistogram.New(int64(shortestLatency), int64(longestLatency), significantFigures),
	}
}

// record notes that a result of a frame came.
func (l *Latency) record(connection, frame int, arrived time.Time) {
	if frame < l.first {
		return
	}
	l.note(arrived.Sub(l.schedule.due(connection, frame)))
}

// note notes how long a result took.
func (l *Latency) note(latency time.Duration) {
	_ = l.histogram.RecordValue(int64(min(max(latency, shortestLatency), longestLatency))) // Only what lies out of the range is refused.
}

// Percentile returns the latency that so many of a hundred results did not exceed, from 0 to 100.
func (l *Latency) Percentile(percentile float64) time.Duration {
	return time.Duration(l.histogram.ValueAtPercentile(percentile))
}

// Max returns the longest latency.
func (l *Latency) Max() time.Duration {
	return time.Duration(l.histogram.Max())
}

// Count returns of how many results the latency was taken.
func (l *Latency) Count() int {
	return int(l.histogram.TotalCount())
}
