package worker

import (
	"context"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// rewind takes the source back to a position: what was handed on behind it comes again, out of the journal, and all connections wait until
// proceed is called. The lanes are gone.
func (i *Inlet) rewind(to Position, executors int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lanes, i.unsynced, i.replaying, i.next = nil, nil, true, to.Next
	i.most = i.accepts()
	i.messages.Store(to.Accepted)
	i.bytes.Store(to.Bytes)
	for _, s := range i.streams {
		s.accepted, s.kept = 0, 0
	}
	for name, accepted := range to.Streams {
		s := i.stream(name)
		s.accepted, s.kept = accepted, accepted
	}
	i.repin(executors)
}

// replayed is the connection that brings again what one brought before: to the executor that takes what that one, or its stream, goes on
// with.
func (i *Inlet) replayed(r *journal.Record) *Connection {
	i.mu.Lock()
	defer i.mu.Unlock()
	at := i.idlest()
	for _, other := range i.connections {
		if other.number == r.Connection {
			at = other.home
		}
	}
	var of *stream
	if r.Stream != "" {
		of = i.stream(r.Stream)
		at = of.home
	}
	c := i.connect(r.Peer, at)
	c.replays, c.stream, c.name = true, of, r.Stream
	return c
}

// replay hands a record of the journal on, whole, if its lane has credit; if not, the connection's turn will be told. Of a stream it counts
// if it is what comes next.
func (i *Inlet) replay(c *Connection, r *journal.Record) (bool, error) {
	i.mu.Lock()
	if c.stream != nil && r.First != c.stream.kept {
		defer i.mu.Unlock()
		return false, fmt.Errorf("record %d of the journal has message %d of stream %q, where message %d should come",
			r.Number, r.First, r.Stream, c.stream.kept)
	}
	lane := i.lane(c)
	if lane == nil {
		i.waiting = append(i.waiting, c)
		i.mu.Unlock()
		return false, nil
	}
	if c.stream != nil {
		c.stream.kept += uint64(len(r.Sizes))
	}
	i.next = r.Number + 1
	i.put(c, lane, message.Batch{Sizes: r.Sizes, Payload: r.Payload, Ingest: r.Ingest, Peer: r.Peer, Position: r.First})
	return true, nil
}

// proceed has the connections hand on again: all that the journal holds is.
func (i *Inlet) proceed() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.replaying = false
	for _, c := range i.waiting {
		c.turn.notify()
	}
	i.waiting = nil
}

// replay hands a record of the journal on as soon as there is credit.
func (c *Connection) replay(ctx context.Context, r *journal.Record) error {
	for {
		handed, err := c.inlet.replay(c, r)
		if handed || err != nil {
			return err
		}
		if err := c.await(ctx); err != nil {
			return err
		}
	}
}
