package metrics

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// snapshot is what one scrape shows.
type snapshot struct {
	plan *plan.Plan
	worker.Figures
	letters deadletters.Counts
}

// tell takes a value; the label is "" in a family that has none.
type tell func(label string, value float64)

// family is the values that share a name.
type family struct {
	name  string
	kind  kind
	unit  string
	label string // what tells its values apart; "" if there is only one
	help  string
	// One of these makes the values: durations those of a summary, values all others.
	values    func(*snapshot, tell)
	durations func(*snapshot) worker.Durations
}

// kind is Prometheus's word for how a value behaves.
type kind string

const (
	counter kind = "counter"
	gauge   kind = "gauge"
	summary kind = "summary"
)

// The labels.
const (
	executorLabel = "executor"
	sourceLabel   = "source"
	stepLabel     = "step"
	sinkLabel     = "sink"
	reasonLabel   = "reason"
)

// families are all that a worker shows, in the order of the documentation.
var families = slices.Concat(ofWorker, ofExecutors, ofSources, ofSteps, ofDeadLetters, ofSinks)

var ofWorker = []family{
	{
		name: "wallaroo_executors", kind: gauge, unit: "executors",
		help:   "Executors, those that are joining or leaving included.",
		values: one(func(s *snapshot) float64 { return float64(len(s.Executors)) }),
	},
	{
		name: "wallaroo_processed_messages_total", kind: counter, unit: "messages",
		help:   "Messages of sources that the first stage of their pipeline has taken through its steps.",
		values: one(func(s *snapshot) float64 { return float64(s.Processed) }),
	},
	{
		name: "wallaroo_markers_total", kind: counter, unit: "markers",
		help:   "Markers that all executors have passed.",
		values: one(func(s *snapshot) float64 { return float64(s.Moved.Markers) }),
	},
	{
		name: "wallaroo_partitions_moved_total", kind: counter, unit: "partitions",
		help:   "Partitions that have moved from one executor to another.",
		values: one(func(s *snapshot) float64 { return float64(s.Moved.Partitions) }),
	},
	{
		name: "wallaroo_partition_wait_seconds", kind: summary, unit: "seconds",
		help: "How long a partition that moved was closed, once in each island with state: from when its old executor gave it out " +
			"until its new one had it open and had processed all that had waited for it there.",
		durations: func(s *snapshot) worker.Durations { return s.Moved.Waits },
	},
	{
		name: "wallaroo_partition_wait_longest_seconds", kind: gauge, unit: "seconds",
		help:   "The longest that a partition was closed, since the start.",
		values: one(func(s *snapshot) float64 { return s.Moved.Waits.Longest.Seconds() }),
	},
	{
		name: "wallaroo_alignment_seconds", kind: summary, unit: "seconds",
		help: "How long markers took to align: from the first edge that brought one to an island on an executor until " +
			"all had and the island passed it.",
		durations: func(s *snapshot) worker.Durations { return s.Alignment },
	},
	{
		name: "wallaroo_alignment_longest_seconds", kind: gauge, unit: "seconds",
		help:   "The longest that a marker took to align, since the start.",
		values: one(func(s *snapshot) float64 { return s.Alignment.Longest.Seconds() }),
	},
}

var ofExecutors = []family{
	{
		name: "wallaroo_executor_partitions", kind: gauge, unit: "partitions", label: executorLabel,
		help:   "Partitions that the executor owns.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.Partitions) }),
	},
	{
		name: "wallaroo_executor_queued_messages", kind: gauge, unit: "messages", label: executorLabel,
		help:   "Messages in the edges to the executor, or taken from them and not processed.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.Queued) }),
	},
	{
		name: "wallaroo_executor_move_buffer_bytes", kind: gauge, unit: "bytes", label: executorLabel,
		help:   "What waits in the executor for partitions on their way to it; each message weighs something beyond its bytes.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.Waiting) }),
	},
	{
		name: "wallaroo_executor_edges_without_credit", kind: gauge, unit: "edges", label: executorLabel,
		help:   "Edges from the executor, to sinks and to other executors, that are full: what is behind them slows it down.",
		values: executors(func(e *worker.ExecutorFigures) float64 { return float64(e.OutOfRoom) }),
	},
}

var ofSources = []family{
	{
		name: "wallaroo_source_messages_total", kind: counter, unit: "messages", label: sourceLabel,
		help:   "Messages that the source has read.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Accepted.Messages) }),
	},
	{
		name: "wallaroo_source_bytes_total", kind: counter, unit: "bytes", label: sourceLabel,
		help:   "Payload of the messages that the source has read, without their length headers.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Accepted.Bytes) }),
	},
	{
		name: "wallaroo_source_refused_total", kind: counter, unit: "connections and messages", label: sourceLabel,
		help:   "Connections and messages that the source has refused.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Refused) }),
	},
	{
		name: "wallaroo_source_connections", kind: gauge, unit: "connections", label: sourceLabel,
		help:   "Connections to the source that are open.",
		values: sources(func(f *worker.SourceFigures) float64 { return float64(f.Connections) }),
	},
}

var ofSteps = []family{
	{
		name: "wallaroo_step_messages_total", kind: counter, unit: "messages", label: stepLabel,
		help: "Messages that came to the step.", values: stepMessages,
	},
	{
		name: "wallaroo_step_errors_total", kind: counter, unit: "messages", label: stepLabel,
		help: "Messages that went no further because user code raised an error: a step, a source's decoder (PIPELINE/source), " +
			"a function that finds a key (PIPELINE/STEP key) or a sink's encoder (PIPELINE/sink).",
		values: stepErrors,
	},
}

var ofDeadLetters = []family{
	{
		name: "wallaroo_dead_letters_written_total", kind: counter, unit: "dead letters",
		help:   "Dead letters that were written to the data directory.",
		values: one(func(s *snapshot) float64 { return float64(s.letters.Written) }),
	},
	{
		name: "wallaroo_dead_letters_dropped_total", kind: counter, unit: "dead letters", label: reasonLabel,
		help: "Dead letters that are lost: room was made for others while they had not been replayed (room), or they could not be " +
			"written (error).",
		values: func(s *snapshot, tell tell) {
			tell("error", float64(s.letters.Failed))
			tell("room", float64(s.letters.Dropped))
		},
	},
	{
		name: "wallaroo_dead_letters_replayed_total", kind: counter, unit: "dead letters",
		help:   "Dead letters that were replayed.",
		values: one(func(s *snapshot) float64 { return float64(s.letters.Replayed) }),
	},
}

var ofSinks = []family{
	{
		name: "wallaroo_sink_messages_total", kind: counter, unit: "messages", label: sinkLabel,
		help:   "Messages handed to the sink.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Outputs.Messages) }),
	},
	{
		name: "wallaroo_sink_bytes_total", kind: counter, unit: "bytes", label: sinkLabel,
		help:   "Bytes of the messages handed to the sink: what its encoder returned, and the headers.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Outputs.Bytes) }),
	},
	{
		name: "wallaroo_sink_delivered_messages_total", kind: counter, unit: "messages", label: sinkLabel,
		help:   "Messages whose bytes the receiver's system has acknowledged.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Delivered.Messages) }),
	},
	{
		name: "wallaroo_sink_delivered_bytes_total", kind: counter, unit: "bytes", label: sinkLabel,
		help:   "Bytes that the receiver's system has acknowledged.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Delivered.Bytes) }),
	},
	{
		name: "wallaroo_sink_undelivered_messages", kind: gauge, unit: "messages", label: sinkLabel,
		help:   "Messages that the sink holds, not sent or not acknowledged.",
		values: sinks(func(f *worker.SinkFigures) float64 { return float64(f.Undelivered) }),
	},
}

// one is the only value of a family without a label.
func one(value func(*snapshot) float64) func(*snapshot, tell) {
	return func(s *snapshot, tell tell) { tell("", value(s)) }
}

func executors(value func(*worker.ExecutorFigures) float64) func(*snapshot, tell) {
	return func(s *snapshot, tell tell) {
		for n := range s.Executors {
			tell(strconv.Itoa(n), value(&s.Executors[n]))
		}
	}
}

func sources(value func(*worker.SourceFigures) float64) func(*snapshot, tell) {
	return func(s *snapshot, tell tell) {
		for i, step := range s.plan.Of(plan.Source) {
			tell(s.plan.Steps[step].ID(), value(&s.Sources[i]))
		}
	}
}

func sinks(value func(*worker.SinkFigures) float64) func(*snapshot, tell) {
	return func(s *snapshot, tell tell) {
		for i, step := range s.plan.Of(plan.Sink) {
			tell(s.plan.Steps[step].ID(), value(&s.Sinks[i]))
		}
	}
}

// stepMessages tells of steps that compute; what comes to sources and sinks has families of its own.
func stepMessages(s *snapshot, tell tell) {
	for n := range s.plan.Steps {
		step := &s.plan.Steps[n]
		if step.Kind == plan.Source || step.Kind == plan.Sink {
			continue
		}
		var messages uint64
		if n < len(s.Steps) {
			messages = s.Steps[n]
		}
		tell(step.ID(), float64(messages))
	}
}

// stepErrors has a value for all user code there is, from the start on, so that the first error is seen as an increase.
func stepErrors(s *snapshot, tell tell) {
	errors := map[string]uint64{}
	for i := range s.plan.Steps {
		step := &s.plan.Steps[i]
		errors[step.ID()] = 0
		if step.Key != "" {
			errors[step.ID()+" key"] = 0
		}
	}
	for id, n := range s.Failures {
		errors[strings.ToValidUTF8(id, "\uFFFD")] += n // Prometheus knows no other labels
	}
	for _, id := range slices.Sorted(maps.Keys(errors)) {
		tell(id, float64(errors[id]))
	}
}
