package metrics

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// tell takes a value, and what its labels are.
type tell func(value float64, labels ...string)

// family is the values that share a name.
type family struct {
	name   string
	kind   kind
	unit   string
	labels []string // what tells its values apart; none if there is only one
	help   string
	// One of these makes the values: durations those of a summary, latencies those of a histogram, values all others.
	values    func(*Snapshot, tell)
	durations func(*Snapshot, func(d worker.Durations, labels ...string))
	latencies func(*Snapshot, func(l *worker.Latencies, labels ...string))
}

// kind is Prometheus's word for how a value behaves.
type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	summary   kind = "summary"
	histogram kind = "histogram"
)

// The labels.
const (
	executorLabel = "executor"
	sourceLabel   = "source"
	stepLabel     = "step"
	sinkLabel     = "sink"
	reasonLabel   = "reason"
	stateLabel    = "state"
	fromLabel     = "from"
	toLabel       = "to"
	partLabel     = "part"
)

// families are all that a worker shows, in the order of the documentation.
var families = slices.Concat(ofWorker, ofExecutors, ofSources, ofSteps, ofDeadLetters, ofSinks, ofEdges, ofKept)

var ofWorker = []family{
	{
		name: "wallaroo_executors", kind: gauge, unit: "executors",
		help:   "Executors, those that are joining or leaving included.",
		values: one(func(s *Snapshot) float64 { return float64(len(s.Executors)) }),
	},
	{
		name: "wallaroo_processed_messages_total", kind: counter, unit: "messages",
		help:   "Messages of sources that the first stage of their pipeline has taken through its steps.",
		values: one(func(s *Snapshot) float64 { return float64(s.Processed) }),
	},
	{
		name: "wallaroo_markers_total", kind: counter, unit: "markers",
		help:   "Markers that all executors have passed.",
		values: one(func(s *Snapshot) float64 { return float64(s.Moved.Markers) }),
	},
	{
		name: "wallaroo_partitions_moved_total", kind: counter, unit: "partitions",
		help:   "Partitions that have moved from one executor to another.",
		values: one(func(s *Snapshot) float64 { return float64(s.Moved.Partitions) }),
	},
	{
		name: "wallaroo_partition_wait_seconds", kind: summary, unit: "seconds",
		help: "How long a partition that moved was closed, once in each island with state: from when its old executor gave it out " +
			"until its new one had it open and had processed all that had waited for it there.",
		durations: oneDurations(func(s *Snapshot) worker.Durations { return s.Moved.Waits }),
	},
	{
		name: "wallaroo_partition_wait_longest_seconds", kind: gauge, unit: "seconds",
		help:   "The longest that a partition was closed, since the start.",
		values: one(func(s *Snapshot) float64 { return s.Moved.Waits.Longest.Seconds() }),
	},
	{
		name: "wallaroo_alignment_seconds", kind: summary, unit: "seconds",
		help: "How long markers took to align: from the first edge that brought one to an island on an executor until " +
			"all had and the island passed it.",
		durations: oneDurations(func(s *Snapshot) worker.Durations { return s.Alignment }),
	},
	{
		name: "wallaroo_alignment_longest_seconds", kind: gauge, unit: "seconds",
		help:   "The longest that a marker took to align, since the start.",
		values: one(func(s *Snapshot) float64 { return s.Alignment.Longest.Seconds() }),
	},
}

var ofExecutors = []family{
	{
		name: "wallaroo_executor_partitions", kind: gauge, unit: "partitions", labels: []string{executorLabel},
		help:   "Partitions that the executor owns.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.Partitions) }),
	},
	{
		name: "wallaroo_executor_queued_messages", kind: gauge, unit: "messages", labels: []string{executorLabel},
		help:   "Messages in the edges to the executor, or taken from them and not processed.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.Queued) }),
	},
	{
		name: "wallaroo_executor_move_buffer_bytes", kind: gauge, unit: "bytes", labels: []string{executorLabel},
		help:   "What waits in the executor for partitions on their way to it; each message weighs something beyond its bytes.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.Waiting) }),
	},
	{
		name: "wallaroo_executor_edges_without_credit", kind: gauge, unit: "edges", labels: []string{executorLabel},
		help:   "Edges from the executor, to sinks and to other executors, that are full: what is behind them slows it down.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.OutOfRoom) }),
	},
	{
		name: "wallaroo_executor_seconds_total", kind: counter, unit: "seconds", labels: []string{executorLabel, stateLabel},
		help: "Where the executor's time went: busy; waiting, for messages; held, by the door, for markers of others or for partitions on " +
			"their way; out_of_credit, since an edge from it was full.",
		values: func(s *Snapshot, tell tell) {
			for n := range s.Executors {
				spent := &s.Executors[n].Spent
				tell(spent.Busy.Seconds(), strconv.Itoa(n), "busy")
				tell(spent.Held.Seconds(), strconv.Itoa(n), "held")
				tell(spent.NoCredit().Seconds(), strconv.Itoa(n), "out_of_credit")
				tell(spent.Waiting.Seconds(), strconv.Itoa(n), "waiting")
			}
		},
	},
}

var ofSources = []family{
	{
		name: "wallaroo_source_messages_total", kind: counter, unit: "messages", labels: []string{sourceLabel},
		help:   "Messages that the source has accepted; with a data directory, those before the process started included.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Accepted.Messages) }),
	},
	{
		name: "wallaroo_source_bytes_total", kind: counter, unit: "bytes", labels: []string{sourceLabel},
		help:   "Payload of these messages, without their length headers.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Accepted.Bytes) }),
	},
	{
		name: "wallaroo_source_refused_total", kind: counter, unit: "connections and messages", labels: []string{sourceLabel},
		help:   "Connections and messages that the source has refused.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Refused) }),
	},
	{
		name: "wallaroo_source_connections", kind: gauge, unit: "connections", labels: []string{sourceLabel},
		help:   "Connections to the source that are open.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Connections) }),
	},
}

var ofSteps = []family{
	{
		name: "wallaroo_step_messages_total", kind: counter, unit: "messages", labels: []string{stepLabel},
		help: "Messages that came to the step.", values: stepMessages,
	},
	{
		name: "wallaroo_step_busy_seconds_total", kind: counter, unit: "seconds", labels: []string{stepLabel},
		help: "How long executors were busy in the step's code. How a call's time divides among its steps is seen in some calls, and " +
			"believed of the others.",
		values: func(s *Snapshot, tell tell) {
			for n := range s.Plan.Steps {
				var busy time.Duration
				if n < len(s.Busy) {
					busy = s.Busy[n]
				}
				tell(busy.Seconds(), s.Plan.Steps[n].ID())
			}
		},
	},
	{
		name: "wallaroo_step_errors_total", kind: counter, unit: "messages", labels: []string{stepLabel},
		help: "Messages that went no further because user code raised an error: a step, a source's decoder (PIPELINE/source), " +
			"a function that finds a key (PIPELINE/STEP key) or a sink's encoder (PIPELINE/sink).",
		values: stepErrors,
	},
}

var ofDeadLetters = []family{
	{
		name: "wallaroo_dead_letters_written_total", kind: counter, unit: "dead letters",
		help:   "Dead letters that were written to the data directory.",
		values: one(func(s *Snapshot) float64 { return float64(s.Letters.Written) }),
	},
	{
		name: "wallaroo_dead_letters_dropped_total", kind: counter, unit: "dead letters", labels: []string{reasonLabel},
		help: "Dead letters that are lost: room was made for others while they had not been replayed (room), or they could not be " +
			"written (error).",
		values: func(s *Snapshot, tell tell) {
			tell(float64(s.Letters.Failed), "error")
			tell(float64(s.Letters.Dropped), "room")
		},
	},
	{
		name: "wallaroo_dead_letters_replayed_total", kind: counter, unit: "dead letters",
		help:   "Dead letters that were replayed.",
		values: one(func(s *Snapshot) float64 { return float64(s.Letters.Replayed) }),
	},
}

var ofSinks = []family{
	{
		name: "wallaroo_sink_messages_total", kind: counter, unit: "messages", labels: []string{sinkLabel},
		help:   "Messages handed to the sink.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Outputs.Messages) }),
	},
	{
		name: "wallaroo_sink_bytes_total", kind: counter, unit: "bytes", labels: []string{sinkLabel},
		help:   "Bytes of the messages handed to the sink: what its encoder returned, and the headers.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Outputs.Bytes) }),
	},
	{
		name: "wallaroo_sink_delivered_messages_total", kind: counter, unit: "messages", labels: []string{sinkLabel},
		help:   "Messages whose bytes the receiver's system has acknowledged.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Delivered.Messages) }),
	},
	{
		name: "wallaroo_sink_delivered_bytes_total", kind: counter, unit: "bytes", labels: []string{sinkLabel},
		help:   "Bytes that the receiver's system has acknowledged.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Delivered.Bytes) }),
	},
	{
		name: "wallaroo_sink_undelivered_messages", kind: gauge, unit: "messages", labels: []string{sinkLabel},
		help:   "Messages that the sink holds, not sent or not acknowledged.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Undelivered) }),
	},
	{
		name: "wallaroo_sink_connected", kind: gauge, unit: "0 or 1", labels: []string{sinkLabel},
		help: "1 while the sink has a connection to its receiver, or does not tell; 0 while it has none.",
		values: func(s *Snapshot, tell tell) {
			for i, step := range s.Plan.Of(plan.Sink) {
				connected := 0.0
				if s.Connected[i] {
					connected = 1
				}
				tell(connected, s.Plan.Steps[step].ID())
			}
		},
	},
	{
		name: "wallaroo_sink_blocked_seconds_total", kind: counter, unit: "seconds", labels: []string{sinkLabel},
		help: "How long executors, together, had something for the sink and waited, since its edges were full.",
		values: func(s *Snapshot, tell tell) {
			for i, step := range s.Plan.Of(plan.Sink) {
				var blocked time.Duration
				for n := range s.Executors {
					blocked += s.Executors[n].Spent.Sinks[i]
				}
				tell(blocked.Seconds(), s.Plan.Steps[step].ID())
			}
		},
	},
	{
		name: "wallaroo_sink_latency_seconds", kind: histogram, unit: "seconds", labels: []string{sinkLabel},
		help: "How long messages took from their source's read, the oldest of those that were processed together counting for all, " +
			"until their result was handed to the sink's connection.",
		latencies: func(s *Snapshot, tell func(*worker.Latencies, ...string)) {
			for i, step := range s.Plan.Of(plan.Sink) {
				tell(&s.Sinks[i].Latency, s.Plan.Steps[step].ID())
			}
		},
	},
}

// one is the only value of a family without a label.
func one(value func(*Snapshot) float64) func(*Snapshot, tell) {
	return func(s *Snapshot, tell tell) { tell(value(s)) }
}

// oneDurations are the only ones of a family without a label.
func oneDurations(value func(*Snapshot) worker.Durations) func(*Snapshot, func(worker.Durations, ...string)) {
	return func(s *Snapshot, tell func(worker.Durations, ...string)) { tell(value(s)) }
}

func executors(value func(*worker.ExecutorFigures) float64) func(*Snapshot, tell) {
	return func(s *Snapshot, tell tell) {
		for n := range s.Executors {
			tell(value(&s.Executors[n]), strconv.Itoa(n))
		}
	}
}

func sources(value func(*worker.SourceFigures) float64) func(*Snapshot, tell) {
	return func(s *Snapshot, tell tell) {
		for i, step := range s.Plan.Of(plan.Source) {
			tell(value(&s.Sources[i]), s.Plan.Steps[step].ID())
		}
	}
}

func sinks(value func(*worker.SinkFigures) float64) func(*Snapshot, tell) {
	return func(s *Snapshot, tell tell) {
		for i, step := range s.Plan.Of(plan.Sink) {
			tell(value(&s.Sinks[i]), s.Plan.Steps[step].ID())
		}
	}
}

// stepMessages tells of steps that compute; what comes to sources and sinks has families of its own.
func stepMessages(s *Snapshot, tell tell) {
	for n := range s.Plan.Steps {
		step := &s.Plan.Steps[n]
		if step.Kind == plan.Source || step.Kind == plan.Sink {
			continue
		}
		var messages uint64
		if n < len(s.Steps) {
			messages = s.Steps[n]
		}
		tell(float64(messages), step.ID())
	}
}

// stepErrors has a value for all user code there is, from the start on, so that the first error is seen as an increase.
func stepErrors(s *Snapshot, tell tell) {
	errors := map[string]uint64{}
	for i := range s.Plan.Steps {
		step := &s.Plan.Steps[i]
		errors[step.ID()] = 0
		if step.Key != "" {
			errors[step.ID()+" key"] = 0
		}
	}
	for id, n := range s.Failures {
		errors[strings.ToValidUTF8(id, "\uFFFD")] += n // Prometheus knows no other labels
	}
	for _, id := range slices.Sorted(maps.Keys(errors)) {
		tell(float64(errors[id]), id)
	}
}
