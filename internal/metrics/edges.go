package metrics

import (
	"math"
	"strconv"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// edgeLabels name an edge: from a source or an executor, to an executor or a sink. An edge between executors has the step, too, whose
// messages it carries; else that is the sink, or the source.
var edgeLabels = []string{fromLabel, toLabel, stepLabel}

var ofEdges = []family{
	{
		name: "wallaroo_edge_messages_total", kind: counter, unit: "messages", labels: edgeLabels,
		help:   "Messages handed on by the edge.",
		values: edges(func(e *worker.EdgeFigures) float64 { return float64(e.Total.Messages) }),
	},
	{
		name: "wallaroo_edge_bytes_total", kind: counter, unit: "bytes", labels: edgeLabels,
		help: "Bytes of the messages handed on by the edge; between executors of a Go application the memory that the messages take, as far " +
			"as it is known.",
		values: edges(func(e *worker.EdgeFigures) float64 { return float64(e.Total.Bytes) }),
	},
	{
		name: "wallaroo_edge_queued_messages", kind: gauge, unit: "messages", labels: edgeLabels,
		help:   "Messages in the edge: handed on and not processed, or, by an edge to a sink, not delivered.",
		values: edges(func(e *worker.EdgeFigures) float64 { return float64(e.Queued.Messages) }),
	},
	{
		name: "wallaroo_edge_queued_bytes", kind: gauge, unit: "bytes", labels: edgeLabels,
		help:   "Bytes of the messages in the edge.",
		values: edges(func(e *worker.EdgeFigures) float64 { return float64(e.Queued.Bytes) }),
	},
	{
		name: "wallaroo_edge_credit_messages", kind: gauge, unit: "messages", labels: edgeLabels,
		help:   "Messages that may be in the edge before what feeds it waits, +Inf if only bytes bound it. It follows the executor's pace.",
		values: edges(func(e *worker.EdgeFigures) float64 { return bound(e.Limit.Messages) }),
	},
	{
		name: "wallaroo_edge_credit_bytes", kind: gauge, unit: "bytes", labels: edgeLabels,
		help:   "Bytes that may be in the edge before what feeds it waits.",
		values: edges(func(e *worker.EdgeFigures) float64 { return bound(e.Limit.Bytes) }),
	},
}

// bound is a limit as Prometheus shows it.
func bound(n int) float64 {
	if n == math.MaxInt {
		return math.Inf(1)
	}
	return float64(n)
}

func edges(value func(*worker.EdgeFigures) float64) func(*Snapshot, tell) {
	return func(s *Snapshot, tell tell) {
		sources, sinks, stages := s.Plan.Of(plan.Source), s.Plan.Of(plan.Sink), s.Plan.Stages()
		for i := range s.Edges {
			e := &s.Edges[i]
			from, to := strconv.Itoa(e.From), strconv.Itoa(e.To)
			var step string
			switch {
			case e.Source >= 0:
				from = s.Plan.Steps[sources[e.Source]].ID()
				step = from
			case e.Sink >= 0:
				to = s.Plan.Steps[sinks[e.Sink]].ID()
				step = to
			default:
				step = s.Plan.Steps[stages[e.Stage].Entry].ID()
			}
			tell(value(e), from, to, step)
		}
	}
}
