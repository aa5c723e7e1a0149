package worker

import (
	"context"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Stage is where messages enter an executor, and all that they meet behind it without an exchange. It is known by its place in
// Config.Stages; messages go from stages to later ones only.
type Stage struct {
	// Entry is the number, in the application, of the step at which messages enter.
	Entry int
	// Before are the stages that hand on to it. Those without any are fed by the sources, in their order.
	Before []int
	// Sinks are the numbers of the sinks that it writes to.
	Sinks []int
	// Island is the number of its island; stages that one joins by a sink are of one, too.
	Island int
	// Keyed is a stage whose messages meet state.
	Keyed bool
	// Spread is a first stage that order does not bind: any executor takes its messages.
	Spread bool
}

// Config is what a worker runs.
type Config struct {
	Sources []connector.Source
	Sinks   []connector.Sink
	Stages  []Stage
	Crew    Crew
	Report  Report
	Limits  Limits
	// Keep is where what outlives the worker is kept; nil for nowhere.
	Keep *Keep
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
	// Streams is how many streams a source remembers, each in every checkpoint; 0 for any number.
	Streams int
	// Credit bounds the messages in an edge to an executor, and in a call, more than InFlight does; 0 if that is enough.
	Credit int
}

// Crew brings up executors and lets them go.
type Crew interface {
	// Start starts the executor of a number and has it load the application.
	Start(ctx context.Context, number int) (Recruit, error)
	// Renew prepares the executor of a number once more, which serves no longer, under a table and without state: what died is started
	// again. If that dies too, the error is a *DiedError, and it may be tried again.
	Renew(ctx context.Context, number int, table *partition.Table) (Executor, error)
	// Dismiss ends an executor that serves no more.
	Dismiss(ctx context.Context, number int)
}

// Recruit is an executor that is not prepared.
type Recruit interface {
	// Prepare makes it ready to work under a table.
	Prepare(ctx context.Context, table *partition.Table) (Executor, error)
}

// The most that an edge to an executor holds whatever the executor's rate: messages, and bytes. While that is not known it holds
// firstMessages: a marker that comes behind a thousand of a step that takes 0.1 s waits for 100 s.
const (
	firstMessages = 16
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

func (c *Config) laneCredit() Credit {
	return Credit{Messages: c.credit(firstMessages), Bytes: laneBytes}
}

func (c *Config) exchangeCredit() Credit {
	return Credit{Messages: c.credit(firstMessages), Bytes: exchangeBytes}
}

// mostAtOnce is how many messages a call has at most.
func (c *Config) mostAtOnce() int { return min(largest, c.credit(largest)) }

// graph is what the doors need to know of the stages.
func (c *Config) graph() *door.Graph {
	g := &door.Graph{}
	for _, s := range c.Stages {
		g.Stages = append(g.Stages, door.Stage{Island: s.Island, Keyed: s.Keyed, Before: s.Before})
	}
	for sink := range c.Sinks {
		g.Sinks = append(g.Sinks, c.Stages[c.writers(sink)[0]].Island)
	}
	return g
}

// writers are the stages that write to a sink.
func (c *Config) writers(sink int) []int {
	var found []int
	for n, s := range c.Stages {
		if slices.Contains(s.Sinks, sink) {
			found = append(found, n)
		}
	}
	return found
}

// after are the stages that a stage hands on to.
func (c *Config) after(stage int) []int {
	var found []int
	for n, s := range c.Stages {
		if slices.Contains(s.Before, stage) {
			found = append(found, n)
		}
	}
	return found
}
