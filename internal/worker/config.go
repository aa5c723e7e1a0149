package worker

import (
	"context"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Pipeline is the ends of one pipeline; Sink is nil when its last step keeps the results.
type Pipeline struct {
	Source Source
	Sink   Sink
}

// Stage is a part of a pipeline that runs without an exchange. Stages of a pipeline follow one another in Config.Stages, in the order in
// which messages go through them.
type Stage struct {
	Pipeline int
	// Island is the number of its island.
	Island int
	// Keyed is a stage whose messages meet state.
	Keyed bool
	// Spread is a first stage that order does not bind: any executor takes its messages.
	Spread bool
}

// Config is what a worker runs.
type Config struct {
	Pipelines []Pipeline
	Stages    []Stage
	Crew      Crew
	Report    Report
	Limits    Limits
	// StopWithin is how long Run may go on after it was asked to stop.
	StopWithin time.Duration
	// Chaos disturbs the worker, for tests; nil for peace.
	Chaos *Chaos
}

// Limits bound what is in flight.
type Limits struct {
	// SinkBuffer bounds the bytes that each sink may hold undelivered of each executor before its pipeline's sources slow down. A call's
	// output may go beyond.
	SinkBuffer int
	// MoveBuffer bounds the bytes that may wait in each executor for partitions that are on their way, with messageWeight for each message.
	// A call's output may go beyond.
	MoveBuffer int
	// InFlight is how long an executor may take, at its own rate, for what is in an edge to it, or in the calls it has begun.
	InFlight time.Duration
	// Credit bounds the messages in an edge to an executor, and in a call, more than InFlight does; 0 if that is enough.
	Credit int
}

// Crew brings up executors and lets them go.
type Crew interface {
	// Start starts the executor of a number and has it load the application.
	Start(ctx context.Context, number int) (Recruit, error)
	// Dismiss ends an executor that serves no more.
	Dismiss(ctx context.Context, number int)
}

// Recruit is an executor that is not prepared.
type Recruit interface {
	// Prepare makes it ready to work under a table.
	Prepare(ctx context.Context, table *partition.Table) (Executor, error)
}

// The most that an edge to an executor holds whatever the executor's rate: messages, and bytes.
const (
	mostMessages  = 1 << 15
	laneBytes     = 512 << 10
	exchangeBytes = 1 << 20
)

// credit is how many messages an edge may hold to an executor that takes so many through in the time they may be in flight.
func (c *Config) credit(messages int) int {
	if c.Limits.Credit > 0 {
		return c.Limits.Credit
	}
	return max(1, min(messages, mostMessages))
}

func (c *Config) laneCredit() Credit { return Credit{Messages: c.credit(largest), Bytes: laneBytes} }

func (c *Config) exchangeCredit() Credit {
	return Credit{Messages: c.credit(largest), Bytes: exchangeBytes}
}

// mostAtOnce is how many messages a call has at most.
func (c *Config) mostAtOnce() int { return min(largest, c.credit(largest)) }

// graph is what the doors need to know of the stages.
func (c *Config) graph() *door.Graph {
	g := &door.Graph{}
	for n, s := range c.Stages {
		stage := door.Stage{Island: s.Island, Keyed: s.Keyed}
		if n > 0 && c.Stages[n-1].Pipeline == s.Pipeline {
			stage.Before = []int{n - 1}
		}
		g.Stages = append(g.Stages, stage)
	}
	for i := range c.Pipelines {
		g.Sinks = append(g.Sinks, c.islandOf(i))
	}
	return g
}

// islandOf is the island of a pipeline; -1 if the pipeline has no sink, so that none is waited for.
func (c *Config) islandOf(pipeline int) int {
	for _, s := range c.Stages {
		if s.Pipeline == pipeline && c.Pipelines[pipeline].Sink != nil {
			return s.Island
		}
	}
	return -1
}
