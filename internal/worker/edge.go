package worker

import (
	"math"
	"sync"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Credit is how much may be in an edge, handed on and not given back: messages, and bytes of their payloads.
type Credit struct {
	Messages int
	Bytes    int
}

// creditOf is what a batch takes.
func creditOf(b *message.Batch) Credit { return Credit{Messages: b.Count(), Bytes: b.Bytes()} }

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
// and may overdraw it by the output of the calls that have begun; the consumer takes in order and gives credit back. Markers travel in it
// behind what was written before, and take no credit.
type Edge struct {
	items func() // called without the lock when an edge that was empty holds something, or is closed
	room  func() // called without the lock when there is credit again
	mu    sync.Mutex
	limit Credit // guarded by mu, as are those below: what may be in it
	queue []item
	used  Credit // what is in it
	total Traffic
	shut  bool // nothing more will be written
}

// item is what travels in an edge: a batch, or, if it is not 0, a marker.
type item struct {
	batch  message.Batch
	marker door.Epoch
}

func newEdge(limit Credit, items, room func()) *Edge {
	return &Edge{items: items, room: room, limit: limit}
}

// write puts a batch in, with or without credit. The batch's memory is the edge's from now on.
func (e *Edge) write(b message.Batch) {
	if e.put(item{batch: b}) {
		e.items()
	}
}

// mark puts a marker in.
func (e *Edge) mark(epoch door.Epoch) {
	if e.put(item{marker: epoch}) {
		e.items()
	}
}

// put puts an item in; it reports whether items must be called.
func (e *Edge) put(i item) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	credit := creditOf(&i.batch)
	e.used.Messages += credit.Messages
	e.used.Bytes += credit.Bytes
	e.total.Messages += uint64(credit.Messages)
	e.total.Bytes += uint64(credit.Bytes)
	e.queue = append(e.queue, i)
	return len(e.queue) == 1
}

// reserve takes credit for a batch that putReserved puts in.
func (e *Edge) reserve(c Credit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.used.Messages += c.Messages
	e.used.Bytes += c.Bytes
}

// putReserved puts a batch in whose credit is taken; it reports whether items must be called.
func (e *Edge) putReserved(b message.Batch) bool {
	e.mu.Lock()
	credit := creditOf(&b)
	e.used.Messages -= credit.Messages
	e.used.Bytes -= credit.Bytes
	e.mu.Unlock()
	return e.put(item{batch: b})
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

// left is how many messages there is credit for, one at least.
func (e *Edge) left() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(1, e.limit.Messages-e.used.Messages)
}

// credit is hasCredit for those who hold the lock.
func (e *Edge) credit() bool {
	return e.used.Messages < e.limit.Messages && e.used.Bytes < e.limit.Bytes
}

// take removes up to limit messages from the front batch; false when the edge is empty or a marker is in front. The credit stays used
// until giveBack.
func (e *Edge) take(limit int) (message.Batch, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 || e.queue[0].marker != 0 {
		return message.Batch{}, false
	}
	front := &e.queue[0].batch
	b := front.Take(limit)
	if front.Count() == 0 {
		e.drop()
	}
	return b, true
}

// takeMarker removes the marker in front; 0 when there is none.
func (e *Edge) takeMarker() door.Epoch {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 || e.queue[0].marker == 0 {
		return 0
	}
	epoch := e.queue[0].marker
	e.drop()
	return epoch
}

func (e *Edge) drop() {
	e.queue[0] = item{}
	e.queue = e.queue[1:]
	if len(e.queue) == 0 {
		e.queue = nil
	}
}

// giveBack returns the credit of messages that were taken.
func (e *Edge) giveBack(c Credit) {
	e.mu.Lock()
	had := e.credit()
	e.used.Messages -= c.Messages
	e.used.Bytes -= c.Bytes
	again := !had && e.credit()
	e.mu.Unlock()
	if again {
		e.room()
	}
}

// allow sets how many messages may be in it.
func (e *Edge) allow(messages int) {
	e.mu.Lock()
	had := e.credit()
	e.limit.Messages = messages
	again := !had && e.credit()
	e.mu.Unlock()
	if again {
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

// figures are those of the edge, without its ends.
func (e *Edge) figures() EdgeFigures {
	e.mu.Lock()
	defer e.mu.Unlock()
	return EdgeFigures{Total: e.total, Queued: e.used, Limit: e.limit}
}

// held is what is in the edge: waiting, or taken and not given back.
func (e *Edge) held() Credit {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.used
}
