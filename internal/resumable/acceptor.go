package resumable

import (
	"fmt"

	"github.com/wallaroo-stream/wallaroo/connector"
)

// Acceptor is a source's side of one connection of a stream: each message counts once, in its order.
type Acceptor struct{ accepted uint64 }

// NewAcceptor goes on with a stream of which so many messages are accepted. The error is that of a sender whose first message is a later
// one than the next.
func NewAcceptor(hello *StreamHello, accepted uint64) (*Acceptor, error) {
	if hello.First == 0 {
		return nil, fmt.Errorf("%w: messages of a stream have numbers from 1 on", errFrame)
	}
	if hello.First > accepted+1 {
		return nil, fmt.Errorf("%d messages of stream %q are accepted, and its sender begins with message %d: those between are missing",
			accepted, hello.Stream, hello.First)
	}
	return &Acceptor{accepted: accepted}, nil
}

// Accepted is the number of the last message that Take returned, or, before that, of what was accepted on other connections.
func (a *Acceptor) Accepted() uint64 { return a.accepted }

// Take returns the messages that were not accepted before, which may be none. The error is that of missing ones.
func (a *Acceptor) Take(m *Messages) (connector.Batch, error) {
	if m.Number > a.accepted+1 {
		return connector.Batch{}, fmt.Errorf("message %d of the stream came behind message %d: those between are missing", m.Number, a.accepted)
	}
	fresh := m.Batch
	if had := a.accepted + 1 - m.Number; had > 0 {
		fresh.Take(int(min(had, uint64(fresh.Count()))))
	}
	a.accepted += uint64(fresh.Count())
	return fresh, nil
}
