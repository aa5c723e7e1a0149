package gohost

import "time"

// lookEvery is how often a call is looked at: seldom enough to cost nothing, since to look costs as much as a small step does, and often
// enough to tell the steps apart within seconds.
const lookEvery = 50 * time.Millisecond

// looks is what is seen of where the time of calls goes, in one of them now and then: from the moment a step's code begins to run until
// another's does, the time is the step's.
type looks struct {
	open bool            // the call is being looked at
	last time.Time       // when one was begun to be looked at
	at   time.Time       // up to which time is counted
	seen []time.Duration // by step
}

// begin decides whether a call is looked at.
func (l *looks) begin() {
	now := time.Now()
	l.open = now.Sub(l.last) >= lookEvery
	if l.open {
		l.last, l.at = now, now
	}
}

// look counts the time since the last look at the step whose code has run meanwhile.
func (r *Run) look() {
	now := time.Now()
	if r.at != nil {
		r.looks.seen[r.at.step] += now.Sub(r.looks.at)
	}
	r.looks.at = now
}
