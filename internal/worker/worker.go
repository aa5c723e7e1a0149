package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/internal/message"
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
	// Spread is a first stage that order does not bind: any executor takes its messages.
	Spread bool
}

// Config is what a worker runs.
type Config struct {
	Pipelines []Pipeline
	Stages    []Stage
	Executors []Executor
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
	Peer     string // the connection's other end; "" if the message came by another executor, which does not tell
	Position uint64 // number of the message in its connection, from 0
}

// Summary is what a worker has done.
type Summary struct {
	Accepted  uint64 // messages that sources have read
	Processed uint64 // of these, those that a first stage has taken through its steps
	Refused   uint64 // connections and messages that sources have refused
	Outputs   uint64 // messages for sinks
	Failures  uint64 // messages that a step could not process
	Delivered uint64 // of the outputs, those that sinks have delivered
}

// UndeliveredError is the error of a worker that had to end before all it had accepted was processed and delivered.
type UndeliveredError struct {
	Unprocessed uint64 // messages accepted, or on their way between executors, and not processed
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
	config  Config
	loops   []*loop
	outlets []*Outlet // by pipeline; nil where there is no sink
	ranges  []stages  // by pipeline

	accepted atomic.Uint64 // messages that sources have read
	handed   atomic.Uint64 // of these, those that lanes have handed on
	refused  atomic.Uint64 // connections and messages that sources have refused
	inside   atomic.Int64  // messages in edges to executors, and in calls
	ended    atomic.Bool   // the sources have
}

// stages are those of a pipeline: Config.Stages[first:end].
type stages struct{ first, end int }

// New makes a worker; nothing runs yet.
func New(config Config) *Worker {
	w := &Worker{config: config, ranges: make([]stages, len(config.Pipelines)), outlets: make([]*Outlet, len(config.Pipelines))}
	for n, s := range config.Stages {
		if w.ranges[s.Pipeline].end == 0 {
			w.ranges[s.Pipeline].first = n
		}
		w.ranges[s.Pipeline].end = n + 1
	}
	for _, executor := range config.Executors {
		w.loops = append(w.loops, &loop{
			wake: newSignal(), worker: w, executor: executor, pace: newPace(len(config.Stages)),
			queues: make([][]*input, len(config.Stages)), sinks: make([]*Edge, len(config.Pipelines)),
		})
	}
	for _, l := range w.loops {
		w.join(l)
	}
	return w
}

// join opens a loop's edges to the sinks and to the other loops.
func (w *Worker) join(l *loop) {
	for i, p := range w.config.Pipelines {
		if p.Sink == nil {
			continue
		}
		if w.outlets[i] == nil {
			w.outlets[i] = &Outlet{items: newSignal()}
		}
		credit := Credit{Messages: unlimited, Bytes: w.config.SinkBuffer}
		l.sinks[i] = newEdge(credit, w.outlets[i].items.notify, l.news)
		w.outlets[i].edges = append(w.outlets[i].edges, l.sinks[i])
	}
	l.stages = make([][]*input, len(w.config.Stages))
	for n, s := range w.config.Stages {
		if n == w.ranges[s.Pipeline].first {
			continue // it takes from connections only
		}
		l.stages[n] = make([]*input, len(w.loops))
		for m, other := range w.loops {
			if other != l {
				l.stages[n][m] = other.openExchange(n, l)
			}
		}
	}
}

// Deliver tells the worker what came of an executor's calls, in order; it is called from one goroutine for each executor. It does not
// block.
func (w *Worker) Deliver(executor int, events []Event) {
	l := w.loops[executor]
	l.deliver(events)
	l.news()
}

// put hands messages to a loop.
func (w *Worker) put(in *input, b message.Batch) {
	w.inside.Add(int64(b.Count()))
	in.edge.write(b)
}

// settled says that messages are processed, and what came of them was put.
func (w *Worker) settled(messages int) {
	if w.inside.Add(-int64(messages)) == 0 && w.ended.Load() {
		w.wakeAll()
	}
}

// finished reports whether nothing is left to process, and nothing will come.
func (w *Worker) finished() bool { return w.ended.Load() && w.inside.Load() == 0 }

func (w *Worker) wakeAll() {
	for _, l := range w.loops {
		l.wake.notify()
	}
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
	for _, l := range w.loops {
		group.Go(func() error { return l.run(ctx) })
	}
	for i, p := range w.config.Pipelines {
		if p.Sink != nil {
			group.Go(func() error { return p.Sink.Run(ctx, w.outlets[i]) })
		}
	}
	return group.Wait()
}

func (w *Worker) runSources(ctx, stop context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range w.config.Pipelines {
		stage := w.ranges[i].first
		inlet := &Inlet{worker: w, stage: stage, spread: w.config.Stages[stage].Spread}
		group.Go(func() error { return p.Source.Run(ctx, stop, inlet) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	w.ended.Store(true)
	w.wakeAll()
	return nil
}

// verdict makes the error of a worker that was late one that says what is left.
func (w *Worker) verdict(err error) error {
	if !errors.Is(err, errLate) {
		return err
	}
	s := w.Summary()
	unprocessed := s.Accepted - w.handed.Load() + uint64(w.inside.Load())
	if unprocessed == 0 && s.Delivered == s.Outputs {
		return nil // only connections were still open
	}
	return &UndeliveredError{Unprocessed: unprocessed, Outputs: s.Outputs - s.Delivered, Within: w.config.StopWithin}
}

// Summary is what the worker has done.
func (w *Worker) Summary() Summary {
	s := Summary{Accepted: w.accepted.Load(), Refused: w.refused.Load()}
	for _, l := range w.loops {
		l.turning.Lock()
		s.Processed += l.processed
		s.Outputs += l.outputs
		s.Failures += l.failures
		l.turning.Unlock()
	}
	s.Delivered = s.Outputs
	for _, o := range w.outlets {
		if o != nil {
			s.Delivered -= uint64(o.undelivered())
		}
	}
	return s
}
