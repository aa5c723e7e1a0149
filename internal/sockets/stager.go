package sockets

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

// Stager is a sink of the framing resumable. Its receiver keeps output apart until it is told that its epoch is committed; what the
// receiver has not acknowledged is sent again on the next connection. It never gives up.
type Stager struct {
	receiver receiver
	hello    resumable.SinkHello
	window   *resumable.Window
	raw      *net.TCPConn // is connected, and has said nothing; nil later
	conn     *conversation.Connection
	told     resumable.Said // on the connection
	has      resumable.Said // what the receiver is known to have heard
}

// NewStager makes a sink; it does not connect yet.
func NewStager(config connector.Setup, to address.Address) *Stager {
	lane := make([]byte, 8)
	_, _ = rand.Read(lane) // never fails
	return &Stager{
		receiver: newReceiver(config, to),
		hello:    resumable.SinkHello{Cluster: config.Cluster, Sink: config.ID, Lane: hex.EncodeToString(lane)},
		window:   resumable.NewSinkWindow(1),
	}
}

// ID is the sink's identity.
func (s *Stager) ID() string { return s.hello.Sink }

// Stages marks it.
func (s *Stager) Stages() {}

// Connect connects, trying again until ctx is done, whose error it then returns. It says nothing yet: Run knows the run.
func (s *Stager) Connect(ctx context.Context) error {
	return s.receiver.reach(ctx, nil, func() bool { return false }, func() (err error) {
		s.raw, err = s.receiver.dial(ctx, s.receiver.address.String())
		return err
	})
}

// Close gives up the connection.
func (s *Stager) Close() {
	if s.raw != nil {
		_ = s.raw.Close()
		s.raw = nil
	}
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// Run delivers what comes through the outlet, until that is closed and the receiver has all of it, and has heard what is committed.
// Delivered is what the receiver keeps safe.
func (s *Stager) Run(ctx context.Context, outlet connector.Outlet) error {
	defer s.Close()
	needless := func() bool { return s.done(outlet, s.fetch(outlet)) }
	for {
		err := s.receiver.reach(ctx, outlet.Items(), needless, func() error { return s.greet(ctx, outlet) })
		if errors.Is(err, errNotNeeded) {
			return nil
		}
		if err == nil {
			err = s.deliver(ctx, outlet)
		}
		if err == nil || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.Close()
		s.receiver.told(err)
		s.receiver.log.Warn("the sink's connection broke; connecting again", "error", err, "kept", s.window.Bytes())
	}
}

// done reports whether nothing is left to do: nothing more comes, and the receiver has all of it, and has heard what is to be said.
func (s *Stager) done(outlet connector.Outlet, said resumable.Said) bool {
	return outlet.Closed() && s.window.Empty() && s.has.Run >= said.Run && s.has.Committed >= said.Committed
}

// fetch takes what waits in the outlet, and drops what is void. It returns what is to be said, which is of the window's run.
func (s *Stager) fetch(outlet connector.Outlet) resumable.Said {
	for {
		b, ok := outlet.Take()
		s.enter(outlet, outlet.Run())
		s.window.Mark(outlet.Epoch() - 1)
		if !ok {
			break
		}
		s.window.Add(outlet.Epoch(), b)
	}
	for { // a pair that was so at one time: an epoch that a later run has committed is not to be said of an older one
		said := resumable.Said{Run: outlet.Run(), Committed: outlet.Committed()}
		if outlet.Run() == said.Run {
			s.enter(outlet, said.Run)
			return said
		}
	}
}

// enter begins a run, if it is a greater one. What is kept of the one before is void.
func (s *Stager) enter(outlet connector.Outlet, run uint64) {
	if run > s.window.Run() {
		delivered(outlet)(s.window.Rerun(run))
	}
}

// delivered tells the outlet of messages that have left.
func delivered(outlet connector.Outlet) func(messages, bytes int) {
	return func(messages, bytes int) {
		if messages > 0 {
			outlet.Delivered(messages, bytes)
		}
	}
}

// greet connects, unless there is a connection that has said nothing yet, and says hello.
func (s *Stager) greet(ctx context.Context, outlet connector.Outlet) (err error) {
	raw := s.raw
	if s.raw = nil; raw == nil {
		if raw, err = s.receiver.dial(ctx, s.receiver.address.String()); err != nil {
			return err
		}
	}
	s.hello.Said = s.fetch(outlet)
	conn, welcome, err := conversation.Open(ctx, raw, &s.hello)
	if err != nil {
		return err
	}
	messages, bytes, err := s.window.Resume(welcome)
	if err != nil {
		conn.Close()
		return err
	}
	s.conn, s.told, s.has = conn, s.hello.Said, welcome.Said
	delivered(outlet)(messages, bytes)
	return nil
}

// deliver writes on the connection until the outlet is closed and the receiver has all, which is nil, or the connection breaks.
func (s *Stager) deliver(ctx context.Context, outlet connector.Outlet) error {
	for {
		said := s.fetch(outlet)
		if said != s.told {
			s.told = said
			if err := s.conn.Say(&resumable.Commit{Said: said}); err != nil {
				return err
			}
		}
		for f := s.window.Next(); f != nil; f = s.window.Next() {
			if err := s.conn.Say(f); err != nil {
				return err
			}
		}
		if err := s.conn.Flush(); err != nil {
			return err
		}
		if s.done(outlet, said) {
			return nil
		}
		select {
		case <-outlet.Items():
		case <-s.conn.News():
			if err := s.hear(outlet); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hear takes what the receiver has said.
func (s *Stager) hear(outlet connector.Outlet) error {
	ack, ended := s.conn.Heard()
	if ack == nil {
		return ended
	}
	before := s.window.Staged()
	messages, bytes, err := s.window.Ack(ack)
	if err != nil {
		return err
	}
	s.has = ack.Said
	delivered(outlet)(messages, bytes)
	if staged := s.window.Staged(); staged > before {
		outlet.Staged(staged)
	}
	return ended
}
