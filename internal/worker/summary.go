package worker

import (
	"iter"
	"maps"
	"slices"
	"time"
)

// Summary is what a worker has done.
type Summary struct {
	Accepted  uint64 // messages that sources have read
	Processed uint64 // of these, those that a first stage has taken through its steps
	Refused   uint64 // connections and messages that sources have refused
	Outputs   uint64 // messages for sinks
	Failures  uint64 // messages that a step could not process
	Delivered uint64 // of the outputs, those that sinks have delivered
}

// Summary is what the worker has done.
func (w *Worker) Summary() Summary {
	f := w.Figures()
	var s Summary
	for _, source := range f.Sources {
		s.Accepted += source.Accepted.Messages
		s.Refused += source.Refused
	}
	for _, sink := range f.Sinks {
		s.Outputs += sink.Outputs.Messages
		s.Delivered += sink.Outputs.Messages - uint64(sink.Undelivered)
	}
	for _, n := range f.Failures {
		s.Failures += n
	}
	s.Processed = f.Processed
	return s
}

// Figures are what a worker has counted, and how things stand.
type Figures struct {
	Executors []ExecutorFigures
	Sources   []SourceFigures
	Sinks     []SinkFigures
	Steps     []uint64        // messages that came to each; those behind the last that any came to may be missing
	Busy      []time.Duration // of executors in each step, likewise
	Edges     []EdgeFigures
	Processed uint64            // messages of sources whose first call is done
	Failures  map[string]uint64 // by step
	Alignment Durations         // of an island on an executor
	Moved     Moved
}

// ExecutorFigures are those of an executor.
type ExecutorFigures struct {
	Partitions int // that it owns by the last table that all have passed
	Waiting    int // the weight of what waits for partitions on their way to it
	Queued     int // messages in the edges to it, or taken and not processed
	OutOfRoom  int // of the edges from it, those without credit
	// Began is when it did: Spent and Busy count from then on. Another one of its number, as after a recovery, has another.
	Began time.Time
	Spent Spent
	// Busy is how long the executor was in each step, the call that runs included if it is known how its time divides; steps behind the last
	// that it was in may be missing.
	Busy []time.Duration
	// Call is how long it has been in the call that runs, whose messages entered at step Entry; 0 if none does.
	Call  time.Duration
	Entry int
	// Blocked is how long it has waited now for credit to a sink, whose number Sink is; 0 if it does not.
	Blocked time.Duration
	Sink    int
}

// EdgeFigures are those of an edge.
type EdgeFigures struct {
	Source int // that it comes from; -1 if it comes from an executor
	From   int // the executor that it comes from; -1 if it is a source
	Sink   int // that it leads to; -1 if it leads to an executor
	To     int // the executor that it leads to; -1 if it is a sink
	Stage  int // that it leads to there
	Total  Traffic
	Queued Credit // handed on and not processed, or not delivered
	Limit  Credit // what may be
}

// SourceFigures are those of a source.
type SourceFigures struct {
	Connections int // open
	// Accepted is since the application began, where it is kept.
	Accepted Traffic
	Refused  uint64 // connections and messages
}

// SinkFigures are those of a sink.
type SinkFigures struct {
	Outputs     Traffic // handed to it
	Delivered   Traffic
	Undelivered int // messages
	Latency     Latencies
}

// Figures collects them.
func (w *Worker) Figures() Figures {
	w.mu.RLock()
	loops := slices.Clone(w.loops)
	total := newCounts(len(w.config.Sinks))
	total.add(&w.gone)
	f := Figures{Moved: w.moved}
	table := w.table
	w.mu.RUnlock()
	for _, l := range loops {
		l.figures(&f, &total)
	}
	for _, owner := range table.Owners {
		if owner < len(f.Executors) {
			f.Executors[owner].Partitions++
		}
	}
	f.Processed, f.Failures, f.Alignment = total.processed, maps.Clone(total.failures), total.alignment
	f.Steps, f.Busy = total.steps, total.busy
	for _, inlet := range w.inlets {
		f.Sources = append(f.Sources, inlet.figures())
	}
	for i, outlet := range w.outlets {
		s := SinkFigures{Outputs: total.outputs[i]}
		outlet.figures(&s)
		f.Sinks = append(f.Sinks, s)
	}
	return f
}

// figures adds those of the loop, and what it has counted to the total.
func (l *loop) figures(to *Figures, total *counts) {
	l.turning.Lock()
	defer l.turning.Unlock()
	total.add(&l.counts)
	now := time.Now()
	f := ExecutorFigures{
		Waiting: l.door.Waiting(), Began: l.clock.began, Spent: l.clock.read(now), Busy: slices.Clone(l.counts.busy),
	}
	l.present(&f, now)
	for _, in := range l.inputs {
		f.Queued += in.edge.held().Messages
		if in.lane {
			e := in.edge.figures()
			e.Source, e.From, e.Sink, e.To, e.Stage = l.worker.ways[in.stage].source, -1, -1, l.number, in.stage
			to.Edges = append(to.Edges, e)
		}
	}
	for e := range l.edgesFrom() {
		if !e.hasCredit() {
			f.OutOfRoom++
		}
		to.Edges = append(to.Edges, e)
	}
	to.Executors = append(to.Executors, f)
}

// present adds what the executor does now.
func (l *loop) present(f *ExecutorFigures, now time.Time) {
	if l.clock.stands.as == noSinkCredit {
		f.Blocked, f.Sink = now.Sub(l.clock.since), l.clock.stands.sink
	}
	if len(l.calls) == 0 || l.calls[0].order != nil {
		return
	}
	c := l.calls[0]
	began := c.began
	if l.finished.After(began) {
		began = l.finished
	}
	f.Call, f.Entry = now.Sub(began), l.worker.config.Stages[c.stage].Entry
	running := counts{busy: f.Busy}
	running.worked(f.Call, l.shares[c.stage], nil)
	f.Busy = running.busy
}

// edgesFrom are the figures of the edges from the loop.
func (l *loop) edgesFrom() iter.Seq[EdgeFigures] {
	return func(yield func(EdgeFigures) bool) {
		for sink, edge := range l.sinks {
			e := edge.figures()
			e.Source, e.From, e.Sink, e.To, e.Stage = -1, l.number, sink, -1, -1
			if !yield(e) {
				return
			}
		}
		for stage, edges := range l.out {
			for executor, in := range edges {
				if in == nil {
					continue
				}
				e := in.edge.figures()
				e.Source, e.From, e.Sink, e.To, e.Stage = -1, l.number, -1, executor, stage
				if !yield(e) {
					return
				}
			}
		}
	}
}

// hasCredit reports whether more may be handed on by the edge.
func (e *EdgeFigures) hasCredit() bool {
	return e.Queued.Messages < e.Limit.Messages && e.Queued.Bytes < e.Limit.Bytes
}

// figures are those of the source.
func (i *Inlet) figures() SourceFigures {
	i.mu.Lock()
	defer i.mu.Unlock()
	return SourceFigures{Connections: len(i.connections), Refused: i.refused.Load(), Accepted: i.accepts()}
}

// accepts is what was accepted: what is not replayed yet is accepted too. Who calls it holds the lock.
func (i *Inlet) accepts() Traffic {
	return Traffic{Messages: max(i.most.Messages, i.messages.Load()), Bytes: max(i.most.Bytes, i.bytes.Load())}
}

// figures adds what was delivered, what was not, and how long it took.
func (o *Outlet) figures(to *SinkFigures) {
	to.Undelivered = o.undelivered()
	o.mu.Lock()
	defer o.mu.Unlock()
	to.Delivered, to.Latency = o.total, o.latency
}
