package worker

import "github.com/wallaroo-stream/wallaroo/internal/message"

// Outlet is where a sink gets a pipeline's results, those of all executors. It is for one goroutine.
type Outlet struct {
	edges []*Edge // by executor
	items signal
	turn  int
	taken []taken // not delivered, in the order in which they were taken
}

// taken is what was taken of an edge at once and is not delivered.
type taken struct {
	edge   *Edge
	credit Credit
}

// Items is notified when there may be something to Take, or the outlet was closed.
func (o *Outlet) Items() <-chan struct{} { return o.items }

// Take returns the next batch, the executors taking turns; false when there is none now. It counts as undelivered until Delivered says
// otherwise.
func (o *Outlet) Take() (message.Batch, bool) {
	for range o.edges {
		edge := o.edges[o.turn]
		o.turn = (o.turn + 1) % len(o.edges)
		if b, ok := edge.take(unlimited); ok {
			o.taken = append(o.taken, taken{edge: edge, credit: Credit{Messages: b.Count(), Bytes: len(b.Payload)}})
			return b, true
		}
	}
	return message.Batch{}, false
}

// Full reports whether an executor has no credit: what slows the pipeline down is what is not delivered.
func (o *Outlet) Full() bool {
	for _, edge := range o.edges {
		if !edge.hasCredit() {
			return true
		}
	}
	return false
}

// Closed reports whether nothing is left to take and nothing more will come.
func (o *Outlet) Closed() bool {
	for _, edge := range o.edges {
		if !edge.closed() {
			return false
		}
	}
	return true
}

// Delivered says that the next messages, of so many bytes, have left for good. They leave in the order in which they were taken.
func (o *Outlet) Delivered(messages, bytes int) {
	for messages > 0 {
		front := &o.taken[0]
		back := Credit{Messages: min(messages, front.credit.Messages), Bytes: min(bytes, front.credit.Bytes)}
		messages -= back.Messages
		bytes -= back.Bytes
		front.credit.Messages -= back.Messages
		front.credit.Bytes -= back.Bytes
		front.edge.giveBack(back)
		if front.credit.Messages > 0 {
			return
		}
		o.taken = o.taken[1:]
	}
}

// undelivered is how many messages are in the outlet, taken or not.
func (o *Outlet) undelivered() int {
	n := 0
	for _, edge := range o.edges {
		n += edge.messages()
	}
	return n
}
