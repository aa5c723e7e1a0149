package worker

import (
	"context"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/connector"
)

// stream is numbered messages that come by one connection after another.
type stream struct {
	accepted uint64 // messages that were handed on
	kept     uint64 // messages that the journal holds, or, if there is none, that were handed on
	home     *home
	open     *Connection
}

// Resume opens a connection that goes on with a stream.
func (i *Inlet) Resume(ctx context.Context, peer, name string) (connector.Connection, uint64, error) {
	c, last, err := i.resume(ctx, peer, name)
	if err != nil {
		return nil, 0, err
	}
	if keep := i.worker.config.Keep; keep != nil && keep.Sync {
		if _, err := keep.Journal.Sync(last); err != nil {
			i.worker.fail(err)
			return nil, 0, err
		}
	}
	return c, c.sent, nil
}

// resume is Resume, and the number of the last record of the journal. While the journal is read again, it is not known how far the stream
// has come.
func (i *Inlet) resume(ctx context.Context, peer, name string) (c *Connection, last uint64, err error) {
	waits := &Connection{inlet: i, peer: peer, turn: newSignal()}
	i.mu.Lock()
	defer i.mu.Unlock()
	for i.replaying {
		i.waiting = append(i.waiting, waits)
		i.mu.Unlock()
		err := waits.await(ctx)
		i.mu.Lock()
		if err != nil {
			return nil, 0, err
		}
	}
	if ctx.Err() != nil { // another connection may have gone on with the stream since
		return nil, 0, context.Cause(ctx)
	}
	if most := i.worker.config.Limits.Streams; most > 0 && len(i.streams) >= most && i.streams[name] == nil {
		return nil, 0, fmt.Errorf("the stream %q is a new one, and the source remembers %d, which is the most (--max-streams): "+
			"go on with a stream that is known, or let it remember more", name, most)
	}
	s := i.stream(name)
	c = i.connect(peer, s.home)
	c.stream, c.name, c.sent = s, name, s.kept
	if s.open != nil {
		s.open.turn.notify()
	}
	s.open = c
	if keep := i.worker.config.Keep; keep != nil {
		last = keep.Journal.Next() - 1
	}
	return c, last, nil
}

// stream is the one of a name, which begins if it is not known.
func (i *Inlet) stream(name string) *stream {
	s := i.streams[name]
	if s == nil {
		s = &stream{home: i.idlest()}
		if i.streams == nil {
			i.streams = map[string]*stream{}
		}
		i.streams[name] = s
	}
	return s
}

// isSuperseded reports whether the connection's stream goes on by another one.
func (c *Connection) isSuperseded() bool { return c.stream != nil && c.stream.open != c }

// ofStreams is how many messages were handed on of each stream.
func (i *Inlet) ofStreams() map[string]uint64 {
	if len(i.streams) == 0 {
		return nil
	}
	m := make(map[string]uint64, len(i.streams))
	for name, s := range i.streams {
		m[name] = s.accepted
	}
	return m
}
