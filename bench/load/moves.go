package load

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// Moves audits the lines "process word => n" of a count over one tape that says which process counted: the same as Counts does, and that no
// word goes from process to process more than once. It keeps how long each result of a schedule took, so that it can be told afterwards
// what a change meant for the words that moved and for those that stayed.
type Moves struct {
	*counts
	keys    map[*wordCount]int32 // where a word's processes stand in owners
	owners  []owners
	first   int // the first frame that is kept
	samples []sample
}

// owners are the first and the last process that has counted a word, 0 if none has.
type owners struct {
	first, last int
}

func (o *owners) moved() bool {
	return o.first != o.last
}

// sample is what is kept of a result.
type sample struct {
	key          int32
	due, arrived time.Duration // since the schedule's start
}

// NewMoves returns an audit that awaits the counts of a tape's words, of which none has come. Only the Receiver that it is given to may use
// it, until that has finished.
func NewMoves(tape *Tape) *Moves {
	m := &Moves{counts: newCounts([]*Tape{tape}), keys: map[*wordCount]int32{}}
	for _, word := range m.words {
		m.keys[word] = int32(len(m.owners))
		m.owners = append(m.owners, owners{})
	}
	return m
}

func (m *Moves) take(connection int, data []byte, arrived time.Time) (taken, lines int, err error) {
	return eachLine(data, func(line []byte) error { return m.line(connection, line, arrived) })
}

func (m *Moves) record(schedule Schedule, skip int) *Latency {
	m.first = schedule.first + skip
	return m.counts.record(schedule, skip)
}

// line judges one line, without its newline.
func (m *Moves) line(connection int, line []byte, arrived time.Time) error {
	process, rest, _ := bytes.Cut(line, []byte(" "))
	pid, err := strconv.Atoi(string(process))
	if err != nil || pid <= 0 {
		return fmt.Errorf("%w: %q is no line \"process word => n\"", ErrMalformed, line)
	}
	word, number, err := m.counts.line(connection, rest, arrived)
	if err != nil {
		return err
	}
	key := m.keys[word]
	if err := m.owners[key].note(pid); err != nil {
		return fmt.Errorf("%w: %q", err, line)
	}
	if frame := m.holder(word, number); m.latency != nil && frame >= m.first {
		schedule := m.latency.schedule
		m.samples = append(m.samples, sample{key, schedule.due(word.tape, frame).Sub(schedule.start), arrived.Sub(schedule.start)})
	}
	return nil
}

// note notes which process has counted next.
func (o *owners) note(pid int) error {
	switch {
	case o.last == pid:
		return nil
	case o.last == 0:
		o.first = pid
	case o.moved():
		return ErrOwners
	}
	o.last = pid
	return nil
}

// Waits is how long results took beside a change, and what it moved. A result belongs to the change if any of the time from when its frame
// was due until it came does.
type Waits struct {
	Before, After *Latency // of the results that came before the change, and of those that were not due until it was done
	Moved, Stayed *Latency // of the results that belong to the change: of words that moved, and of others
	Keys          int      // words that moved
	First, Last   int      // how many processes counted the words first, and last
}

// Waits returns how long the results of the last schedule took, beside a change from one moment to another. It is called after the Receiver
// has finished.
func (m *Moves) Waits(began, ended time.Time) Waits {
	var w Waits
	for _, latency := range []**Latency{&w.Before, &w.After, &w.Moved, &w.Stayed} {
		*latency = newLatency(m.latency.schedule, 0)
	}
	from, to := began.Sub(m.latency.schedule.start), ended.Sub(m.latency.schedule.start)
	for _, s := range m.samples {
		into := w.Stayed
		switch {
		case s.arrived < from:
			into = w.Before
		case s.due > to:
			into = w.After
		case m.owners[s.key].moved():
			into = w.Moved
		}
		into.note(s.arrived - s.due)
	}
	first, last := map[int]bool{}, map[int]bool{}
	for _, o := range m.owners {
		first[o.first], last[o.last] = true, true
		if o.moved() {
			w.Keys++
		}
	}
	w.First, w.Last = len(first), len(last)
	return w
}
