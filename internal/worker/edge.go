package worker

import (
	"math"
	"sync"

	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// Credit is how much may be in an edge, handed on and not given back: messages, and bytes of their payloads.
type Credit struct {
	Messages int
	Bytes    int
}

// unlimited is a number of messages that bounds nothing.
const unlimited = math.MaxInt

// signal tells a goroutine that there is something to look at; it holds one notice at most, so notifying never blocks.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) notify() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// Edge is a FIFO path with credit from one producer to one consumer, each a goroutine of its own. The producer writes while there is credit
// and may overdraw it by the output of the calls that have begun; the consumer takes in order and gives credit back.
type Edge struct {
	items func() // called without the lock when an edge that was empty holds something, or is closed
	room  func() // called without the lock when there is credit again, and when nothing is in it any more
	limit Credit // what may be in it
	mu    sync.Mutex
	queue []message.Batch // guarded by mu, as are those below
	used  Credit          // what is in it
	shut  bool            // nothing more will be written
}

func newEdge(limit Credit, items, room func()) *Edge {
	return &Edge{items: items, room: room, limit: limit}
}

// write puts a batch in, with or without credit. The batch's memory is the edge's from now on.
func (e *Edge) write(b message.Batch) {
	e.mu.Lock()
	e.used.Messages += b.Count()
	e.used.Bytes += len(b.Payload)
	first := len(e.queue) == 0
	e.queue = append(e.queue, b)
	e.mu.Unlock()
	if first {
		e.items()
	}
}

func (e *Edge) hasCredit() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.credit()
}

// level is how many messages and bytes are in the edge, as one number, and whether there is credit for more.
func (e *Edge) level() (used int, has bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.used.Messages + e.used.Bytes, e.credit()
}

// credit is hasCredit for those who hold the lock.
func (e *Edge) credit() bool {
	return e.used.Messages < e.limit.Messages && e.used.Bytes < e.limit.Bytes
}

// take removes up to limit messages from the front batch, or a packed one whole; false when there is none. The credit stays used until
// giveBack.
func (e *Edge) take(limit int) (message.Batch, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return message.Batch{}, false
	}
	front := &e.queue[0]
	if front.Packed == 0 && front.Count() > limit {
		return front.Take(limit), true
	}
	b := *front
	e.queue[0] = message.Batch{}
	e.queue = e.queue[1:]
	if len(e.queue) == 0 {
		e.queue = nil
	}
	return b, true
}

// giveBack returns the credit of messages that were taken.
func (e *Edge) giveBack(c Credit) {
	e.mu.Lock()
	had := e.credit()
	e.used.Messages -= c.Messages
	e.used.Bytes -= c.Bytes
	again, empty := !had && e.credit(), e.used.Messages == 0
	e.mu.Unlock()
	if again || empty {
		e.room()
	}
}

// close says that nothing more will be written.
func (e *Edge) close() {
	e.mu.Lock()
	e.shut = true
	e.mu.Unlock()
	e.items()
}

func (e *Edge) empty() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.queue) == 0
}

// closed reports whether the edge is empty and will stay so.
func (e *Edge) closed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.shut && len(e.queue) == 0
}

// messages is how many messages are in the edge: waiting, or taken and not given back.
func (e *Edge) messages() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.used.Messages
}
