package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/acked"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

const (
	connectFor = 10 * time.Second       // how long a sender tries to connect, unless it is told otherwise
	firstRetry = 50 * time.Millisecond  // pauses between attempts double from the first to the last
	lastRetry  = 500 * time.Millisecond // long enough to be no burden, short enough to be no wait
	firstLook  = time.Millisecond       // pauses between looks for the last acknowledgement double in the same way
	lastLook   = 50 * time.Millisecond
	settleFor  = 200 * time.Millisecond // how long a receiver that has all may take to cut the connection, and be told of
)

// stream is a TCP connection as a sender needs it.
type stream interface {
	net.Conn
	CloseWrite() error
	// unacked is how many bytes the other end has not acknowledged, and whether it never will.
	unacked() (bytes int, lost bool, err error)
}

// tcpStream is the real stream.
type tcpStream struct{ *net.TCPConn }

// dialTCP makes one attempt to connect.
func dialTCP(ctx context.Context, address string) (stream, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return tcpStream{conn.(*net.TCPConn)}, nil
}

func (s tcpStream) unacked() (bytes int, lost bool, err error) {
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, false, err
	}
	return acked.Left(raw)
}

// connection is a stream whose other end is watched. What the other end sends is thrown away.
type connection struct {
	stream
	done  bool          // the end of the stream is written
	ended chan struct{} // closed when the other end will send nothing more
	err   error         // how that was seen: nil is a polite end; for reading once ended is closed
}

// connect tries until there is a connection, the time to retry is over, or the context ends.
func connect(
	ctx context.Context, dial func(context.Context, string) (stream, error), address string, retry time.Duration,
) (*connection, error) {
	var s stream
	err := tryFor(ctx, retry, func(ctx context.Context) (err error) {
		s, err = dial(ctx, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("no connection to %s in %s: %w", address, retry, err)
	}
	return watch(s), nil
}

// tryFor tries until that succeeds, a time is over, or the context ends.
func tryFor(ctx context.Context, retry time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, retry)
	defer cancel()
	var refusal error
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if refusal == nil || ctx.Err() == nil { // else err says only that the time is over
			refusal = err
		}
		if conversation.Lasting(err) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return refusal
		}
	}
}

// watch begins to read what the other end sends, until close.
func watch(s stream) *connection {
	c := &connection{stream: s, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		c.err = discard(c.stream)
	}()
	return c
}

// discard reads to the end. What the other end says is no matter, unless it is that it wants another framing.
func discard(from io.Reader) error {
	began := make([]byte, len(resumable.Magic))
	_, err := io.ReadFull(from, began)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err != nil {
		return err
	}
	if resumable.Begins(began) {
		return errResumable
	}
	_, err = io.Copy(io.Discard, from)
	return err
}

var errResumable = errors.New("the other side speaks the framing resumable, and no other: want --framing resumable, and --stream")

// state is nil as long as the other end may take more, errStop if it has closed its side, or what broke the connection.
func (c *connection) state() error {
	select {
	case <-c.ended:
	default:
		return nil
	}
	if c.err == nil {
		return errStop
	}
	return c.err
}

// finish sends the end of the stream and waits until the other end's kernel has acknowledged all that was written.
func (c *connection) finish(ctx context.Context) error {
	if err := c.CloseWrite(); err != nil {
		return err
	}
	c.done = true
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		left, lost, err := c.left()
		switch {
		case err != nil:
			return err
		case left == 0:
			return nil
		case lost:
			return fmt.Errorf("the connection was cut before the last %d bytes arrived", left)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// left is how many written bytes the other end has not acknowledged, and whether it never will.
func (c *connection) left() (bytes int, lost bool, err error) {
	bytes, lost, err = c.unacked()
	if c.done {
		bytes = max(0, bytes-1) // the end itself counts as one, and its acknowledgement may be late
	}
	return bytes, lost, err
}

// settle waits a moment for the other end, which has acknowledged everything, to close its side. The error is that of a reset: the program
// there has closed the connection without reading all that its kernel had taken, as one does that wants no more connections.
func (c *connection) settle(ctx context.Context) error {
	select {
	case <-c.ended:
		if ctx.Err() == nil { // else it was cut here
			return c.err
		}
	case <-time.After(settleFor):
	case <-ctx.Done():
	}
	return nil
}

// fate tells what is known of what was written, as the meter has counted it. It is for a connection that is not closed here.
func (c *connection) fate(m *meter) string {
	if m.bytes == 0 {
		return "nothing was sent"
	}
	left, _, err := c.left()
	if err != nil {
		return fmt.Sprintf("%s were written: %v", m.total(), err)
	}
	return fmt.Sprintf("%s were written; the receiver's system acknowledged %d bytes, of which its program may not have read all",
		m.total(), m.bytes-int64(left))
}

// close ends the connection and the goroutine that watches it.
func (c *connection) close() {
	_ = c.Close() // all that matters is acknowledged, or lost already
	<-c.ended
}

var errStop = errors.New("the receiver has closed its side of the connection: it wants no more")
