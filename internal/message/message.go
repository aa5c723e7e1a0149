// Package message holds messages as they travel: many together, in columns.
package message

import "math"

// Batch is messages from one producer to one stage or sink, in order. It belongs to whoever holds it: handing it on hands on its memory.
//
// A plain batch has sizes, and may be taken apart at every message. A packed one has pieces, each of several messages, which only the
// executors' side can read and which stay whole. A live one has values, which never become bytes. A batch is one of the three.
type Batch struct {
	// Sizes holds the length in bytes of each message's payload, in a plain batch.
	Sizes []uint32
	// Pieces says how the payload of a packed batch is cut.
	Pieces []Piece
	// Payload holds the payloads, or the pieces, one after another.
	Payload []byte
	// Values are the messages of a live batch.
	Values Values
	// Peer is the connection's other end, as it stands in logs; "" if the messages are not those of one connection.
	Peer string
	// Position is the number of the first message in its connection, from 0.
	Position uint64
	// Ingest is when the source read the messages, in nanoseconds since 1970; one time for all of them, that of the oldest.
	Ingest int64
}

// Values are messages on their way between executors of one process, as these keep them. They never change: what makes others of them
// shares their memory.
type Values interface {
	// Count is the number of messages.
	Count() int
	// Bytes is about what they take of memory, as far as that is known without looking into them.
	Bytes() int
	// Cut parts them before message n, which is there.
	Cut(n int) (before, behind Values)
	// Join is these and others of the same kind behind them.
	Join(others []Values) Values
}

// Piece is several messages that stay together.
type Piece struct {
	Messages int
	Bytes    int
}

// Count is the number of messages.
func (b *Batch) Count() int {
	n := len(b.Sizes)
	for _, p := range b.Pieces {
		n += p.Messages
	}
	if b.Values != nil {
		n += b.Values.Count()
	}
	return n
}

// Bytes is the length of the payload, or what live messages take.
func (b *Batch) Bytes() int {
	if b.Values != nil {
		return b.Values.Bytes()
	}
	return len(b.Payload)
}

// Append adds one message to a plain batch, copying its payload.
func (b *Batch) Append(payload []byte) {
	b.Sizes = append(b.Sizes, uint32(len(payload)))
	b.Payload = append(b.Payload, payload...)
}

// Pack adds one piece of several messages to a packed batch, copying it.
func (b *Batch) Pack(messages int, piece []byte) {
	b.Pieces = append(b.Pieces, Piece{Messages: messages, Bytes: len(piece)})
	b.Payload = append(b.Payload, piece...)
}

// Take splits off the first n messages, or all if there are fewer; of a packed batch as many pieces as n messages fill, one at least. They
// share the memory of the rest, which nobody writes to.
func (b *Batch) Take(n int) Batch {
	if b.Values != nil {
		return b.takeValues(n)
	}
	sizes, pieces, end, count := 0, 0, 0, 0
	for sizes < len(b.Sizes) && count < n {
		end += int(b.Sizes[sizes])
		sizes++
		count++
	}
	for pieces < len(b.Pieces) && (pieces == 0 || count+b.Pieces[pieces].Messages <= n) {
		end += b.Pieces[pieces].Bytes
		count += b.Pieces[pieces].Messages
		pieces++
	}
	first := *b
	first.Sizes, first.Pieces, first.Payload = b.Sizes[:sizes:sizes], b.Pieces[:pieces:pieces], b.Payload[:end:end]
	b.Sizes, b.Pieces, b.Payload = b.Sizes[sizes:], b.Pieces[pieces:], b.Payload[end:]
	b.Position += uint64(count)
	return first
}

func (b *Batch) takeValues(n int) Batch {
	first := *b
	if count := b.Values.Count(); n < count {
		first.Values, b.Values = b.Values.Cut(n)
	} else {
		n, b.Values = count, nil
	}
	b.Position += uint64(n)
	return first
}

// Join puts batches of one kind one behind another. One batch stays as it is; several are copied, and together have no position.
func Join(batches []Batch) Batch {
	if len(batches) == 1 {
		return batches[0]
	}
	if len(batches) > 0 && batches[0].Values != nil {
		return joinValues(batches)
	}
	var sizes, pieces, payload int
	for i := range batches {
		sizes += len(batches[i].Sizes)
		pieces += len(batches[i].Pieces)
		payload += len(batches[i].Payload)
	}
	joined := Batch{
		Sizes: make([]uint32, 0, sizes), Pieces: make([]Piece, 0, pieces), Payload: make([]byte, 0, payload), Ingest: math.MaxInt64,
	}
	for i := range batches {
		joined.Sizes = append(joined.Sizes, batches[i].Sizes...)
		joined.Pieces = append(joined.Pieces, batches[i].Pieces...)
		joined.Payload = append(joined.Payload, batches[i].Payload...)
		joined.Ingest = min(joined.Ingest, batches[i].Ingest)
	}
	return joined
}

func joinValues(batches []Batch) Batch {
	joined := Batch{Ingest: math.MaxInt64}
	var others []Values
	for i := range batches {
		joined.Ingest = min(joined.Ingest, batches[i].Ingest)
		others = append(others, batches[i].Values)
	}
	joined.Values = others[0].Join(others[1:])
	return joined
}
