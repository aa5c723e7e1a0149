package sockets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/acked"
	"github.com/wallaroo-stream/wallaroo/internal/address"
)

// writeBytes is how much is given to the kernel at a time, so that acknowledgements are seen meanwhile.
const writeBytes = 256 << 10

// errOver is a connection whose receiver has gone without acknowledging everything.
var errOver = errors.New("the receiver has closed the connection")

// Sink keeps one connection to its receiver. What the receiver's kernel has not acknowledged it keeps, and sends again, from the
// beginning of a message, on the next connection; it never gives up. So after a cut a receiver may see messages again, and the one that
// was cut in part. Nothing counts as delivered to a receiver of the framing resumable, nor before it is known to speak no such.
type Sink struct {
	id       string
	receiver receiver
	conn     *connection // nil while there is none
	wary     bool        // the receiver spoke the framing resumable when it was last heard
}

// NewSink makes a sink; it does not connect yet.
func NewSink(config connector.Setup, to address.Address) *Sink {
	return &Sink{id: config.ID, receiver: newReceiver(config, to)}
}

// ID is the sink's identity.
func (s *Sink) ID() string { return s.id }

// Connect connects, trying again until ctx is done, whose error it then returns.
func (s *Sink) Connect(ctx context.Context) error {
	return s.connect(ctx, nil, func() bool { return false })
}

// connect tries until ctx is done or, asked each time that notice comes, needless says that there is no need.
func (s *Sink) connect(ctx context.Context, notice <-chan struct{}, needless func() bool) error {
	return s.receiver.reach(ctx, notice, needless, func() error {
		began := time.Now()
		conn, err := s.receiver.dial(ctx, s.receiver.address.String())
		if err != nil {
			return err
		}
		s.conn = newConnection(conn, time.Since(began), s.receiver.log)
		if s.wary {
			return s.trust(ctx)
		}
		return nil
	})
}

// trust waits until a receiver that spoke the framing resumable is one that does not. Until then it counts as away.
func (s *Sink) trust(ctx context.Context) error {
	err := s.conn.await(ctx)
	if err != nil {
		s.Close()
		return err
	}
	s.wary = false
	return nil
}

// Close gives up the connection.
func (s *Sink) Close() {
	if s.conn != nil {
		s.conn.close()
		s.conn = nil
	}
}

// Run delivers what comes through the outlet. Delivered is what the receiver's kernel has acknowledged.
func (s *Sink) Run(ctx context.Context, outlet connector.Outlet) error {
	defer s.Close()
	kept := &retained{outlet: outlet}
	needless := func() bool {
		kept.fetch()
		return kept.bytes() == 0 && outlet.Closed()
	}
	for {
		err := s.deliver(ctx, outlet, kept)
		if err == nil || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = s.conn.why(err)
		s.wary = errors.Is(err, errResumable)
		_ = s.settle(kept) // the kernel still knows what was acknowledged when the connection broke
		s.Close()
		kept.rewind()
		s.receiver.told(err)
		s.receiver.log.Warn("the sink's connection broke; connecting again", "error", err, "kept", kept.bytes())
		err = s.connect(ctx, outlet.Items(), needless)
		if errors.Is(err, errNotNeeded) {
			return nil
		}
		if err != nil {
			return context.Cause(ctx)
		}
	}
}

// deliver writes on the connection until the outlet is closed and all is acknowledged, which is nil, or the connection breaks.
func (s *Sink) deliver(ctx context.Context, outlet connector.Outlet, kept *retained) error {
	conn := s.conn
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })() // it may run when this has returned
	look := newLook()
	defer look.timer.Stop()
	for {
		kept.fetch()
		pieces := kept.unsent(writeBytes)
		if len(pieces) > 0 {
			n, err := pieces.WriteTo(s.conn)
			kept.gave(n)
			if err != nil {
				return err
			}
			look.wrote(n)
		}
		if look.due(outlet) {
			if err := s.settle(kept); err != nil {
				return err
			}
		}
		switch {
		case kept.bytes() == 0 && outlet.Closed():
			return nil
		case len(pieces) > 0 && !outlet.Closed():
			continue // there may be more to write
		}
		if err := s.await(ctx, outlet.Items(), look.next(kept.bytes() > 0, outlet.Closed()), look); err != nil {
			return err
		}
	}
}

// settle lets go of what the receiver's kernel has acknowledged, if the receiver is known to be one that takes it.
func (s *Sink) settle(kept *retained) error {
	if kept.bytes() == 0 {
		return nil
	}
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("look for acknowledgements: %w", err)
	}
	unacked, lost, err := acked.Left(raw)
	if err != nil {
		return fmt.Errorf("look for acknowledgements: %w", err)
	}
	switch s.conn.framing.Load() {
	case plain:
		kept.release(kept.sent - int64(unacked))
	case foreign:
		return errResumable
	}
	if lost { // a reset may have come that wakes nobody: the receiver has closed its side, and there may be nothing to write
		return errOver
	}
	return nil
}

// await returns when there may be something to do: more to write, or an acknowledgement to look for.
func (s *Sink) await(ctx context.Context, items <-chan struct{}, timer <-chan time.Time, look *look) error {
	select {
	case <-items:
		return nil
	case <-timer:
		look.fired()
		return nil
	case <-s.conn.known:
		look.now = true
		return nil
	case err := <-s.conn.broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
