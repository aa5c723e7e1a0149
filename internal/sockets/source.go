package sockets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// Source accepts connections and hands on the messages in them.
type Source struct {
	config   connector.Setup
	address  address.Address
	framing  framing.Framing
	listener *net.TCPListener
	streams  *streams // nil but in the framing resumable
}

// NewSource makes a source; it does not listen yet.
func NewSource(config connector.Setup, at address.Address, f framing.Framing) *Source {
	config.Log = config.Log.With("source", config.ID)
	return &Source{config: config, address: at, framing: f}
}

// ID is the source's identity.
func (s *Source) ID() string { return s.config.ID }

// Listen claims the address. The error is a *connector.ListenError.
func (s *Source) Listen() (string, error) {
	listener, err := address.Listen(s.address, "--in, or where the application names it")
	if err != nil {
		return "", &connector.ListenError{Source: s.config.ID, Err: err}
	}
	s.listener = listener
	return listener.Addr().String(), nil
}

// Close gives the address up.
func (s *Source) Close() {
	if s.listener != nil {
		s.listener.Close()
	}
}

// Run accepts connections until stop is done, and those that had come by then. Then it closes its side of each, so that senders see the
// end, and reads on until they close theirs or DrainTimeout is over: closing a socket with unread bytes in it would lose what the sender
// believes sent.
func (s *Source) Run(ctx, stop context.Context, inlet connector.Inlet) error {
	defer s.Close()
	defer context.AfterFunc(stop, func() { _ = s.listener.SetDeadline(time.Now().Add(backlogTime)) })()
	defer context.AfterFunc(ctx, s.Close)()
	var connections sync.WaitGroup
	defer connections.Wait()
	places := make(chan struct{}, s.config.MaxConnections)
	for {
		conn, err := s.listener.AcceptTCP()
		switch {
		case err == nil:
			s.admit(ctx, stop, conn, inlet, places, &connections)
		case stop.Err() != nil || ctx.Err() != nil:
			return nil
		default:
			if err := s.acceptFailed(ctx, stop, err); err != nil {
				return err
			}
		}
	}
}

// admit serves a connection if there is a place for it.
func (s *Source) admit(
	ctx, stop context.Context, conn *net.TCPConn, inlet connector.Inlet, places chan struct{}, connections *sync.WaitGroup,
) {
	select {
	case places <- struct{}{}:
		giveUpPlace := func() { <-places }
		if s.streams == nil {
			connections.Go(func() { s.serve(ctx, stop, conn, inlet, giveUpPlace) })
			return
		}
		number := s.streams.came()
		connections.Go(func() { s.serveStream(ctx, stop, conn, number, inlet, giveUpPlace) })
	default:
		inlet.Refused()
		s.config.Log.Warn("connection refused: --max-connections reached", "peer", conn.RemoteAddr().String(), "max", s.config.MaxConnections)
		conn.Close()
	}
}

// acceptFailed waits out what passes, such as too many open files; everything else is the end of the source.
func (s *Source) acceptFailed(ctx, stop context.Context, err error) error {
	passing := errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) ||
		errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ECONNABORTED)
	if !passing {
		return fmt.Errorf("source %q: accept: %w", s.config.ID, err)
	}
	s.config.Log.Error("cannot accept a connection; trying again", "error", err)
	select {
	case <-time.After(acceptPause):
	case <-stop.Done():
	case <-ctx.Done():
	}
	return nil
}

const (
	// acceptPause is how long a source waits for open files or memory to come free.
	acceptPause = 100 * time.Millisecond
	// backlogTime is how long a source that was asked to stop takes connections that wait to be accepted: their senders believe them open.
	backlogTime = 50 * time.Millisecond
)

// serve hands on what a connection brings. Its place is given up before the log tells of its end: whoever reads that may connect.
func (s *Source) serve(ctx, stop context.Context, conn *net.TCPConn, inlet connector.Inlet, giveUpPlace func()) {
	defer conn.Close()
	peer := conn.RemoteAddr().String()
	log := s.config.Log.With("peer", peer)
	log.Info("connection opened")
	// Asked to stop: end our side, and read what is on its way for a while. ctx done: at once.
	defer context.AfterFunc(stop, func() {
		_ = conn.CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(s.config.DrainTimeout))
	})()
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })()
	r := newReader(conn, s.framing, s.config.MaxMessage)
	to := inlet.Connect(peer)
	defer to.Close()
	err := r.handOn(ctx, to)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	giveUpPlace()
	if !s.tell(log.With("messages", r.messages, "bytes", r.bytes), conn, r, err) {
		inlet.Refused()
	}
}

// tell logs how a connection ended; it reports whether what it brought was in order.
func (s *Source) tell(log *slog.Logger, conn *net.TCPConn, r *reader, err error) bool {
	frame, wrong := errors.AsType[*cutError](err)
	timeout, network := errors.AsType[net.Error](err)
	switch {
	case err == nil && r.rest() == 0:
		log.Info("connection closed")
	case err == nil:
		log.Warn("connection cut inside a message, which is dropped", "rest", r.rest())
		return false
	case wrong:
		log.Error("connection ended: "+frame.Error(), "position", r.messages)
		return false
	case errors.Is(err, context.Canceled):
		log.Warn("connection cut: the application ended", "unread", unread(conn)+r.rest())
	case network && timeout.Timeout():
		log.Warn("connection cut: its sender did not close it in time; what it sends from now on is lost",
			"drain_timeout", s.config.DrainTimeout, "unread", unread(conn)+r.rest())
	default:
		log.Warn("connection broken", "error", err, "rest", r.rest())
		return r.rest() == 0
	}
	return true
}
