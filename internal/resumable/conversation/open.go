// Package conversation has what is said on a connection of the framing resumable alike by sinks and senders, and by those whom they speak
// to: the hello, what the other side has, a refusal.
package conversation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

const (
	welcomeTime = 10 * time.Second // how long the other side may take to answer the hello
	writeBytes  = 64 << 10         // how much is gathered before it is written
)

// Connection is one that was welcomed. Its methods are for one goroutine.
type Connection struct {
	conn   *net.TCPConn
	buffer []byte
	news   chan struct{}
	done   chan struct{} // closed when the goroutine that reads has ended
	still  func() bool   // ends the watch of the context

	mu    sync.Mutex
	last  *resumable.Ack // guarded by mu, as is ended: the last that was read and not Heard
	ended error          // why nothing more is read; io.EOF if the other side has ended
}

// Open says a hello on a connection, which is its own from then on, and awaits the welcome. The error is a *resumable.RefusalError if the
// other side says why it takes nothing. When ctx is done, the connection breaks.
func Open(ctx context.Context, conn *net.TCPConn, hello resumable.Frame) (*Connection, *resumable.Welcome, error) {
	still := context.AfterFunc(ctx, func() { _ = conn.Close() })
	reader := resumable.NewReader(conn, resumable.MaxReason) // it is told nothing longer
	welcome, err := greet(conn, reader, hello)
	if err != nil {
		still()
		_ = conn.Close()
		return nil, nil, err
	}
	c := &Connection{conn: conn, news: make(chan struct{}, 1), done: make(chan struct{}), still: still}
	go c.read(reader)
	return c, welcome, nil
}

// greet says the hello and reads the answer.
func greet(conn *net.TCPConn, reader *resumable.Reader, hello resumable.Frame) (*resumable.Welcome, error) {
	if err := conn.SetDeadline(time.Now().Add(welcomeTime)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(resumable.Append(resumable.Preamble(), hello)); err != nil {
		return nil, err
	}
	err := reader.Open()
	if err == nil {
		var f resumable.Frame
		if f, err = reader.Next(); err == nil {
			switch f := f.(type) {
			case *resumable.Welcome:
				return f, conn.SetDeadline(time.Time{})
			case *resumable.RefusalError:
				return nil, f
			}
			return nil, errors.New("it answers the hello by something else than a welcome")
		}
	}
	if timeout, is := errors.AsType[net.Error](err); is && timeout.Timeout() {
		return nil, fmt.Errorf("it does not answer the hello of the framing resumable in %s: does it speak another framing?", welcomeTime)
	}
	if _, foreign := errors.AsType[*resumable.ForeignError](err); foreign {
		return nil, err
	}
	return nil, fmt.Errorf("the connection ended before it was welcomed: %w; the other side ends, or speaks another framing", err)
}

// read keeps the last acknowledgement until the connection's end.
func (c *Connection) read(reader *resumable.Reader) {
	defer close(c.done)
	for {
		f, err := reader.Next()
		if err == nil {
			switch f := f.(type) {
			case *resumable.Ack:
				c.tell(f, nil)
				continue
			case *resumable.RefusalError:
				err = f
			default:
				err = fmt.Errorf("the other side says a %T, which is not its to say", f)
			}
		}
		c.tell(nil, err)
		return
	}
}

func (c *Connection) tell(ack *resumable.Ack, ended error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ack != nil {
		c.last = ack
	}
	c.ended = ended
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// News is notified when there is something to be Heard.
func (c *Connection) News() <-chan struct{} { return c.news }

// Heard is the last acknowledgement, which says all that those before it did; nil if there is none since the last call. The error, which
// may come with one, is why there will be no more: io.EOF, a *resumable.RefusalError, or what broke the connection.
func (c *Connection) Heard() (*resumable.Ack, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last
	c.last = nil
	return last, c.ended
}

// Say writes a frame, or keeps it until there are more, or Flush.
func (c *Connection) Say(f resumable.Frame) error {
	c.buffer = resumable.Append(c.buffer, f)
	if len(c.buffer) < writeBytes {
		return nil
	}
	return c.Flush()
}

// Flush writes what Say has kept. If that fails, and the other side has said why, the error is its *resumable.RefusalError.
func (c *Connection) Flush() error {
	if len(c.buffer) == 0 {
		return nil
	}
	_, err := c.conn.Write(c.buffer)
	if c.buffer = c.buffer[:0]; cap(c.buffer) > 4*writeBytes {
		c.buffer = nil // one long message is no reason to keep its memory
	}
	if err == nil {
		return nil
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(firstWords)) // what it said before it went
	<-c.done
	if refusal, is := errors.AsType[*resumable.RefusalError](c.ended); is {
		return refusal
	}
	return err
}

// firstWords is how long a connection that takes nothing is still read.
const firstWords = 100 * time.Millisecond

// CloseWrite says that nothing more will be said.
func (c *Connection) CloseWrite() error { return c.conn.CloseWrite() }

// Close ends the connection and its goroutine.
func (c *Connection) Close() {
	c.still()
	_ = c.conn.Close()
	<-c.done
}

// Lasting reports whether an error of Open or of a connection is one that connecting again does not help.
func Lasting(err error) bool {
	_, refused := errors.AsType[*resumable.RefusalError](err)
	_, foreign := errors.AsType[*resumable.ForeignError](err)
	return refused || foreign
}

// Ended is the error of a connection whose other side has ended in order.
func Ended(err error) bool { return errors.Is(err, io.EOF) }
