package worker

import (
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// counts are what a loop counts. They are read while it does not turn.
type counts struct {
	processed uint64            // messages of sources whose first call is done
	outputs   []Traffic         // by sink: written to its edge
	steps     []uint64          // by step: messages that came to it; those behind the last that any came to may be missing
	busy      []time.Duration   // by step, likewise: how long calls were in it
	failures  map[string]uint64 // by step: messages that it could not process
	alignment Durations         // from the first marker that an island was brought until it had passed it
}

// Traffic is messages and the bytes of their payloads.
type Traffic struct{ Messages, Bytes uint64 }

// Durations is how many there were, their sum and the longest.
type Durations struct {
	Count        uint64
	Sum, Longest time.Duration
}

func (d *Durations) add(other Durations) {
	d.Count += other.Count
	d.Sum += other.Sum
	d.Longest = max(d.Longest, other.Longest)
}

func (d *Durations) take(one time.Duration) { d.add(Durations{Count: 1, Sum: one, Longest: one}) }

func newCounts(sinks int) counts {
	return counts{outputs: make([]Traffic, sinks), failures: map[string]uint64{}}
}

func (c *counts) failed(step string) { c.failures[step]++ }

func (c *counts) aligned(d time.Duration) { c.alignment.take(d) }

func (c *counts) wrote(sink int, b *message.Batch) {
	c.outputs[sink].Messages += uint64(b.Count())
	c.outputs[sink].Bytes += uint64(len(b.Payload))
}

func (c *counts) entered(steps []Entered) {
	for _, e := range steps {
		c.steps = grown(c.steps, e.Step)
		c.steps[e.Step] += uint64(e.Messages)
	}
}

// add takes in what another loop has counted.
func (c *counts) add(other *counts) {
	c.processed += other.processed
	for sink, t := range other.outputs {
		c.outputs[sink].Messages += t.Messages
		c.outputs[sink].Bytes += t.Bytes
	}
	for step, n := range other.steps {
		c.entered([]Entered{{Step: step, Messages: int(n)}})
	}
	for step, d := range other.busy {
		c.work(step, d, 1)
	}
	for step, n := range other.failures {
		c.failures[step] += n
	}
	c.alignment.add(other.alignment)
}
