package worker

import (
	"context"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// Connection is one of a source's, a connector.Connection: what it brings is handed on in order, to one executor at a time, or, where order
// does not bind, to the one with most credit. It is for one goroutine.
type Connection struct {
	inlet *Inlet
	peer  string
	at    int    // the executor that takes its messages; the inlet's lock guards it
	sent  uint64 // messages handed on, on all connections of its stream
	turn  signal // notified when it is its turn to try again
	of    *stream
}

// stream is a stream that connections of a source go on with, one after another.
type stream struct {
	accepted uint64      // messages handed on; the inlet's lock guards it, as it does the one below
	now      *Connection // the last that was opened
}

// Send hands messages on as soon as there is credit. Their memory is the engine's from then on. An error is ctx's, or
// connector.ErrSuperseded.
func (c *Connection) Send(ctx context.Context, brought connector.Batch) error {
	i := c.inlet
	b := message.Batch{
		Sizes: brought.Sizes, Payload: brought.Payload, Ingest: brought.Ingest, Peer: c.peer, Position: c.sent,
	}
	if b.Ingest == 0 {
		b.Ingest = time.Now().UnixNano()
	}
	if c.of == nil {
		i.accepted(&b)
	}
	c.sent += uint64(b.Count())
	for b.Count() > 0 {
		if i.handOn(c, &b) {
			continue
		}
		if i.superseded(c) {
			i.giveUp(c)
			return connector.ErrSuperseded
		}
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
