package worker

import (
	"context"
	"errors"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// Connection is one of a source's, a connector.Connection: what it brings is handed on in order, to one executor at a time, or, where order
// does not bind, to the one with most credit. It is for one goroutine.
type Connection struct {
	inlet   *Inlet
	peer    string
	home    *home  // guarded by the inlet's lock
	sent    uint64 // messages handed on
	number  uint64 // in the journal; 0 if it has none yet
	stream  *stream
	name    string // of the stream
	replays bool   // what it brings is in the journal
	turn    signal // notified when it is its turn to try again
}

// roomPoll is how often it is tried whether there is room on the disk again.
const roomPoll = 200 * time.Millisecond

// Send hands messages on as soon as there is credit, and room in the journal. Their memory is the engine's from then on. An error is ctx's,
// or that of a journal that cannot be written.
func (c *Connection) Send(ctx context.Context, brought connector.Batch) error {
	b := message.Batch{
		Sizes: brought.Sizes, Payload: brought.Payload, Ingest: brought.Ingest, Peer: c.peer, Position: c.sent,
	}
	if b.Ingest == 0 {
		b.Ingest = time.Now().UnixNano()
	}
	c.sent += uint64(b.Count())
	for b.Count() > 0 {
		handed, err := c.inlet.handOn(c, &b)
		switch {
		case handed && err == nil:
			continue
		case errors.Is(err, journal.ErrNoRoom):
			c.inlet.worker.account.noRoom(err)
			c.inlet.worker.cramped.notify()
			time.AfterFunc(roomPoll, c.turn.notify)
		case errors.Is(err, connector.ErrSuperseded):
			return err
		case err != nil:
			c.inlet.worker.fail(err)
			return err
		}
		if err := c.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// await returns when it is the connection's turn.
func (c *Connection) await(ctx context.Context) error {
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		c.inlet.giveUp(c)
		return ctx.Err()
	}
}

// record is a batch as the journal keeps it.
func (c *Connection) record(b *message.Batch) *journal.Record {
	if c.number == 0 {
		c.number = c.inlet.worker.config.Keep.Journal.Connect()
	}
	return &journal.Record{
		Source: c.inlet.source, Peer: c.peer, Connection: c.number, Stream: c.name, First: b.Position,
		Ingest: b.Ingest, Sizes: b.Sizes, Payload: b.Payload,
	}
}

// Close ends the connection. What it has sent is the engine's.
func (c *Connection) Close() { c.inlet.close(c) }
