package worker

import (
	"maps"
	"slices"
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
	Steps     []uint64          // messages that came to each; those behind the last that any came to may be missing
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
}

// SourceFigures are those of a source.
type SourceFigures struct {
	Connections int // open
	Accepted    Traffic
	Refused     uint64 // connections and messages
}

// SinkFigures are those of a sink.
type SinkFigures struct {
	Outputs     Traffic // handed to it
	Delivered   Traffic
	Undelivered int // messages
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
		f.Executors = append(f.Executors, l.figures(&total))
	}
	for _, owner := range table.Owners {
		if owner < len(f.Executors) {
			f.Executors[owner].Partitions++
		}
	}
	f.Processed, f.Failures, f.Alignment, f.Steps = total.processed, maps.Clone(total.failures), total.alignment, total.steps
	for _, inlet := range w.inlets {
		f.Sources = append(f.Sources, SourceFigures{
			Connections: inlet.open(), Refused: inlet.refused.Load(),
			Accepted: Traffic{Messages: inlet.messages.Load(), Bytes: inlet.bytes.Load()},
		})
	}
	for i, outlet := range w.outlets {
		s := SinkFigures{Outputs: total.outputs[i]}
		s.Delivered, s.Undelivered = outlet.figures()
		f.Sinks = append(f.Sinks, s)
	}
	return f
}

// figures are those of the loop; what it has counted is added to the total.
func (l *loop) figures(total *counts) ExecutorFigures {
	l.turning.Lock()
	defer l.turning.Unlock()
	total.add(&l.counts)
	f := ExecutorFigures{Waiting: l.door.Waiting()}
	for _, in := range l.inputs {
		f.Queued += in.edge.held().Messages
	}
	for _, edge := range l.sinks {
		if !edge.hasCredit() {
			f.OutOfRoom++
		}
	}
	for _, stage := range l.out {
		for _, in := range stage {
			if in != nil && !in.edge.hasCredit() {
				f.OutOfRoom++
			}
		}
	}
	return f
}

// open is how many connections are.
func (i *Inlet) open() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.connections)
}

// figures are what was delivered, and how many messages were not.
func (o *Outlet) figures() (Traffic, int) {
	undelivered := o.undelivered()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.total, undelivered
}
