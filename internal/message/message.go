// Package message holds messages as they travel: many together, in columns.
package message

import "math"

// Batch is messages from one producer to one stage or sink, in order. It belongs to whoever holds it: handing it on hands on its memory.
type Batch struct {
	// Sizes holds the length in bytes of each message's payload.
	Sizes []uint32
	// Payload holds the payloads, one after another.
	Payload []byte
	// Ingest is when the source read the messages, in nanoseconds since 1970; one time for all of them.
	Ingest int64
}

// Count is the number of messages.
func (b *Batch) Count() int { return len(b.Sizes) }

// Append adds one message, copying its payload.
func (b *Batch) Append(payload []byte) {
	b.Sizes = append(b.Sizes, uint32(len(payload)))
	b.Payload = append(b.Payload, payload...)
}

// Take splits off the first n messages; they share the memory of the rest, which nobody writes to.
func (b *Batch) Take(n int) Batch {
	end := 0
	for _, size := range b.Sizes[:n] {
		end += int(size)
	}
	first := Batch{Sizes: b.Sizes[:n:n], Payload: b.Payload[:end:end], Ingest: b.Ingest}
	b.Sizes, b.Payload = b.Sizes[n:], b.Payload[end:]
	return first
}

// Join puts batches one behind another. One batch stays as it is; several are copied. Together they are as old as the oldest of them.
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
