package load

import (
	"bytes"
	"fmt"
	"time"
)

// ofCount stands between a word and its count in a line.
const ofCount = " => "

// maxAhead is how many counts of a word are kept that came on one connection before lower ones which another may still bring.
const maxAhead = 1 << 16

// counts audits the lines "word => n" of a word count: each number from 1 to the number of times that the word was sent must come once,
// and rise on each connection.
type counts struct {
	tapes       []*Tape
	words       map[string]*wordCount
	connections int // how many have brought something
	latency     *Latency
}

// wordCount is how far a word has been counted.
type wordCount struct {
	tape   int
	places []int
	next   int         // all numbers below have come
	ahead  map[int]int // the numbers above next that have come, and on which connection; nil if there are none
}

// Counts returns an audit of the lines "word => n" that a word count of the tapes gives, over any number of connections. Tape i is what
// connection i of the sender sends; it must hold words of its own.
func Counts(tapes ...*Tape) Audit {
	return newCounts(tapes)
}

func newCounts(tapes []*Tape) *counts {
	c := &counts{tapes: tapes, words: map[string]*wordCount{}}
	for i, tape := range tapes {
		for word, places := range tape.places {
			c.words[word] = &wordCount{tape: i, places: places, next: 1}
		}
	}
	return c
}

func (c *counts) take(connection int, data []byte, arrived time.Time) (taken, lines int, err error) {
	return eachLine(data, func(line []byte) error {
		_, _, err := c.line(connection, line, arrived)
		return err
	})
}

// eachLine gives the whole lines that data begins with to judge, each without its newline, and returns how many bytes and how many lines
// were right.
func eachLine(data []byte, judge func(line []byte) error) (taken, lines int, err error) {
	for {
		length := bytes.IndexByte(data[taken:], '\n')
		if length < 0 {
			return taken, lines, nil
		}
		if err := judge(data[taken : taken+length]); err != nil {
			return taken, lines, err
		}
		taken += length + 1
		lines++
	}
}

func (c *counts) record(schedule Schedule, skip int) *Latency {
	c.latency = newLatency(schedule, skip)
	return c.latency
}

func (c *counts) results(frames int) int {
	lines := 0
	for _, tape := range c.tapes {
		lines += tape.Words(frames)
	}
	return lines
}

func (c *counts) complete(frames int) error {
	for i, tape := range c.tapes {
		sent := tape.Counts(frames)
		for word := range tape.places {
			if err := c.words[word].complete(word, sent[word]); err != nil {
				return fmt.Errorf("%w (connection %d of the sender)", err, i)
			}
		}
	}
	return nil
}

// line judges one line, without its newline, and returns its word and its number.
func (c *counts) line(connection int, line []byte, arrived time.Time) (*wordCount, int, error) {
	c.connections = max(c.connections, connection+1)
	name, number := splitLine(line)
	if number == 0 {
		return nil, 0, fmt.Errorf("%w: %q is no line \"word => n\"", ErrMalformed, line)
	}
	word := c.words[string(name)]
	if word == nil {
		return nil, 0, fmt.Errorf("%w: %q, no such word was sent", ErrUnknown, line)
	}
	if number != word.next || word.ahead != nil {
		if err := word.outOfTurn(connection, number, c.connections); err != nil {
			return nil, 0, fmt.Errorf("%w: %q on connection %d, where %d had to come next", err, line, connection, word.next)
		}
	} else {
		word.next++
	}
	if c.latency != nil {
		c.latency.record(word.tape, c.holder(word, number), arrived)
	}
	return word, number, nil
}

// holder returns the frame that holds an occurrence of a word.
func (c *counts) holder(word *wordCount, occurrence int) int {
	return c.tapes[word.tape].holder(word.places, occurrence)
}

// outOfTurn notes a number that is not simply the next one. It is right if another connection has brought, or may still bring, those
// between, and nothing higher came on this connection.
func (w *wordCount) outOfTurn(connection, number, connections int) error {
	if _, came := w.ahead[number]; came || number < w.next {
		return ErrRepeat
	}
	for higher, on := range w.ahead {
		if on == connection && higher > number {
			return ErrDisorder
		}
	}
	if number > w.next && (connections == 1 || len(w.ahead) == maxAhead) {
		return ErrGap
	}
	w.note(connection, number)
	return nil
}

// note notes a number that has not come yet.
func (w *wordCount) note(connection, number int) {
	if w.ahead == nil {
		w.ahead = map[int]int{}
	}
	w.ahead[number] = connection
	for {
		if _, came := w.ahead[w.next]; !came {
			break
		}
		delete(w.ahead, w.next)
		w.next++
	}
	if len(w.ahead) == 0 {
		w.ahead = nil
	}
}

// complete returns an error unless exactly the numbers from 1 to sent have come.
func (w *wordCount) complete(word string, sent int) error {
	came := w.next - 1
	switch {
	case came < sent:
		return fmt.Errorf("%w: \"%s => %d\", of %d that had to come", ErrGap, word, w.next, sent)
	case came > sent || w.ahead != nil:
		return fmt.Errorf("%w: \"%s => %d\", it was sent %d times", ErrUnknown, word, sent+1, sent)
	}
	return nil
}

// splitLine returns the word and the count of a line, or 0 as the count if it has none.
func splitLine(line []byte) (word []byte, number int) {
	digits := len(line)
	for digits > 0 && line[digits-1] >= '0' && line[digits-1] <= '9' {
		digits--
	}
	for _, digit := range line[digits:] {
		number = number*10 + int(digit-'0')
	}
	word, found := bytes.CutSuffix(line[:digits], []byte(ofCount))
	if !found {
		return nil, 0
	}
	return word, number
}
