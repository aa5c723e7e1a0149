package worker

import (
	"slices"
	"time"
)

// Spent is where the time of a loop went.
type Spent struct {
	Busy    time.Duration // its executor had something to do
	Waiting time.Duration // nothing had come
	// Held is the time in which the door let nothing in of what had come: it stood behind a marker that others had not brought yet, or met
	// partitions on their way.
	Held time.Duration
	// Sinks and Exchange are the time in which something had come and could not be taken, since there was no credit for what becomes of it:
	// in an edge to a sink, by its number, or to another executor.
	Sinks    []time.Duration
	Exchange time.Duration
}

// NoCredit is the time in which there was no credit, to sinks and executors.
func (s *Spent) NoCredit() time.Duration {
	sum := s.Exchange
	for _, d := range s.Sinks {
		sum += d
	}
	return sum
}

// All is the whole of the time.
func (s *Spent) All() time.Duration { return s.Busy + s.Waiting + s.Held + s.NoCredit() }

// Since is what was spent after an earlier reading.
func (s *Spent) Since(before *Spent) Spent {
	d := Spent{
		Busy: s.Busy - before.Busy, Waiting: s.Waiting - before.Waiting, Held: s.Held - before.Held,
		Exchange: s.Exchange - before.Exchange, Sinks: slices.Clone(s.Sinks),
	}
	for sink := range before.Sinks {
		d.Sinks[sink] -= before.Sinks[sink]
	}
	return d
}

// standing is what a loop does, or why it does nothing.
type standing struct {
	as   as
	sink int // that has no credit
}

type as uint8

const (
	waiting as = iota
	busy
	held
	noSinkCredit
	noExchangeCredit
)

// clock counts where the time of a loop goes. It is told when that changes, which costs nothing while the loop has calls one after another.
type clock struct {
	began  time.Time
	spent  Spent
	stands standing
	since  time.Time
}

func newClock(sinks int) clock {
	now := time.Now()
	return clock{began: now, spent: Spent{Sinks: make([]time.Duration, sinks)}, since: now}
}

// turn says that the loop stands otherwise from a moment on.
func (c *clock) turn(to standing, at time.Time) {
	*c.spent.of(c.stands) += at.Sub(c.since)
	c.stands, c.since = to, at
}

// of is where the time goes of a loop that stands so.
func (s *Spent) of(stands standing) *time.Duration {
	switch stands.as {
	case busy:
		return &s.Busy
	case held:
		return &s.Held
	case noSinkCredit:
		return &s.Sinks[stands.sink]
	case noExchangeCredit:
		return &s.Exchange
	default:
		return &s.Waiting
	}
}

// read is where the time has gone until now.
func (c *clock) read(now time.Time) Spent {
	s := c.spent
	s.Sinks = slices.Clone(s.Sinks)
	*s.of(c.stands) += now.Sub(c.since)
	return s
}

// idle takes note of why the loop has no call, if it has none. The clock is looked at only if that is another reason than before.
func (l *loop) idle() {
	if len(l.calls) > 0 {
		return
	}
	stands := l.hindrance()
	switch {
	case l.clock.stands.as == busy:
		l.clock.turn(stands, l.finished)
	case l.clock.stands != stands:
		l.clock.turn(stands, time.Now())
	}
}

// hindrance is why the loop begins no call: what has come and lacks credit is told before what the door holds.
func (l *loop) hindrance() standing {
	stands := standing{as: waiting}
	if len(l.held) > 0 || l.door.Waiting() > 0 {
		stands.as = held
	}
	for stage := range l.queues {
		_, settles := l.door.Next(stage)
		switch {
		case len(l.queues[stage]) == 0 && !settles:
		case !settles && !l.door.May(stage):
			stands.as = held
		default:
			return l.full(stage)
		}
	}
	return stands
}

// full is which credit a call of the stage lacks.
func (l *loop) full(stage int) standing {
	for _, sink := range l.worker.ways[stage].sinks {
		if !l.sinks[sink].hasCredit() {
			return standing{as: noSinkCredit, sink: sink}
		}
	}
	return standing{as: noExchangeCredit}
}
