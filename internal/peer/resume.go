package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

// What a sender keeps in memory until it is acknowledged: while it is as much, no more of the input is read.
const (
	keptBytes    = 16 << 20
	keptMessages = 256 << 10
)

// resuming is one Run's way through the input as a stream, on one connection after another.
type resuming struct {
	hello    resumable.StreamHello
	open     func(context.Context) (*conversation.Connection, *resumable.Welcome, error)
	meter    *meter
	input    *ahead
	split    splitter
	schedule schedule

	window *resumable.Window // nil before the first welcome
	skip   uint64            // messages at the front of the input that were accepted before it
	read   uint64            // messages of the input that are skipped, or in the window
	has    bool              // there is a piece that is cut into messages
	piece  piece
	rest   []byte // of it
	all    bool   // the input has ended
	failed error  // what is wrong with the input; what stood before is sent
}

// resume sends the input as a stream.
func (s *Sender) resume(ctx context.Context, meter *meter) error {
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &resuming{
		hello:    resumable.StreamHello{Stream: s.config.Stream, First: 1},
		open:     s.openStream,
		meter:    meter,
		input:    readAhead(reading, s.config.Input, s.config.Repeat),
		split:    newSplitter(s.config.Framing, s.config.Format),
		schedule: schedule{rate: s.config.Rate, start: time.Now()},
	}
	meter.show()
	err := r.run(ctx)
	meter.mark()
	meter.halt()
	if err == nil {
		err = r.failed
	}
	if err != nil {
		accepted := uint64(0)
		if r.window != nil {
			accepted = r.window.Acked()
		}
		err = fmt.Errorf("%w; %d messages of stream %q are known to be accepted", s.explain(ctx, err), accepted, s.config.Stream)
	}
	switch {
	case r.skip == 1:
		meter.note("1 message was accepted before")
	case r.skip > 1:
		meter.note("%d messages were accepted before", r.skip)
	}
	meter.note("%s", meter.summary())
	return err
}

// openStream connects and says hello, trying again for as long as may be.
func (s *Sender) openStream(ctx context.Context) (c *conversation.Connection, welcome *resumable.Welcome, err error) {
	to := s.config.To.String()
	hello := &resumable.StreamHello{Stream: s.config.Stream, First: 1}
	err = tryFor(ctx, s.config.Retry, func(trying context.Context) error {
		conn, err := s.dial(trying, to)
		if err != nil {
			return err
		}
		c, welcome, err = conversation.Open(ctx, conn.(tcpStream).TCPConn, hello)
		return err
	})
	switch {
	case err == nil:
		return c, welcome, nil
	case conversation.Lasting(err):
		return nil, nil, fmt.Errorf("%s refuses the stream: %w", to, err)
	}
	return nil, nil, fmt.Errorf("no connection to %s in %s: %w", to, s.config.Retry, err)
}

// run goes on until all is acknowledged, connecting again when a connection is lost.
func (r *resuming) run(ctx context.Context) error {
	for {
		conn, welcome, err := r.open(ctx)
		if err != nil {
			return err
		}
		if err := r.welcomed(welcome); err != nil {
			conn.Close()
			return err
		}
		err = r.converse(ctx, conn)
		conn.Close()
		if err == nil || ctx.Err() != nil || conversation.Lasting(err) || errors.As(err, new(*inputError)) {
			return err
		}
		r.meter.note("the connection is lost, connecting again: %v", lost(err))
	}
}

// lost says of an end in order what it means.
func lost(err error) error {
	if conversation.Ended(err) {
		return errors.New("the source has closed its side")
	}
	return err
}

// inputError is an input that is not that of its stream.
type inputError struct{ error }

// welcomed goes on behind what the source has accepted.
func (r *resuming) welcomed(welcome *resumable.Welcome) error {
	if r.window == nil {
		r.skip = welcome.Number
		r.window = resumable.NewStreamWindow(r.skip)
	}
	return r.acked(r.window.Resume(welcome))
}

// acked counts what an acknowledgement brought.
func (r *resuming) acked(messages, bytes int, err error) error {
	if err != nil {
		return &inputError{fmt.Errorf("stream %q: %w", r.hello.Stream, err)}
	}
	if messages > 0 {
		r.meter.add(int64(messages), int64(bytes))
	}
	return nil
}

// converse sends on one connection until all is acknowledged, which is nil, or the connection is lost.
func (r *resuming) converse(ctx context.Context, conn *conversation.Connection) error {
	for {
		r.fill()
		for f := r.window.Next(); f != nil; f = r.window.Next() {
			if err := conn.Say(f); err != nil {
				return err
			}
		}
		if err := conn.Flush(); err != nil {
			return err
		}
		if r.all && r.window.Empty() {
			return r.end(conn)
		}
		var pieces <-chan piece
		var due <-chan time.Time
		if !r.all && !r.isFull() {
			if r.has {
				due = time.After(r.schedule.wait())
			} else {
				pieces = r.input.pieces
			}
		}
		select {
		case p, more := <-pieces:
			r.piece, r.rest, r.has, r.all = p, p.data, more, !more
		case <-due:
		case <-conn.News():
			ack, ended := conn.Heard()
			if ack != nil {
				if err := r.acked(r.window.Ack(ack)); err != nil {
					return err
				}
			}
			if ended != nil {
				return ended
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end tells the source that there is no more, and waits until it has seen that.
func (r *resuming) end(conn *conversation.Connection) error {
	if r.read < r.skip && r.failed == nil {
		return &inputError{fmt.Errorf("the source has accepted %d messages of stream %q, and the input has only %d: it is another stream's",
			r.skip, r.hello.Stream, r.read)}
	}
	_ = conn.CloseWrite() // all is accepted
	return nil
}

// isFull reports whether as much is kept as may be.
func (r *resuming) isFull() bool {
	return r.window.Bytes() >= keptBytes || r.window.Last()-r.window.Acked() >= keptMessages
}

// fill puts the messages of the piece that are due into the window, as many as have room.
func (r *resuming) fill() {
	var b connector.Batch
	for r.has && !r.isFull() && len(b.Payload) < writeSize && (r.read < r.skip || r.schedule.wait() <= 0) {
		message, whole, err := r.next()
		if err != nil {
			r.failed, r.all, r.has = err, true, false
			break
		}
		if !whole {
			continue
		}
		if r.read++; r.read > r.skip {
			if r.schedule.next == 0 { // time counts from the first message on
				r.meter.mark()
			}
			r.schedule.pass()
			b.Append(message)
		}
	}
	r.window.Add(0, b)
}

// next takes the next bytes of the piece, up to the end of a message, or its end.
func (r *resuming) next() (message []byte, whole bool, err error) {
	if len(r.rest) > 0 {
		message, whole, used, err := r.split.next(r.rest)
		r.rest = r.rest[used:]
		return message, whole, err
	}
	r.has = false
	r.input.release(r.piece)
	switch {
	case errors.Is(r.piece.err, io.EOF):
		return r.split.last()
	case r.piece.err != nil:
		return nil, false, fmt.Errorf("read the input: %w", r.piece.err)
	}
	return nil, false, nil
}
