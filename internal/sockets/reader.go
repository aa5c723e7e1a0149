package sockets

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

const (
	smallBuffer = 4 << 10  // a connection's buffer at first: most connections of many send little
	largeBuffer = 64 << 10 // what it grows to when reads fill it
)

// reader cuts what a connection brings into messages.
type reader struct {
	conn     net.Conn
	splitter framing.Splitter
	buffer   []byte // buffer[start:end] is read and not cut
	start    int
	end      int
	messages uint64 // handed on
	bytes    uint64 // read
}

func newReader(conn net.Conn, f framing.Framing, maxFrame int) *reader {
	return &reader{conn: conn, splitter: f.Splitter(maxFrame), buffer: make([]byte, smallBuffer)}
}

// cutError is bytes that cannot be cut into messages.
type cutError struct{ error }

// rest is how many bytes of a message have come that is not whole.
func (r *reader) rest() int { return r.end - r.start }

// handOn reads and hands on what is there, as soon as it is there, until the connection's end, which is nil. Each read is one batch.
func (r *reader) handOn(ctx context.Context, to connector.Connection) error {
	for {
		n, err := r.conn.Read(r.buffer[r.end:])
		r.end += n
		r.bytes += uint64(n)
		full := r.end == len(r.buffer)
		if r.bytes == uint64(n) && resumable.Begins(r.buffer[:n]) {
			return refuseStranger(r.conn)
		}
		batch, cutErr := r.cut()
		if batch.Count() > 0 {
			r.messages += uint64(batch.Count())
			if err := to.Send(ctx, batch); err != nil {
				return err
			}
		}
		switch {
		case cutErr != nil:
			return &cutError{cutErr}
		case errors.Is(err, io.EOF):
			return r.last(ctx, to)
		case err != nil:
			return err
		}
		r.makeRoom(full)
	}
}

// last hands on what the connection's end makes a message.
func (r *reader) last(ctx context.Context, to connector.Connection) error {
	rest := r.buffer[r.start:r.end]
	if !r.splitter.Ends(rest) {
		return nil
	}
	batch := connector.Batch{Ingest: time.Now().UnixNano()}
	batch.Append(rest)
	r.start = r.end
	r.messages++
	return to.Send(ctx, batch)
}

// cut takes all whole messages out of the buffer.
func (r *reader) cut() (connector.Batch, error) {
	batch := connector.Batch{Ingest: time.Now().UnixNano()}
	for {
		payload, used, err := r.splitter.Cut(r.buffer[r.start:r.end])
		if err != nil || used == 0 {
			return batch, err
		}
		if batch.Payload == nil {
			batch.Payload = make([]byte, 0, r.end-r.start)
		}
		batch.Append(payload)
		r.start += used
	}
}

// makeRoom moves the rest to the front of the buffer, which grows if reads fill it or a message needs it. It grows by doubling, as the
// bytes come: what a header promises costs no memory.
func (r *reader) makeRoom(full bool) {
	size := len(r.buffer)
	if full && (size < largeBuffer || r.start == 0) {
		size *= 2
	} else if size > largeBuffer && r.rest() < largeBuffer {
		size = largeBuffer // a long message has gone through
	}
	rest := r.buffer[r.start:r.end]
	if size != len(r.buffer) {
		r.buffer = make([]byte, size)
	}
	r.start, r.end = 0, copy(r.buffer, rest)
}

// unread is how many bytes wait in the connection's receive buffer; 0 if that is not known.
func unread(conn *net.TCPConn) int {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	if raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }) != nil || err != nil {
		return 0
	}
	return n
}
