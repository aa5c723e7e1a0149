package worker

import (
	"context"
	"maps"
	"math/rand/v2"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Cuts is where markers cut the connections of a source.
type Cuts struct {
	sent map[string]int
	At   []map[string]int // by epoch: messages sent before its marker, by peer; that of epoch 0 is empty
}

func (c *Cuts) handedOn(peer string, messages int) { c.sent[peer] += messages }

func (c *Cuts) marked(door.Epoch) { c.At = append(c.At, c.clone()) }

func (c *Cuts) clone() map[string]int {
	return maps.Clone(c.sent)
}

// Watch begins to note where markers cut a pipeline's connections.
func (w *Worker) Watch(pipeline int) *Cuts {
	c := &Cuts{sent: map[string]int{}, At: []map[string]int{{}}}
	w.inlets[pipeline].watch = c
	return c
}

// RollBack forgets what came behind the marker of an epoch.
func (c *Cuts) RollBack(to uint64) {
	c.At = c.At[:to+1]
	c.sent = maps.Clone(c.At[to])
}

// WatchOn goes on with what was noted of a worker before.
func (w *Worker) WatchOn(pipeline int, c *Cuts) { w.inlets[pipeline].watch = c }

// Finish adds the end of the stream as a last cut.
func (c *Cuts) Finish() { c.marked(0) }

// Sent is what was sent so far. Only while nobody sends.
func (c *Cuts) Sent() map[string]int { return c.sent }

// Disturb sends a marker around at which partitions move at random.
func (w *Worker) Disturb(ctx context.Context, moves float64, chance *rand.Rand) error {
	return w.disturb(ctx, moves, chance)
}

// Still is what is in edges, queues and calls, and how much of that waits for partitions.
func (w *Worker) Still() (inside, waiting int) {
	for _, l := range w.all() {
		l.turning.Lock()
		for _, batches := range l.moving.waiting {
			for i := range batches {
				waiting += batches[i].Count()
			}
		}
		l.turning.Unlock()
	}
	return int(w.inside.Load()), waiting
}

// Weight is what a batch weighs in a move buffer.
func Weight(b *message.Batch) int { return weight(b) }

// Overrun is by how much bounds are exceeded somewhere, at most.
type Overrun struct {
	Lane     int // messages in a lane beyond a credit
	Exchange int // messages in an edge between executors beyond a credit
	Sink     int // bytes in a sink's edge beyond its buffer
	Waiting  int // weight in a move buffer beyond its bound
}

// Overrun looks at all edges and buffers. The credit is that of all edges to executors.
func (w *Worker) Overrun(credit int) Overrun {
	var o Overrun
	for _, l := range w.all() {
		l.turning.Lock()
		for _, in := range l.inputs {
			over := in.edge.held().Messages - credit
			if in.lane {
				o.Lane = max(o.Lane, over)
			} else {
				o.Exchange = max(o.Exchange, over)
			}
		}
		for _, edge := range l.sinks {
			if edge != nil {
				o.Sink = max(o.Sink, edge.held().Bytes-w.config.Limits.SinkBuffer)
			}
		}
		waiting := 0
		for _, batches := range l.moving.waiting {
			for i := range batches {
				waiting += weight(&batches[i])
			}
		}
		o.Waiting = max(o.Waiting, waiting-w.config.Limits.MoveBuffer)
		l.turning.Unlock()
	}
	return o
}
