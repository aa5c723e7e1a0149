package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// imaginedCounter is the state of the imagined application's steps.
type imaginedCounter struct{ N int }

// build puts the imagined application together by the Go API.
func (a *imagined) build(sources []*numbered, sinks []*recording) *wallaroo.App {
	app := wallaroo.New("imagined")
	streams := make([]wallaroo.Stream[imaginedMessage], len(a.steps))
	for n := range a.steps {
		s := &a.steps[n]
		var in wallaroo.Stream[imaginedMessage]
		for i, before := range s.after {
			if i == 0 {
				in = streams[before]
			} else {
				in = in.Merge(streams[before])
			}
		}
		switch s.kind {
		case plan.Source:
			streams[n] = app.From(fmt.Sprint("p", s.pipeline), sources[s.pipeline].source())
		case plan.Sink:
			in.To(fmt.Sprint("out ", s.sink), sinks[s.sink].sink())
		case plan.StateComputation:
			streams[n] = s.addCount(in)
		case plan.Computation:
			var options []wallaroo.Option
			if s.parallel {
				options = append(options, wallaroo.Parallel())
			}
			if s.loses == filters {
				streams[n] = in.Filter(s.name(), func(m imaginedMessage) bool { return !s.isLost(m) }, options...)
			} else {
				streams[n] = in.FlatMap(s.name(), s.fanOut, options...)
			}
		}
	}
	return app
}

// addCount adds the step, which has state, to a stream. Half of the states have keys that are text, the others numbers.
func (s *imaginedStep) addCount(in wallaroo.Stream[imaginedMessage]) wallaroo.Stream[imaginedMessage] {
	options := []wallaroo.Option{wallaroo.State(s.state)}
	if s.loses == failsAtomic {
		options = append(options, wallaroo.Atomic())
	}
	if s.state[len(s.state)-1]%2 == 0 {
		return in.KeyBy(s.key).StatefulFlatMap(s.name(), s.count, options...)
	}
	return in.KeyBy(s.counter).StatefulFlatMap(s.name(), s.count, options...)
}

func (s *numbered) source() wallaroo.Source[imaginedMessage] {
	return wallaroo.Source[imaginedMessage]{
		Origin: connector.Origin{Kind: "numbers", Open: func(connector.Setup) (connector.Source, error) { return s, nil }},
		Decode: func(data []byte) (imaginedMessage, error) { return parse(string(data)), nil },
	}
}

func (s *recording) sink() wallaroo.Sink[imaginedMessage] {
	return wallaroo.Sink[imaginedMessage]{
		Destination: connector.Destination{Kind: "records", Open: func(connector.Setup) (connector.Sink, error) { return s, nil }},
		Encode:      func(m imaginedMessage, dst []byte) ([]byte, error) { return fmt.Appendln(dst, m), nil },
	}
}

// program is the imagined application as the engine runs it.
func (h *history) program(native *application.Native) application.Program {
	h.t.Helper()
	dir := ""
	if h.keep != nil {
		dir = "kept elsewhere"
	}
	program, err := native.Load(context.Background(), application.Options{
		DataDir:    dir,
		Partitions: h.app.partitions, MaxOutput: application.Output{Messages: 1 << 20, Bytes: 1 << 26},
		CheckOwnership: h.chance.IntN(8) == 0, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return program
}

// goCrew brings up the executors of an application in Go, and has all that they are told and tell checked.
type goCrew struct {
	worker.Crew
	t      *testing.T
	stages []plan.Stage
	took   time.Duration // for each message, in the bubble's time

	slow    time.Duration // that every other executor takes to give state out
	credit  int           // messages that a call may have
	moments *moments
	mu      sync.Mutex
	ends    map[int]func(error) // by executor: lets it die; guarded by mu, as are those below
	frail   int                 // executors that die while they begin anew
	most    worker.Overrun      // that one call gave for one target
	moved   int                 // entities that left a partition's old owner
}

// startTime is how long it takes an executor to start.
const startTime = 5 * time.Millisecond

// goRecruit is an executor that is not prepared.
type goRecruit struct {
	worker.Recruit
	crew   *goCrew
	number int
}

// Start has the crew start an executor, which takes a while in every other case: others may die meanwhile.
func (c *goCrew) Start(ctx context.Context, number int) (worker.Recruit, error) {
	<-time.After(time.Duration(number%2) * startTime)
	recruit, err := c.Crew.Start(ctx, number)
	return &goRecruit{recruit, c, number}, err
}

// Prepare puts the checks around the executor.
func (r *goRecruit) Prepare(ctx context.Context, table *partition.Table) (worker.Executor, error) {
	executor, err := r.Recruit.Prepare(ctx, table)
	return r.crew.checked(executor, r.number, table), err
}

// Renew puts the checks around an executor that begins anew.
func (c *goCrew) Renew(ctx context.Context, number int, table *partition.Table) (worker.Executor, error) {
	c.mu.Lock()
	dies := c.frail > 0
	c.frail = max(0, c.frail-1)
	c.mu.Unlock()
	if dies {
		return nil, &worker.DiedError{Executor: number, Err: errDied}
	}
	c.moments.pass()
	executor, err := c.Crew.Renew(ctx, number, table)
	return c.checked(executor, number, table), err
}

func (c *goCrew) checked(executor worker.Executor, number int, table *partition.Table) worker.Executor {
	x := &checkedExecutor{Executor: executor, crew: c, number: number, owners: map[int][]int{}, shut: map[worker.Target]bool{}}
	for _, s := range c.stages {
		x.owners[s.Island] = append([]int(nil), table.Owners...)
	}
	return x
}

// gave takes note of what a call gave.
func (c *goCrew) gave(out map[worker.Target][]message.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := 0
	for to, batches := range out {
		count, bytes := 0, 0
		for i := range batches {
			count += batches[i].Count()
			bytes += batches[i].Bytes()
			if to.Kind == worker.ToQueue {
				waiting += worker.Weight(&batches[i])
			}
		}
		switch to.Kind {
		case worker.ToSink:
			c.most.Sink = max(c.most.Sink, bytes)
		case worker.ToExecutor:
			c.most.Exchange = max(c.most.Exchange, count)
		}
	}
	c.most.Waiting = max(c.most.Waiting, waiting)
}

// texts are the messages of a batch.
func texts(b message.Batch) []string {
	var list []string
	for b.Count() > 0 {
		list = append(list, string(b.Take(1).Payload))
	}
	return list
}

// report keeps what a worker tells.
type report struct {
	ready chan struct{}
	mu    sync.Mutex
	wrong map[string]int // failures, by step
	runs  []failure      // the same, as far as they have not been rolled back
	moved int            // entities
	away  int            // partitions that have moved
}

func (r *report) Waiting(string)                   {}
func (r *report) Ready([]string)                   { close(r.ready) }
func (r *report) Resizing(int, int)                {}
func (r *report) Resized(worker.Resized, error)    {}
func (r *report) Stopping()                        {}
func (r *report) Checkpointed(worker.Checkpointed) {}
func (r *report) NotKept(uint64, error)            {}
func (r *report) Untidy(error)                     {}
func (r *report) Recovering(error)                 {}
func (r *report) Restoring(worker.Restoring)       {}
func (r *report) Restored(worker.Restoring)        {}
func (r *report) Recovered()                       {}
func (r *report) Convicted(worker.Skip)            {}
func (r *report) Marked(m worker.Marked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved += m.Entities
	r.away += m.Partitions
}

func (r *report) Failed(o worker.Origin, f worker.Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong[f.Step]++
	r.runs = append(r.runs, failure{f.Step, o.Epoch})
}

// failure is a message that failed at a step, in an epoch.
type failure struct {
	step  string
	epoch uint64
}

// rollBack forgets the failures behind an epoch.
func (r *report) rollBack(to uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = slices.DeleteFunc(r.runs, func(f failure) bool { return f.epoch > to })
	clear(r.wrong)
	for _, f := range r.runs {
		r.wrong[f.step]++
	}
}
