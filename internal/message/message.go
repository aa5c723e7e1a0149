// Package message holds messages as they travel: many together, in columns.
package message

import "math"

// Batch is messages from one producer to one stage or sink, in order. It belongs to whoever holds it: handing it on hands on its memory.
//
// A plain batch has sizes, and may be taken apart and joined with others. A packed one has none: its payload is one piece that only the
// executors' side can read, and it stays whole.
type Batch struct {
	// Sizes holds the length in bytes of each message's payload, in a plain batch.
	Sizes []uint32
	// Packed is the number of messages in a packed batch, 0 in a plain one.
	Packed int
	// Payload holds the payloads, one after another, or the packed piece.
	Payload []byte
	// Position is the number of the first message in its connection, from 0.
	Position uint64
	// Ingest is when the source read the messages, in nanoseconds since 1970; one time for all of them, that of the oldest.
	Ingest int64
}

// Count is the number of messages.
func (b *Batch) Count() int { return len(b.Sizes) + b.Packed }

// Append adds one message to a plain batch, copying its payload.
func (b *Batch) Append(payload []byte) {
	b.Sizes = append(b.Sizes, uint32(len(payload)))
	b.Payload = append(b.Payload, payload...)
}

// Take splits off the first n messages of a plain batch; they share the memory of the rest, which nobody writes to.
func (b *Batch) Take(n int) Batch {
	end := 0
	for _, size := range b.Sizes[:n] {
		end += int(size)
	}
	first := Batch{Sizes: b.Sizes[:n:n], Payload: b.Payload[:end:end], Position: b.Position, Ingest: b.Ingest}
	b.Sizes, b.Payload, b.Position = b.Sizes[n:], b.Payload[end:], b.Position+uint64(n)
	return first
}

// Join puts plain batches one behind another. One batch stays as it is; several are copied, and together have no position.
func Join(batches []Batch) Batch {
	if len(batches) == 1 {
		return batches[0]
	}
	var sizes, payload int
	for i := range batches {
		sizes += len(batches[i].Sizes)
		payload += len(batches[i].Payload)
	}
	joined := Batch{Sizes: make([]uint32, 0, sizes), Payload: make([]byte, 0, payload), Ingest: math.MaxInt64}
	for i := range batches {
		joined.Sizes = append(joined.Sizes, batches[i].Sizes...)
		joined.Payload = append(joined.Payload, batches[i].Payload...)
		joined.Ingest = min(joined.Ingest, batches[i].Ingest)
	}
	return joined
}
