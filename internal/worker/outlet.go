package worker

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Outlet is where a sink gets its messages, a connector.Outlet: those of all executors. All but its own bookkeeping is for one goroutine.
// It aligns markers: what an executor wrote behind one is taken when all have written it.
type Outlet struct {
	items     signal
	mu        sync.Mutex
	edges     []*spout // guarded by mu, as are those below
	turn      int
	passed    door.Epoch
	taken     []taken    // not delivered, in the order in which they were taken
	before    uint64     // messages taken so far
	marks     []passing  // markers that are passed, and in front of which something is not delivered
	over      door.Epoch // the last marker in front of which all is delivered
	stages    bool       // the sink says itself when all is over
	rests     bool       // it has no executors for a while
	run       uint64     // of what comes
	took      uint64     // the run of what was taken last
	epoch     door.Epoch // likewise, its epoch
	committed door.Epoch
	handed    func() // called without a lock when over has grown

	total   Traffic // delivered
	latency Latencies
}

// spout is the edge of one executor.
type spout struct {
	*Edge
	brought door.Epoch
	took    func(door.Epoch) // called without a lock when the sink has taken a marker from it
}

// taken is what was taken of an edge at once and is not delivered.
type taken struct {
	edge   *Edge
	credit Credit
}

// passing is a marker that the sink has passed.
type passing struct {
	epoch  door.Epoch
	before uint64 // how many messages were taken before it
}

// join adds the edge of an executor that has passed a marker.
func (o *Outlet) join(edge *Edge, passed door.Epoch, took func(door.Epoch)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rests = false
	o.edges = append(o.edges, &spout{Edge: edge, brought: passed, took: took})
}

// Items is notified when there may be something to Take, or the outlet was closed.
func (o *Outlet) Items() <-chan struct{} { return o.items }

// Take returns the next batch, the executors taking turns; false when there is none now. It counts as undelivered until Delivered says
// otherwise.
func (o *Outlet) Take() (connector.Batch, bool) {
	over := o.handedOver()
	b, ok, told := o.take()
	if o.handedOver() > over {
		o.handed()
	}
	for _, tell := range told {
		tell()
	}
	return connector.Batch{Sizes: b.Sizes, Payload: b.Payload, Ingest: b.Ingest}, ok
}

// take is Take, and whom to tell of the markers that were taken.
func (o *Outlet) take() (b message.Batch, ok bool, told []func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	told = o.align()
	o.took, o.epoch = o.run, o.passed+1
	for range o.edges {
		s := o.edges[o.turn%len(o.edges)]
		o.turn = (o.turn + 1) % len(o.edges)
		if o.holds(s) {
			continue
		}
		if b, ok := s.take(unlimited); ok {
			o.taken = append(o.taken, taken{edge: s.Edge, credit: creditOf(&b)})
			o.before += uint64(b.Count())
			o.latency.take(time.Since(time.Unix(0, b.Ingest)), b.Count())
			return b, true, told
		}
	}
	return message.Batch{}, false, told
}

// holds reports whether an executor wrote a marker that others have not written yet.
func (o *Outlet) holds(s *spout) bool { return s.brought > o.passed }

// marker is the marker in front, which is taken, unless the edge is held; 0 if there is none.
func (s *spout) marker(held bool) door.Epoch {
	if held {
		return 0
	}
	return s.takeMarker()
}

// align takes the markers that are in front, and passes those that all edges brought.
func (o *Outlet) align() (told []func()) {
	for {
		least := door.Epoch(math.MaxUint64) // that an edge brought which may still bring more
		for _, s := range o.edges {
			if e := s.marker(o.holds(s)); e != 0 {
				s.brought = e
				told = append(told, func() { s.took(e) })
			}
			if !s.closed() {
				least = min(least, s.brought)
			}
		}
		o.edges = slices.DeleteFunc(o.edges, func(s *spout) bool { return s.closed() && s.held() == Credit{} })
		if least <= o.passed || least == math.MaxUint64 {
			return told
		}
		o.passed = least
		o.marks = append(o.marks, passing{epoch: least, before: o.before})
		o.settle()
	}
}

// settle finds out in front of which markers all is delivered.
func (o *Outlet) settle() {
	if o.stages {
		return
	}
	for len(o.marks) > 0 && o.marks[0].before <= o.total.Messages {
		o.over = o.marks[0].epoch
		o.marks = o.marks[1:]
	}
}

// Run is that of what was taken last.
func (o *Outlet) Run() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.took
}

// Committed is the epoch of the last checkpoint.
func (o *Outlet) Committed() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return uint64(o.committed)
}

// commit says that a checkpoint is committed.
func (o *Outlet) commit(e door.Epoch) {
	o.mu.Lock()
	o.committed = e
	o.mu.Unlock()
	o.items.notify()
}

// Staged says that all in front of a marker is safe with the receiver. What is said of a run that is over changes nothing.
func (o *Outlet) Staged(epoch uint64) {
	o.mu.Lock()
	counts := o.stages && o.took == o.run && door.Epoch(epoch) > o.over
	if counts {
		o.over = door.Epoch(epoch)
	}
	o.mu.Unlock()
	if counts {
		o.handed()
	}
}

// handedOver is the last marker in front of which all is delivered.
func (o *Outlet) handedOver() door.Epoch {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.over
}

// rest has the outlet go on from a marker, with executors that will join, in another run. What was taken and is not delivered may still be.
func (o *Outlet) rest(passed door.Epoch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.edges, o.marks, o.passed, o.over, o.committed, o.rests = nil, nil, passed, passed, passed, true
}

// begin says which run begins.
func (o *Outlet) begin(run uint64) {
	o.mu.Lock()
	o.run = run
	o.mu.Unlock()
	o.items.notify()
}

// Epoch is that of what was taken last: one more than the last marker that all executors had written before it.
func (o *Outlet) Epoch() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return uint64(o.epoch)
}

// Full reports whether an executor has no credit: what slows the sources down is what is not delivered.
func (o *Outlet) Full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.edges, func(s *spout) bool { return !s.hasCredit() })
}

// Closed reports whether nothing is left to take and nothing more will come.
func (o *Outlet) Closed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.rests && !slices.ContainsFunc(o.edges, func(s *spout) bool { return !s.closed() })
}

// Delivered says that the next messages, of so many bytes, have left for good. They leave in the order in which they were taken.
func (o *Outlet) Delivered(messages, bytes int) {
	over := o.handedOver()
	for _, back := range o.delivered(messages, bytes) {
		back.edge.giveBack(back.credit)
	}
	if o.handedOver() > over {
		o.handed()
	}
}

// delivered is the credit to give back.
func (o *Outlet) delivered(messages, bytes int) (back []taken) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total.Messages += uint64(messages)
	o.total.Bytes += uint64(bytes)
	o.settle()
	for messages > 0 {
		front := &o.taken[0]
		part := Credit{Messages: min(messages, front.credit.Messages), Bytes: min(bytes, front.credit.Bytes)}
		messages -= part.Messages
		bytes -= part.Bytes
		front.credit.Messages -= part.Messages
		front.credit.Bytes -= part.Bytes
		back = append(back, taken{edge: front.edge, credit: part})
		if front.credit.Messages > 0 {
			break
		}
		o.taken = o.taken[1:]
	}
	return back
}

// undelivered is how many messages are in the outlet, taken or not.
func (o *Outlet) undelivered() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, s := range o.edges {
		n += s.held().Messages
	}
	return n
}

// lag is how many markers behind one the sink is.
func (o *Outlet) lag(e door.Epoch) door.Epoch {
	o.mu.Lock()
	defer o.mu.Unlock()
	return e - min(e, o.passed)
}
