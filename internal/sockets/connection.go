package sockets

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/acked"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

// trial is how long a receiver must be silent on a new connection until it is known not to speak the framing resumable, in which it says
// so at once. To that is added what it took to connect, since what it says needs as long to come.
const trial = 100 * time.Millisecond

// errResumable is a connection to a receiver of another framing.
var errResumable = errors.New("the receiver speaks the framing resumable, and the sink another one: give either the other's")

// What is known of a receiver's framing.
const (
	unknown int32 = iota
	plain         // what its kernel acknowledges counts as delivered
	foreign       // the framing resumable: nothing counts
)

// connection is one connection to the receiver.
type connection struct {
	*net.TCPConn
	framing atomic.Int32  // what is known of the receiver's
	known   chan struct{} // notified when the receiver is known to be plain
	broken  chan error    // gets the error by which the connection breaks, if that is seen while reading
	done    chan struct{} // closed when the connection is no longer watched
}

// newConnection begins to watch a connection, which it took so long to make.
func newConnection(conn *net.TCPConn, took time.Duration, log *slog.Logger) *connection {
	c := &connection{TCPConn: conn, known: make(chan struct{}, 1), broken: make(chan error, 1), done: make(chan struct{})}
	silent := time.Now().Add(trial + took)
	go func() {
		defer close(c.done)
		if err := c.watch(silent, log); err != nil {
			c.broken <- err
		}
	}()
	return c
}

// watch returns when the connection breaks. What a receiver sends is thrown away. One that has only closed its own side still reads, and
// whether it is that or has ended, only a reset tells.
func (c *connection) watch(silent time.Time, log *slog.Logger) error {
	if err := c.meet(silent); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, c.TCPConn); err != nil {
		return err
	}
	log.Info("the sink's receiver has closed its side: it has ended, or goes on to read")
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var over bool
	var failed error
	err = raw.Read(func(uintptr) bool { // again at each event of the socket, of which a reset is one
		over, failed = acked.Over(raw)
		return over || failed != nil
	})
	if over {
		err = errOver
	}
	return errors.Join(err, failed)
}

// meet reads the first words of the receiver, which tell its framing. Its silence up to a time tells it too.
func (c *connection) meet(silent time.Time) error {
	if err := c.SetReadDeadline(silent); err != nil {
		return err
	}
	began := make([]byte, 0, len(resumable.Magic))
	for {
		n, err := c.Read(began[len(began):cap(began)])
		began = began[:len(began)+n]
		switch {
		case resumable.Begins(began):
			c.framing.Store(foreign)
			return errResumable
		case errors.Is(err, io.EOF) || string(began) != resumable.Magic[:len(began)]:
			c.isPlain()
			return c.SetReadDeadline(time.Time{})
		case errors.Is(err, os.ErrDeadlineExceeded):
			if unread(c.TCPConn) == 0 && !time.Now().Before(silent) { // else this program was late, not the receiver, or it is to end
				c.isPlain()
			}
			err = c.SetReadDeadline(time.Time{})
		}
		if err != nil {
			return err
		}
	}
}

// isPlain notes that the receiver does not speak the framing resumable, as far as can be known.
func (c *connection) isPlain() {
	if c.framing.CompareAndSwap(unknown, plain) {
		c.known <- struct{}{}
	}
}

// await returns when the receiver is known to be plain; the error is what breaks the connection before.
func (c *connection) await(ctx context.Context) error {
	select {
	case <-c.known:
		return nil
	case err := <-c.broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// why is the error of a connection that broke by another one: errResumable, if the receiver has said that it speaks that framing. A write
// fails before that is read.
func (c *connection) why(err error) error {
	select {
	case <-c.done:
	case <-time.After(trial):
	}
	if c.framing.Load() == foreign {
		return errResumable
	}
	return err
}

// close ends the connection and waits for the goroutine that watches it.
func (c *connection) close() {
	_ = c.Close()
	<-c.done
}
