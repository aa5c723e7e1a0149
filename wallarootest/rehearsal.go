package wallarootest

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	batches "github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// partitions are enough to part any keys of a test, and few enough to move many of them often.
const partitions = 64

// rehearsal is executors of an application and what is between them: what the engine does with messages, one thing after another. It is
// calm, each message through before the next begins, or chance has it go any way that the engine might go.
type rehearsal struct {
	native    *application.Native
	stages    []plan.Stage
	chance    *rand.Rand
	owners    []int // by partition
	executors []*executor
	edges     []*edge // that hold something
	queues    []*queue
	moving    []moved
	turn      int // which executor the first source's messages come to
	outputs   [][]string
	failures  []Failure
	payloads  []string // that the call which goes on has come of, if they are known
	stop      func()
}

// executor is an executor that serves.
type executor struct {
	*gohost.Executor
	told  chan []worker.Event
	ended chan error
}

// edge is where messages wait that one executor has for a stage of another.
type edge struct {
	from, to, stage int
	batches         []batches.Batch
}

// queue is where messages wait for a partition that is not there yet, as long as it is shut.
type queue struct {
	executor, stage, partition int
	batches                    []batches.Batch
}

// moved is a partition under way, of an island.
type moved struct {
	island, partition int
	state             []worker.State
}

func newRehearsal(native *application.Native, o options) *rehearsal {
	r := &rehearsal{
		native: native, stages: native.Plan.Stages(), chance: o.chance, outputs: make([][]string, len(native.Plan.Of(plan.Sink))),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	r.stop = func() {
		cancel()
		serving.Wait()
	}
	table := partition.Even(partitions, o.executors)
	r.owners = slices.Clone(table.Owners)
	limits := gohost.Limits{Results: application.DefaultMaxResults, Bytes: application.DefaultMaxOutput}
	for number := range o.executors {
		x := &executor{told: make(chan []worker.Event), ended: make(chan error, 1)}
		x.Executor = gohost.New(gohost.Part{
			Number: number, Plan: native.Plan, Stages: r.stages, Table: table, Limits: limits, CheckOwnership: o.chance != nil,
			Fuse: func(x *gohost.Executor) gohost.Program { return native.Fuse(r.stages, x) },
		})
		r.executors = append(r.executors, x)
		serving.Go(func() {
			x.ended <- x.Serve(ctx, func(events []worker.Event) { x.told <- slices.Clone(events) })
		})
	}
	return r
}

// close ends the executors and returns when their goroutines are gone.
func (r *rehearsal) close() { r.stop() }

// call has an executor carry out a call, and takes what comes of it to where it belongs; it returns the state that comes out.
func (r *rehearsal) call(at int, begin func(*executor)) ([]worker.State, error) {
	x := r.executors[at]
	begin(x)
	var state []worker.State
	for {
		select {
		case err := <-x.ended:
			return nil, err
		case events := <-x.told:
			for _, e := range events {
				if e.State != nil {
					state = append(state, *e.State)
				}
				r.take(at, e)
				if e.Done {
					return state, nil
				}
			}
		}
	}
}

// take takes something that came of a call to where it belongs.
func (r *rehearsal) take(at int, e worker.Event) {
	if f := e.Failure; f != nil {
		failure := Failure{Step: f.Where(), Key: f.Key, Error: f.Error, Traceback: f.Traceback}
		switch {
		case r.chance == nil:
			failure.Input = r.payloads[0] // whatever the batch has come of
		case f.Index < len(r.payloads):
			failure.Input = r.payloads[f.Index]
		}
		r.failures = append(r.failures, failure)
	}
	if e.Output.Count() == 0 {
		return
	}
	switch to := e.To; to.Kind {
	case worker.ToSink:
		payload := e.Output.Payload
		for _, size := range e.Output.Sizes {
			r.outputs[to.Sink] = append(r.outputs[to.Sink], string(payload[:size]))
			payload = payload[size:]
		}
	case worker.ToExecutor:
		r.edge(at, to.Executor, to.Stage).add(e.Output)
	case worker.ToQueue:
		q := r.queue(at, to.Stage, to.Partition)
		q.batches = append(q.batches, e.Output)
	}
}

func (e *edge) add(b batches.Batch) { e.batches = append(e.batches, b) }

// edge is the edge from an executor to a stage of another.
func (r *rehearsal) edge(from, to, stage int) *edge {
	for _, e := range r.edges {
		if e.from == from && e.to == to && e.stage == stage {
			return e
		}
	}
	e := &edge{from: from, to: to, stage: stage}
	r.edges = append(r.edges, e)
	return e
}

// queue is the queue of a partition, which is there: the executor has been told that it is shut.
func (r *rehearsal) queue(executor, stage, partition int) *queue {
	i := slices.IndexFunc(r.queues, func(q *queue) bool {
		return q.executor == executor && q.stage == stage && q.partition == partition
	})
	return r.queues[i]
}

// calm takes messages through, one after another.
func (r *rehearsal) calm(messages []message) error {
	for _, m := range messages {
		r.payloads = []string{m.data}
		if err := r.feed(m.source, r.payloads); err != nil {
			return err
		}
		for len(r.edges) > 0 {
			if err := r.deliver(0, r.edges[0].count()); err != nil {
				return err
			}
		}
		r.turn++
	}
	return nil
}

func (e *edge) count() (n int) {
	for i := range e.batches {
		n += e.batches[i].Count()
	}
	return n
}

// feed gives messages of a source to an executor, as one batch: to the same one until it is another's turn, unless order does not bind
// them.
func (r *rehearsal) feed(source int, payloads []string) error {
	var b batches.Batch
	for _, payload := range payloads {
		b.Append([]byte(payload))
	}
	at := r.turn + source
	if r.stages[r.stageOf(source)].Input == plan.Spread && r.chance != nil {
		at = r.chance.IntN(len(r.executors))
	}
	return r.process(at%len(r.executors), r.stageOf(source), b, false)
}

// stageOf is the stage of a source.
func (r *rehearsal) stageOf(source int) int {
	entry := r.native.Plan.Of(plan.Source)[source]
	return slices.IndexFunc(r.stages, func(s plan.Stage) bool { return s.Entry == entry })
}

// process gives an executor a batch for a stage.
func (r *rehearsal) process(at, stage int, b batches.Batch, settles bool) error {
	_, err := r.call(at, func(x *executor) { x.Process(worker.Call{Stage: stage, Settles: settles, Batch: b}) })
	return err
}

// deliver takes so many messages from an edge, or some more, to their stage.
func (r *rehearsal) deliver(number, count int) error {
	e := r.edges[number]
	b := batches.Join(e.batches)
	some := b.Take(count)
	e.batches = nil
	if b.Count() > 0 {
		e.add(b)
	} else {
		r.edges = slices.Delete(r.edges, number, number+1)
	}
	return r.process(e.to, e.stage, some, false)
}
