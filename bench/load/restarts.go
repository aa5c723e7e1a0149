package load

import (
	"bytes"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// Restarts audits the lines "process word => n" of a count over one tape that goes on in another process where one has ended. Each process
// must count on from where it has begun, without a gap; it may begin with any number that has come, or with the next. So the results of
// what was done after the last checkpoint may come again, and none may be missing. A number that comes again is no result.
type Restarts struct {
	tape    *Tape
	words   map[string]*restartedCount
	latency *Latency
	process atomic.Int64
	returns []Return
}

// restartedCount is how far a word has been counted.
type restartedCount struct {
	places  []int
	next    int // all numbers below have come
	process int // in returns, the last one that has counted it
	at      int // the number that this one counted last
}

// Return is how a process began to count.
type Return struct {
	Process int
	First   time.Time // when its first line came
	New     time.Time // when its first line came that had not come before; zero if none has
	Again   int       // lines of it that had come before
}

// NewRestarts returns an audit that awaits the counts of a tape's words, of which none has come. Only the Receiver that it is given to may
// use it until that has finished, but for Process.
func NewRestarts(tape *Tape) *Restarts {
	r := &Restarts{tape: tape, words: make(map[string]*restartedCount, len(tape.places)), returns: []Return{{}}}
	for word, places := range tape.places {
		r.words[word] = &restartedCount{places: places, next: 1}
	}
	return r
}

// Process returns the process that has counted last, 0 if none has.
func (r *Restarts) Process() int { return int(r.process.Load()) }

// Returns are the processes that have counted, the first one first.
func (r *Restarts) Returns() []Return { return r.returns[1:] }

func (r *Restarts) take(_ int, data []byte, arrived time.Time) (taken, results int, err error) {
	taken, _, err = eachLine(data, func(line []byte) error {
		is, err := r.line(line, arrived)
		if is {
			results++
		}
		return err
	})
	return taken, results, err
}

func (r *Restarts) record(schedule Schedule, skip int) *Latency {
	r.latency = newLatency(schedule, skip)
	return r.latency
}

func (r *Restarts) results(frames int) int { return r.tape.Words(frames) }

func (r *Restarts) complete(frames int) error {
	sent := r.tape.Counts(frames)
	for name, word := range r.words {
		switch came := word.next - 1; {
		case came < sent[name]:
			return fmt.Errorf("%w: \"%s => %d\", of %d that had to come", ErrGap, name, word.next, sent[name])
		case came > sent[name]:
			return fmt.Errorf("%w: \"%s => %d\", it was sent %d times", ErrUnknown, name, came, sent[name])
		}
	}
	return nil
}

// line judges one line, without its newline, and reports whether it is a result that has not come before.
func (r *Restarts) line(line []byte, arrived time.Time) (result bool, err error) {
	process, rest, _ := bytes.Cut(line, []byte(" "))
	pid, err := strconv.Atoi(string(process))
	name, number := splitLine(rest)
	if err != nil || pid <= 0 || number == 0 {
		return false, fmt.Errorf("%w: %q is no line \"process word => n\"", ErrMalformed, line)
	}
	word := r.words[string(name)]
	if word == nil {
		return false, fmt.Errorf("%w: %q, no such word was sent", ErrUnknown, line)
	}
	if err := r.enter(pid, arrived); err != nil {
		return false, fmt.Errorf("%w: %q", err, line)
	}
	now := len(r.returns) - 1
	switch {
	case number > word.next:
		return false, fmt.Errorf("%w: %q, where %d had to come next", ErrGap, line, word.next)
	case word.process == now && number > word.at+1:
		return false, fmt.Errorf("%w: %q, where %d had to come next of this process", ErrGap, line, word.at+1)
	case word.process == now && number <= word.at:
		return false, fmt.Errorf("%w: %q", ErrRepeat, line)
	}
	word.process, word.at = now, number
	if number < word.next {
		r.returns[now].Again++
		return false, nil
	}
	word.next++
	if r.returns[now].New.IsZero() {
		r.returns[now].New = arrived
	}
	if r.latency != nil {
		r.latency.record(0, r.tape.holder(word.places, number), arrived)
	}
	return true, nil
}

// enter notes which process counts now. One that another has followed does not count any more.
func (r *Restarts) enter(pid int, arrived time.Time) error {
	if r.returns[len(r.returns)-1].Process == pid {
		return nil
	}
	for _, known := range r.returns {
		if known.Process == pid {
			return ErrOwners
		}
	}
	r.returns = append(r.returns, Return{Process: pid, First: arrived})
	r.process.Store(int64(pid))
	return nil
}
