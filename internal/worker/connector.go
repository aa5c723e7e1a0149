package worker

import (
	"context"

	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// Source brings messages in from outside.
type Source interface {
	// ID is the source's identity, PIPELINE/NAME.
	ID() string
	// Listen claims the source's address and returns it as it is, the port that the system chose in it. Nothing is accepted yet.
	Listen() (string, error)
	// Close gives up the address. It does no harm when Run has done it, or Listen has not succeeded.
	Close()
	// Run accepts messages and hands them on until stop is done; then it ends politely, in a time of its own, and returns when its
	// connections are closed. It gives up at once when ctx is done. An error is a failure of the source as a whole, not of a connection.
	Run(ctx, stop context.Context, inlet *Inlet) error
}

// Sink takes results outside.
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

// Connection is one of a source's: what it brings is handed on in order, to one executor at a time, or, where order does not bind, to the
// one with most credit. It is for one goroutine.
type Connection struct {
	inlet *Inlet
	peer  string
	at    int    // the executor that takes its messages; the inlet's lock guards it
	sent  uint64 // messages handed on
	turn  signal // notified when it is its turn to try again
}

// Send hands messages on as soon as there is credit. Their memory is the engine's from then on. An error is ctx's.
func (c *Connection) Send(ctx context.Context, b message.Batch) error {
	i := c.inlet
	i.accepted(&b)
	b.Peer, b.Position = c.peer, c.sent
	c.sent += uint64(b.Count())
	for !i.handOn(c, b) {
		select {
		case <-c.turn:
		case <-ctx.Done():
			i.giveUp(c)
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the connection. What it has sent is the engine's.
func (c *Connection) Close() { c.inlet.close(c) }
