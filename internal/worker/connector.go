package worker

import (
	"context"

	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// Source brings a pipeline's messages in from outside.
type Source interface {
	// ID is the source's identity, PIPELINE/NAME.
	ID() string
	// Listen claims the source's address and returns it as it is, the port that the system chose in it. Nothing is accepted yet.
	Listen() (string, error)
	// Close gives up the address. It does no harm when Run has done it, or Listen has not succeeded.
	Close()
	// Run accepts messages and hands them on until stop is done; then it ends politely, in a time of its own, and returns when its lanes are
	// closed. It gives up at once when ctx is done. An error is a failure of the source as a whole, not of a connection.
	Run(ctx, stop context.Context, inlet *Inlet) error
}

// Sink takes a pipeline's results outside.
type Sink interface {
	// ID is the sink's identity, PIPELINE/NAME.
	ID() string
	// Connect returns when the sink has connected for the first time; it tries until ctx is done.
	Connect(ctx context.Context) error
	// Run writes what comes through the outlet until that is closed and all of it is delivered, or ctx is done.
	Run(ctx context.Context, outlet *Outlet) error
	// Close gives up the connection. It does no harm when there is none.
	Close()
}

// Inlet is where a source hands on: it opens a lane for each connection.
type Inlet struct {
	loop     *loop
	pipeline int
}

// Lane opens a lane for the peer of that name, as it stands in logs. Only one goroutine may use it.
func (i *Inlet) Lane(peer string) *Lane {
	return i.loop.openLane(i.pipeline, peer)
}

// Refused counts a connection, or a message, that was refused for what it brought.
func (i *Inlet) Refused() { i.loop.refused.Add(1) }

// Lane is what one connection of a source sends to an executor: one order.
type Lane struct {
	loop     *loop
	edge     *Edge
	room     signal // notified when the edge has credit again
	settled  signal // notified when nothing of the lane's is in the edge any more
	pipeline int
	peer     string
	ready    bool   // stands in the loop's queue of lanes that hold something; the inbox's lock guards it
	taken    uint64 // how many of its messages the loop has taken; the loop's own
}

// Send hands messages on as soon as the lane has credit. Their memory is the engine's from then on. An error is ctx's.
func (l *Lane) Send(ctx context.Context, b message.Batch) error {
	l.loop.accepted.Add(uint64(b.Count()))
	for !l.edge.hasCredit() {
		select {
		case <-l.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.edge.write(b)
	return nil
}

// Settle returns when all that was sent is processed, or ctx is done. Until then the lane's memory is in use.
func (l *Lane) Settle(ctx context.Context) {
	for l.edge.messages() > 0 {
		select {
		case <-l.settled:
		case <-ctx.Done():
			return
		}
	}
}

// Outlet is where a sink gets a pipeline's results.
type Outlet struct {
	edge  *Edge
	items signal
}

// Items is notified when there may be something to Take, or the outlet was closed.
func (o *Outlet) Items() <-chan struct{} { return o.items }

// Take returns the next batch; false when there is none now. It counts as undelivered until Delivered says otherwise.
func (o *Outlet) Take() (message.Batch, bool) {
	return o.edge.take(unlimited)
}

// Full reports whether the outlet has no credit: what slows the pipeline down is what is not delivered.
func (o *Outlet) Full() bool { return !o.edge.hasCredit() }

// Closed reports whether nothing is left to take and nothing more will come.
func (o *Outlet) Closed() bool { return o.edge.closed() }

// Delivered says that messages of so many bytes have left for good.
func (o *Outlet) Delivered(messages, bytes int) {
	o.edge.giveBack(Credit{Messages: messages, Bytes: bytes})
}
