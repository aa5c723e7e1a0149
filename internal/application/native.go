package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Native is an application that is written in Go, as its API has put it together.
type Native struct {
	Plan         *plan.Plan
	Origins      []*connector.Origin      // by source
	Destinations []*connector.Destination // by sink
	// Fuse makes an executor's functions.
	Fuse func(stages []plan.Stage, x *gohost.Executor) gohost.Program
	// Unchecked is what ownership cannot be checked of, since it has no bytes; nil if there is nothing.
	Unchecked error
}

// Load makes a program of it.
func (n *Native) Load(_ context.Context, o Options) (Program, error) {
	return &native{Native: n, options: o, stages: n.Plan.Stages()}, nil
}

// native is a program whose executors are goroutines of this process.
type native struct {
	*Native
	options Options
	stages  []plan.Stage
}

func (n *native) Plan() *plan.Plan { return n.Native.Plan }

// BringUp makes the first executors.
func (n *native) BringUp(context.Context) (*partition.Table, []worker.Executor, error) {
	if n.options.CheckOwnership && n.Unchecked != nil {
		return nil, nil, &ConfigError{fmt.Errorf("ownership cannot be checked: %w", n.Unchecked)}
	}
	table := partition.Even(n.options.Partitions, n.options.Executors)
	var executors []worker.Executor
	for number := range table.Executors {
		executors = append(executors, n.executor(number, table))
	}
	return table, executors, nil
}

func (n *native) executor(number int, table *partition.Table) worker.Executor {
	limits := gohost.Limits{Results: n.options.MaxOutput.Messages, Bytes: n.options.MaxOutput.Bytes, Letter: n.options.letter()}
	return gohost.New(gohost.Part{
		Number: number, Plan: n.Native.Plan, Stages: n.stages, Table: table, Limits: limits,
		CheckOwnership: n.options.CheckOwnership, Saves: n.options.DataDir != "",
		Fuse: func(x *gohost.Executor) gohost.Program { return n.Fuse(n.stages, x) },
	})
}

// Start makes one more executor; nothing of it runs before it is prepared.
func (n *native) Start(_ context.Context, number int) (worker.Recruit, error) {
	return &newcomer{n, number}, nil
}

// Renew makes an executor anew.
func (n *native) Renew(_ context.Context, number int, table *partition.Table) (worker.Executor, error) {
	return n.executor(number, table), nil
}

// Dismiss does nothing: an executor that serves no more is memory.
func (n *native) Dismiss(context.Context, int) {}

// Close does nothing.
func (n *native) Close(context.Context) {}

// Connectors opens the connectors.
func (n *native) Connectors() (sources []connector.Source, sinks []connector.Sink, err error) {
	var wrong []error
	for i, step := range n.Native.Plan.Of(plan.Source) {
		s := &n.Native.Plan.Steps[step]
		source, err := n.Origins[i].Open(n.options.setup(s.ID(), s.Outside.Place(), n.options.Log))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("source %q: %w", s.ID(), err))
		}
		sources = append(sources, source)
	}
	for i, step := range n.Native.Plan.Of(plan.Sink) {
		s := &n.Native.Plan.Steps[step]
		sink, err := n.Destinations[i].Open(n.options.setup(s.ID(), s.Outside.Place(), n.options.Log))
		if err != nil {
			wrong = append(wrong, fmt.Errorf("sink %q: %w", s.ID(), err))
		}
		sinks = append(sinks, sink)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, nil, &ConfigError{err}
	}
	return sources, sinks, nil
}

// newcomer is an executor that is not prepared.
type newcomer struct {
	program *native
	number  int
}

// Prepare makes the executor.
func (n *newcomer) Prepare(_ context.Context, table *partition.Table) (worker.Executor, error) {
	return n.program.executor(n.number, table), nil
}
