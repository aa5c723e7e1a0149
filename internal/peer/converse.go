package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

// syncBytes is how much may come before it is put on disk and acknowledged, though more is at hand.
const syncBytes = 4 << 20

// lastWrite is how long a receiver that ends still tries to acknowledge.
const lastWrite = time.Second

// sinkConversation is one connection of a sink.
type sinkConversation struct {
	conn   *net.TCPConn
	reader *resumable.Reader
	store  *Store
	unsaid []byte // of the preamble
	unit   *unit
	lane   string
	marker resumable.Marker // the last that came
	came   int              // bytes of messages since the last acknowledgement
}

// converse serves a connection of a sink, and tells what went wrong there.
func (r *Receiver) converse(ctx context.Context, conn *net.TCPConn, store *Store) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // ends a read that waits
		_ = conn.SetWriteDeadline(time.Now().Add(lastWrite))
	})()
	c := &sinkConversation{conn: conn, reader: resumable.NewReader(conn, maxMessage), store: store}
	err := c.run(ctx)
	if failure := store.failed(); failure != nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		return // it is told elsewhere, or no news
	}
	r.meter.note("connection from %s: %v", conn.RemoteAddr(), err)
	if broken, is := errors.AsType[*net.OpError](err); is && broken != nil {
		return
	}
	refusal := &resumable.RefusalError{Reason: err.Error()}
	if old, is := errors.AsType[*resumable.OldRunError](err); is {
		refusal.Run = old.Known
	}
	if ctx.Err() == nil {
		conversation.Refuse(conn, c.unsaid, refusal)
	}
}

// run greets the sink and takes what it says, until the connection's end, which is io.EOF.
func (c *sinkConversation) run(ctx context.Context) error {
	f, unsaid, err := conversation.Listen(c.conn, c.reader)
	c.unsaid = unsaid
	if err != nil {
		return err
	}
	hello, is := f.(*resumable.SinkHello)
	if !is {
		return errors.New("it is no sink: a sender sends to a source")
	}
	unit, err := c.store.hello(hello)
	if err != nil {
		return err
	}
	c.lane = hello.Lane
	said, number, err := c.store.sync(unit, c.lane)
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(resumable.Append(c.unsaid, &resumable.Welcome{Said: said, Number: number})); err != nil {
		return err
	}
	c.unsaid = nil
	for c.unit = unit; ctx.Err() == nil; {
		f, err := c.reader.Next()
		if err == nil {
			err = c.take(f)
		}
		if err == nil && (!c.reader.AtHand() || c.came > syncBytes) {
			err = c.acknowledge()
		}
		if err != nil {
			return err
		}
	}
	return os.ErrDeadlineExceeded
}

// take does what a frame says.
func (c *sinkConversation) take(f resumable.Frame) error {
	switch f := f.(type) {
	case *resumable.Messages:
		c.came += len(f.Batch.Payload) + 4*f.Batch.Count()
		return c.store.take(c.unit, c.lane, f)
	case *resumable.Marker:
		c.marker = *f
		return c.store.mark(c.unit, c.lane, f)
	case *resumable.Commit:
		return c.store.hear(c.unit, f.Said)
	}
	return fmt.Errorf("it says a %T, which is not a sink's to say", f)
}

// acknowledge puts what has come on disk and says so.
func (c *sinkConversation) acknowledge() error {
	said, number, err := c.store.sync(c.unit, c.lane)
	if err != nil {
		return err
	}
	ack := &resumable.Ack{Said: said, Number: number}
	if c.marker.Run == said.Run {
		ack.Marker = c.marker.Epoch
	}
	c.came = 0
	_, err = c.conn.Write(resumable.Append(nil, ack))
	return err
}
