package sockets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

// ackBytes is how much may be accepted before that is said, though more is at hand.
const ackBytes = 1 << 20

// NewStreamSource makes a source of the framing resumable: its senders name streams, of which each message counts once. It does not listen
// yet.
func NewStreamSource(config connector.Setup, at address.Address) *Source {
	s := NewSource(config, at, framing.Unframed{})
	s.streams = &streams{open: map[string]going{}}
	return s
}

// streams are those of which a connection is open.
type streams struct {
	mu   sync.Mutex
	last uint64           // connection that came; guarded by mu, as is open
	open map[string]going // by name
}

// going is the connection that goes on with a stream.
type going struct {
	number uint64 // by which it came
	end    context.CancelCauseFunc
}

// came counts a connection. A source that is slow to accept finds several of one stream, and those of senders that are gone come first.
func (s *streams) came() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	return s.last
}

// begin ends the connection that goes on with a stream, and notes the one that does so now. ErrSuperseded says that the former came later.
func (s *streams) begin(name string, now going) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	former, is := s.open[name]
	if is && former.number > now.number {
		return connector.ErrSuperseded
	}
	if is {
		former.end(connector.ErrSuperseded)
	}
	s.open[name] = now
	return nil
}

// end forgets a connection that has ended, unless another one goes on with the stream.
func (s *streams) end(name string, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[name].number == number {
		delete(s.open, name)
	}
}

// streamConnection is one connection of a sender.
type streamConnection struct {
	conn     *net.TCPConn
	number   uint64 // by which it came
	reader   *resumable.Reader
	unsaid   []byte // of the preamble
	stream   string
	acceptor *resumable.Acceptor // nil before the welcome
	first    uint64              // how many messages were accepted before
	accepted uint64              // and are now
	bytes    int                 // of messages that are accepted and not acknowledged
}

// serveStream hands on what a connection brings of its stream, until it ends, or the source does: what is not acknowledged by then its
// sender sends again.
func (s *Source) serveStream(ctx, stop context.Context, conn *net.TCPConn, number uint64, inlet connector.Inlet, giveUpPlace func()) {
	defer conn.Close()
	peer := conn.RemoteAddr().String()
	log := s.config.Log.With("peer", peer)
	log.Info("connection opened")
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	silence := func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0))
		_ = conn.SetWriteDeadline(time.Now().Add(writeTime))
	}
	defer context.AfterFunc(stop, silence)()
	defer context.AfterFunc(ctx, silence)()
	c := &streamConnection{conn: conn, number: number, reader: resumable.NewReader(conn, s.config.MaxMessage)}
	err := s.converse(ctx, c, inlet, end)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	giveUpPlace()
	if c.acceptor != nil {
		log = log.With("stream", c.stream, "messages", c.accepted-c.first, "accepted", c.accepted)
	}
	switch {
	case errors.Is(err, io.EOF):
		log.Info("connection closed")
	case stop.Err() != nil || errors.Is(err, context.Canceled):
		log.Info("connection ended: the application ends; its sender may go on when it runs again")
		if c.acceptor != nil && c.acknowledge() == nil {
			_ = conn.CloseWrite()
		}
	case errors.As(err, new(*net.OpError)) || errors.Is(err, io.ErrUnexpectedEOF):
		log.Warn("connection broken; its sender may go on", "error", err)
	case errors.Is(err, connector.ErrSuperseded):
		log.Warn("connection ended: " + err.Error())
		conversation.Refuse(conn, c.unsaid, &resumable.RefusalError{Reason: err.Error()})
	default:
		log.Error("connection refused: " + err.Error())
		inlet.Refused()
		conversation.Refuse(conn, c.unsaid, &resumable.RefusalError{Reason: err.Error()})
	}
}

// writeTime is how long an acknowledgement may take when the source ends.
const writeTime = time.Second

// converse greets a sender and takes what it says. The error tells how that ended: io.EOF is an end in order.
func (s *Source) converse(ctx context.Context, c *streamConnection, inlet connector.Inlet, end context.CancelCauseFunc) error {
	f, unsaid, err := conversation.Listen(c.conn, c.reader)
	c.unsaid = unsaid
	if err != nil {
		return err
	}
	hello, is := f.(*resumable.StreamHello)
	if !is || hello.Stream == "" {
		return errors.New("it names no stream: it is no sender to a source")
	}
	c.stream = hello.Stream
	if err := s.streams.begin(c.stream, going{c.number, end}); err != nil {
		return err
	}
	defer s.streams.end(c.stream, c.number)
	to, accepted, err := inlet.Resume(ctx, c.conn.RemoteAddr().String(), c.stream)
	if err != nil {
		return err
	}
	defer to.Close()
	acceptor, err := resumable.NewAcceptor(hello, accepted)
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(resumable.Append(c.unsaid, &resumable.Welcome{Number: accepted})); err != nil {
		return err
	}
	c.unsaid = nil
	for c.acceptor, c.first, c.accepted = acceptor, accepted, accepted; ; {
		f, err := c.reader.Next()
		if err == nil {
			err = c.take(ctx, f, to)
		}
		if err != nil {
			return err
		}
	}
}

// take hands on the messages of a frame, and says so when nothing more is at hand.
func (c *streamConnection) take(ctx context.Context, f resumable.Frame, to connector.Connection) error {
	m, is := f.(*resumable.Messages)
	if !is {
		return fmt.Errorf("it says a %T, which is not a sender's to say", f)
	}
	fresh, err := c.acceptor.Take(m)
	if err != nil {
		return err
	}
	if fresh.Count() > 0 {
		c.bytes += len(fresh.Payload) + 4*fresh.Count()
		fresh.Ingest = time.Now().UnixNano()
		if err := to.Send(ctx, fresh); err != nil {
			return err
		}
	}
	c.accepted = c.acceptor.Accepted()
	if c.reader.AtHand() && c.bytes < ackBytes {
		return nil
	}
	return c.acknowledge()
}

// acknowledge says how much is accepted.
func (c *streamConnection) acknowledge() error {
	c.bytes = 0
	_, err := c.conn.Write(resumable.Append(nil, &resumable.Ack{Number: c.accepted}))
	return err
}

// errStranger is the error of a connection that speaks the framing resumable to a source that does not.
var errStranger = errors.New("its sender speaks the framing resumable, and the source another one: give either the other's")

// refuseStranger tells a sender of the framing resumable that the source speaks another one.
func refuseStranger(conn net.Conn) error {
	if tcp, is := conn.(*net.TCPConn); is {
		conversation.Refuse(tcp, resumable.Preamble(), &resumable.RefusalError{Reason: "the source does not take the framing resumable"})
	}
	return &cutError{errStranger}
}
