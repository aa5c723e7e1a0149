package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

const (
	firstSize  = 4 << 10 // a connection's buffer at first: of many connections most send little
	keepSize   = 1 << 20 // what a buffer shrinks to when a long message has gone through
	maxMessage = 1 << 30 // bytes of a message that a receiver takes; it bounds the memory of a connection
)

// incoming is one connection to a Receiver. It hands on whole messages and keeps the beginning of one that is not whole.
type incoming struct {
	conn   *net.TCPConn
	raw    syscall.RawConn
	output *output
	take   taker
	buffer []byte // buffer[:end] is the beginning of a message, or what was just read behind it
	end    int
	met    bool // the first bytes have come
}

var errForeign = errors.New("the receiver does not take the framing resumable: it is for --framing resumable")

func newIncoming(conn *net.TCPConn, kind framing.Kind, output *output) (*incoming, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &incoming{conn: conn, raw: raw, output: output, take: newTaker(kind, output), buffer: make([]byte, firstSize)}, nil
}

// serve hands on messages until the connection's end, which is nil, or until the context ends; then what has arrived is still handed on.
// The error says what broke the connection or ended the output, or that a message was not whole at the end.
func (c *incoming) serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })() // ends a read that waits
	c.output.enter()
	defer c.output.leave()
	for ctx.Err() == nil {
		n, err := c.read()
		if err := c.handOn(n); err != nil {
			return err
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return c.finish(err)
		}
	}
	if err := c.output.failed(); err != nil {
		return err
	}
	return c.drain()
}

// drain hands on what had arrived when it is called.
func (c *incoming) drain() error {
	left, err := c.arrived()
	for err == nil && left >= 0 { // at 0 once more, for the connection may have ended
		var n int
		n, err = c.tryRead()
		if err := c.handOn(n); err != nil {
			return err
		}
		left -= n
	}
	if err == nil || errors.Is(err, unix.EAGAIN) {
		err = errStopped
	}
	return c.finish(err)
}

var errStopped = errors.New("stopped")

// finish deals with the beginning of a message when the connection has ended: by io.EOF, or broken by another error.
func (c *incoming) finish(err error) error {
	rest := c.buffer[:c.end]
	c.end = 0
	if errors.Is(err, io.EOF) {
		return c.take.last(rest)
	}
	if cause, ok := errors.AsType[syscall.Errno](err); ok {
		err = fmt.Errorf("cut (%w)", cause)
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%w inside a message: the %d bytes that had come of it are dropped", err, len(rest))
	case errors.Is(err, errStopped):
		return nil
	}
	return err
}

// read reads what is there, or waits for it, and is not busy meanwhile.
func (c *incoming) read() (int, error) {
	n, err := c.tryRead()
	if !errors.Is(err, unix.EAGAIN) {
		return n, err
	}
	c.output.leave()
	defer c.output.enter()
	return c.conn.Read(c.buffer[c.end:])
}

// tryRead reads what is there; if that is nothing, the error is EAGAIN.
func (c *incoming) tryRead() (n int, err error) {
	controlErr := c.raw.Control(func(fd uintptr) {
		for err = unix.EINTR; errors.Is(err, unix.EINTR); {
			n, err = unix.Read(int(fd), c.buffer[c.end:])
		}
	})
	switch {
	case controlErr != nil:
		return 0, controlErr
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// arrived is how many bytes wait to be read.
func (c *incoming) arrived() (n int, err error) {
	if err := c.raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); err != nil {
		return 0, err
	}
	return n, err
}

// handOn hands on the messages that the next n bytes of the buffer make whole, and makes room for more.
func (c *incoming) handOn(n int) error {
	if n == 0 {
		return nil
	}
	c.end += n
	if !c.met {
		c.met = true
		if resumable.Begins(c.buffer[:c.end]) {
			conversation.Refuse(c.conn, resumable.Preamble(), &resumable.RefusalError{Reason: errForeign.Error()})
			return errForeign
		}
	}
	used, err := c.take.whole(c.buffer[:c.end], n)
	if err != nil {
		return err
	}
	rest := c.buffer[used:c.end]
	size := c.roomFor(len(rest))
	if used == 0 && size == len(c.buffer) {
		return nil // copying a long message on every read of it would take ages
	}
	if size != len(c.buffer) {
		c.buffer = make([]byte, size)
	}
	c.end = copy(c.buffer, rest)
	return nil
}

// roomFor is the size that the buffer should have for a rest. It grows as bytes come, not as a header promises them.
func (c *incoming) roomFor(rest int) int {
	size := len(c.buffer)
	switch {
	case rest == size:
		return min(2*size, framing.U32BE.Header+maxMessage)
	case c.end == size && size < pieceSize:
		return 2 * size
	case size > keepSize && rest < keepSize/2:
		return keepSize
	}
	return size
}
