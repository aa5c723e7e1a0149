package load

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// writeSize is how many bytes a Sender that is not paced writes at a time.
const writeSize = 64 << 10

// A Sender sends tapes, each on a connection of its own. Flood, Pace and Close are called one after the other, Sent at any time.
type Sender struct {
	tapes       []*Tape
	connections []net.Conn
	sent        []atomic.Int64 // how many frames each connection has sent
}

// Dial connects to an address once for each tape. The caller closes the sender.
func Dial(ctx context.Context, address string, tapes ...*Tape) (*Sender, error) {
	s := &Sender{tapes: tapes, sent: make([]atomic.Int64, len(tapes))}
	if err := s.dial(ctx, address); err != nil {
		return nil, err
	}
	return s, nil
}

// Redial goes on over new connections to an address where it was on those it has, which it ends. An end that the other side has brought
// about is no error.
func (s *Sender) Redial(ctx context.Context, address string) error {
	_ = s.Close()
	return s.dial(ctx, address)
}

func (s *Sender) dial(ctx context.Context, address string) error {
	var dialer net.Dialer
	s.connections = nil
	for range s.tapes {
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			s.Close()
			return fmt.Errorf("connect to the program under load: %w", err)
		}
		s.connections = append(s.connections, connection)
	}
	return nil
}

// Flood sends so many frames more on each connection, as fast as the other side takes them. It returns when all are written, or when ctx
// ends; after an error the sender is of no more use.
func (s *Sender) Flood(ctx context.Context, frames int) error {
	var group errgroup.Group
	defer s.interruptAtEnd(ctx)()
	for i := range s.connections {
		group.Go(func() error { return s.send(i, s.sentOn(i)+frames) })
	}
	return ended(ctx, group.Wait())
}

// Schedule returns the schedule by which the frames not sent yet are due from start on, so many in a second on all connections together.
func (s *Sender) Schedule(start time.Time, framesPerSecond float64) Schedule {
	return Schedule{start: start, interval: float64(time.Second) / framesPerSecond, connections: len(s.connections), first: s.Sent()}
}

// Sent returns how many frames each connection has sent; while Flood or Pace runs, the first connection, about.
func (s *Sender) Sent() int {
	return s.sentOn(0)
}

// Close ends the connections; what was written before still arrives.
func (s *Sender) Close() error {
	var first error
	for _, connection := range s.connections {
		if err := connection.Close(); err != nil && first == nil {
			first = fmt.Errorf("end the connection to the program under load: %w", err)
		}
	}
	return first
}

// send writes the frames of a connection that come before end.
func (s *Sender) send(connection, end int) error {
	for stretch := range s.tapes[connection].stretches(s.sentOn(connection), end) {
		for len(stretch) > 0 {
			n, err := s.connections[connection].Write(stretch[:min(writeSize, len(stretch))])
			if err != nil {
				return fmt.Errorf("send to the program under load: %w", err)
			}
			stretch = stretch[n:]
		}
	}
	s.sent[connection].Store(int64(end))
	return nil
}

func (s *Sender) sentOn(connection int) int {
	return int(s.sent[connection].Load())
}

// interruptAtEnd makes writes fail from the moment at which ctx ends. The caller calls the result when it writes no more.
func (s *Sender) interruptAtEnd(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() {
		for _, connection := range s.connections {
			_ = connection.SetWriteDeadline(time.Unix(1, 0)) // Only a closed connection refuses, and nobody writes to that.
		}
	})
	return func() { stop() }
}

// ended returns the reason why ctx ended, if that is why there is an error.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
