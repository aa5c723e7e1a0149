package gohost

import "time"

// A call in lookEvery is looked at, and of that the first mostLooks moments at which one step's code gives way to another's: to look costs
// as much as a small step does. It is enough to tell the steps apart within seconds.
const (
	lookEvery = 50 * time.Millisecond
	mostLooks = 500
)

// looks is what is seen of where the time of calls goes, in one of them now and then: from the moment a step's code begins to run until
// another's does, the time is the step's.
type looks struct {
	left int             // how many more there are in the call at hand
	last time.Time       // when a call was looked at that others may follow
	at   time.Time       // up to which time is counted
	seen []time.Duration // by step
}

// begin decides whether a call is looked at.
func (l *looks) begin() {
	now := time.Now()
	l.left = 0
	if now.Sub(l.last) >= lookEvery {
		l.left, l.last, l.at = mostLooks, now, now
	}
}

// look counts the time since the last look at the step whose code has run meanwhile.
func (r *Run) look() {
	now := time.Now()
	if r.at != nil {
		r.looks.seen[r.at.step] += now.Sub(r.looks.at)
	}
	r.looks.at = now
	r.looks.left--
}
