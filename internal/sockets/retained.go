package sockets

import (
	"net"

	"github.com/wallaroo-stream/wallaroo/connector"
)

// outlet is what retained needs of a connector.Outlet.
type outlet interface {
	Take() (connector.Batch, bool)
	Delivered(messages, bytes int)
}

// retained is what a sink has taken and its receiver has not acknowledged. Offsets count the bytes of the current connection.
type retained struct {
	outlet  outlet
	batches []connector.Batch
	base    int64 // offset of the first message of the first batch
	end     int64 // offset behind the last batch
	sent    int64 // offset up to which the kernel has been given bytes
	next    int   // the first batch with bytes after sent
	nextAt  int64 // the offset of its first message
}

// fetch takes what waits in the outlet.
func (r *retained) fetch() {
	for {
		b, ok := r.outlet.Take()
		if !ok {
			return
		}
		r.batches = append(r.batches, b)
		r.end += int64(len(b.Payload))
		if r.bytes() == 0 {
			r.release(r.base) // messages without bytes are delivered when all before them are
		}
	}
}

// bytes is how many bytes are kept.
func (r *retained) bytes() int64 { return r.end - r.base }

// unsent is bytes that the kernel has not been given: the first of them, from as many batches as it takes to fill limit.
func (r *retained) unsent(limit int) net.Buffers {
	var pieces net.Buffers
	at := r.nextAt
	for _, b := range r.batches[r.next:] {
		if limit <= 0 {
			break
		}
		piece := b.Payload[max(0, r.sent-at):]
		at += int64(len(b.Payload))
		limit -= len(piece)
		if len(piece) > 0 {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}

// gave says that the kernel was given n more bytes.
func (r *retained) gave(n int64) {
	r.sent += n
	for r.next < len(r.batches) && r.nextAt+int64(len(r.batches[r.next].Payload)) <= r.sent {
		r.nextAt += int64(len(r.batches[r.next].Payload))
		r.next++
	}
}

// release lets go of the messages that end at or before an offset, which the receiver's kernel has. A message goes whole or not at all.
func (r *retained) release(offset int64) {
	messages, bytes := 0, int64(0)
	for len(r.batches) > 0 {
		n, size := whole(&r.batches[0], offset-r.base)
		left := r.batches[0].Count() - n
		r.batches[0].Take(n)
		messages += n
		bytes += size
		r.base += size
		if left > 0 {
			break
		}
		r.batches[0] = connector.Batch{}
		r.batches = r.batches[1:]
		r.next--
	}
	if r.next <= 0 { // the front batch is the next to be sent, and may have lost its first messages
		r.next, r.nextAt = 0, r.base
	}
	if messages > 0 {
		r.outlet.Delivered(messages, int(bytes))
	}
}

// whole is how many messages of a batch lie within its first limit bytes, and their bytes.
func whole(b *connector.Batch, limit int64) (n int, size int64) {
	for n < b.Count() && size+int64(b.Sizes[n]) <= limit {
		size += int64(b.Sizes[n])
		n++
	}
	return n, size
}

// rewind makes ready for the next connection, which begins with the first message that is kept.
func (r *retained) rewind() {
	r.end -= r.base
	r.base, r.sent, r.next, r.nextAt = 0, 0, 0, 0
}
