package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Pipeline is the ends of one pipeline; Sink is nil when its last step keeps the results. Its number in Config.Pipelines is that of its
// stage.
type Pipeline struct {
	Source Source
	Sink   Sink
}

// Config is what a worker runs.
type Config struct {
	Pipelines []Pipeline
	Executor  Executor
	Report    Report
	// SinkBuffer bounds the bytes that each sink may hold undelivered before its pipeline's sources slow down. A call's output may go beyond.
	SinkBuffer int
	// StopWithin is how long Run may go on after it was asked to stop.
	StopWithin time.Duration
}

// Report is told what happens. Its methods are called by the loop and must be quick.
type Report interface {
	// Waiting says what the application waits for before it can process.
	Waiting(why string)
	// Ready says that everything runs; the addresses are those that the sources listen at, by pipeline.
	Ready(addresses []string)
	// Failed says that user code could not process a message.
	Failed(Origin, Failure)
	// Stopping says that the end has begun.
	Stopping()
}

// Origin is where a message came from.
type Origin struct {
	Pipeline int
	Peer     string // the connection's other end
	Position uint64 // number of the message in its connection, from 0
}

// Summary is what a worker has done.
type Summary struct {
	Accepted  uint64 // messages that sources have read
	Refused   uint64 // connections and messages that sources have refused
	Processed uint64 // of these, those that went through their pipeline
	Outputs   uint64 // messages for sinks
	Failures  uint64 // messages that a step could not process
	Delivered uint64 // of the outputs, those that sinks have delivered
}

// UndeliveredError is the error of a worker that had to end before all it had accepted was processed and delivered.
type UndeliveredError struct {
	Unprocessed uint64 // messages accepted and not processed
	Outputs     uint64 // outputs that no sink has delivered
	Within      time.Duration
}

func (u *UndeliveredError) Error() string {
	var parts []string
	if u.Unprocessed > 0 {
		parts = append(parts, fmt.Sprintf("%d messages accepted but not processed", u.Unprocessed))
	}
	if u.Outputs > 0 {
		parts = append(parts, fmt.Sprintf("%d messages processed but not delivered", u.Outputs))
	}
	return fmt.Sprintf("not all done %s after the signal to stop: %s", u.Within, strings.Join(parts, ", "))
}

// Worker is one worker's data plane.
type Worker struct {
	config Config
	loop   *loop
}

// New makes a worker; nothing runs yet.
func New(config Config) *Worker {
	n := len(config.Pipelines)
	l := &loop{
		wake:     newSignal(),
		executor: config.Executor,
		report:   config.Report,
		pace:     newPace(n),
		queues:   make([][]*Lane, n),
		outlets:  make([]*Outlet, n),
	}
	for i, p := range config.Pipelines {
		if p.Sink != nil {
			items := newSignal()
			credit := Credit{Messages: unlimited, Bytes: config.SinkBuffer}
			l.outlets[i] = &Outlet{items: items, edge: newEdge(credit, items.notify, l.news)}
		}
	}
	return &Worker{config: config, loop: l}
}

// Deliver tells the worker what came of calls, in order; the executor calls it, from one goroutine. It does not block.
func (w *Worker) Deliver(events []Event) {
	w.loop.deliver(events)
	w.loop.news()
}

// Run connects the sinks, listens at the sources and processes until stop is done; then it processes what has arrived and delivers it,
// within Config.StopWithin, and returns nil, or *UndeliveredError. It returns the cause of ctx as soon as ctx is done. When it returns, no
// goroutine of the worker's or its connectors' is left, nor a connection.
func (w *Worker) Run(ctx, stop context.Context) error {
	defer w.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := w.connect(ctx, stop); err != nil || stop.Err() != nil {
		return context.Cause(ctx) // asked to stop before anything was accepted: nothing is left to do
	}
	addresses, err := w.listen()
	if err != nil {
		return err
	}
	w.config.Report.Ready(addresses)
	defer context.AfterFunc(stop, func() {
		w.config.Report.Stopping()
		late := time.AfterFunc(w.config.StopWithin, func() { cancel(errLate) })
		context.AfterFunc(ctx, func() { late.Stop() })
	})()
	return w.verdict(w.process(ctx, stop))
}

// close gives up what the connectors still hold.
func (w *Worker) close() {
	for _, p := range w.config.Pipelines {
		p.Source.Close()
		if p.Sink != nil {
			p.Sink.Close()
		}
	}
}

var errLate = errors.New("time is over")

// connect returns when every sink has connected once, or stop is done.
func (w *Worker) connect(ctx, stop context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(stop, cancel)()
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range w.config.Pipelines {
		if p.Sink != nil {
			w.config.Report.Waiting("connecting sink " + p.Sink.ID())
			group.Go(func() error { return p.Sink.Connect(ctx) })
		}
	}
	return group.Wait()
}

func (w *Worker) listen() ([]string, error) {
	var addresses []string
	for _, p := range w.config.Pipelines {
		a, err := p.Source.Listen()
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, a)
	}
	return addresses, nil
}

// process runs the sources, the loop and the sinks; each ends when the one before it has.
func (w *Worker) process(ctx, stop context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.runSources(ctx, stop) })
	group.Go(func() error { return w.loop.run(ctx) })
	for i, p := range w.config.Pipelines {
		if p.Sink != nil {
			group.Go(func() error { return p.Sink.Run(ctx, w.loop.outlets[i]) })
		}
	}
	return group.Wait()
}

func (w *Worker) runSources(ctx, stop context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range w.config.Pipelines {
		group.Go(func() error { return p.Source.Run(ctx, stop, &Inlet{loop: w.loop, pipeline: i}) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	w.loop.end()
	w.loop.news()
	return nil
}

// verdict makes the error of a worker that was late one that says what is left.
func (w *Worker) verdict(err error) error {
	if !errors.Is(err, errLate) {
		return err
	}
	s := w.Summary()
	if s.Processed == s.Accepted && s.Delivered == s.Outputs {
		return nil // only connections were still open
	}
	return &UndeliveredError{Unprocessed: s.Accepted - s.Processed, Outputs: s.Outputs - s.Delivered, Within: w.config.StopWithin}
}

// Summary is what the worker has done.
func (w *Worker) Summary() Summary {
	l := w.loop
	l.turning.Lock()
	defer l.turning.Unlock()
	s := Summary{
		Accepted: l.accepted.Load(), Refused: l.refused.Load(), Processed: l.processed,
		Outputs: l.outputs, Failures: l.failures, Delivered: l.outputs,
	}
	for _, o := range l.outlets {
		if o != nil {
			s.Delivered -= uint64(o.edge.messages())
		}
	}
	return s
}
