package worker_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// goCrew brings up executors that run an imagined application: one that keeps counters, moves them, and checks what it is told.
type goCrew struct {
	t    *testing.T
	app  *imagined
	took time.Duration // for each message, in the bubble's time

	slow   time.Duration // that every other executor takes to give state out
	credit int           // messages that a call may have
	mu     sync.Mutex
	most   worker.Overrun // that one call gave for one target; guarded by mu, as is moved
	moved  int            // counters that left a partition's old owner
}

// gave takes note of what a call gave.
func (c *goCrew) gave(out map[worker.Target]*message.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := 0
	for to, b := range out {
		switch to.Kind {
		case worker.ToSink:
			c.most.Sink = max(c.most.Sink, len(b.Payload))
		case worker.ToExecutor:
			c.most.Exchange = max(c.most.Exchange, b.Count())
		case worker.ToQueue:
			waiting += worker.Weight(b)
		}
	}
	c.most.Waiting = max(c.most.Waiting, waiting)
}

func (c *goCrew) Dismiss(context.Context, int) {}

func (c *goCrew) Start(_ context.Context, number int) (worker.Recruit, error) {
	return &goExecutor{crew: c, number: number, calls: make(chan func(func([]worker.Event)), worker.CallsAhead)}, nil
}

// goExecutor does in Go what a Python process does: the same stages, state, shut queues and packed messages.
type goExecutor struct {
	crew   *goCrew
	number int
	calls  chan func(deliver func([]worker.Event))
	owners map[int][]int          // by island and partition
	state  map[int]map[string]int // by partition: counters, by STATE:KEY
	shut   map[worker.Target]bool // queues that are shut; whether the state of their partition is here
}

func (x *goExecutor) Prepare(_ context.Context, table *partition.Table) (worker.Executor, error) {
	x.owners, x.state, x.shut = map[int][]int{}, map[int]map[string]int{}, map[worker.Target]bool{}
	for _, s := range x.crew.app.stages {
		x.owners[s.Island] = append([]int(nil), table.Owners...)
	}
	return x, nil
}

func (x *goExecutor) Serve(ctx context.Context, deliver func([]worker.Event)) error {
	for {
		select {
		case call := <-x.calls:
			call(deliver)
		case <-ctx.Done():
			return nil
		}
	}
}

func (x *goExecutor) begin(call func(deliver func([]worker.Event))) {
	select {
	case x.calls <- call:
	default:
		x.crew.t.Error("more calls begun than may be")
	}
}

func (x *goExecutor) Process(c worker.Call) {
	x.begin(func(deliver func([]worker.Event)) {
		if n := c.Batch.Count(); n > x.crew.credit {
			x.crew.t.Errorf("a call of %d messages with a credit of %d", n, x.crew.credit)
		}
		run := &goRun{goExecutor: x, stage: c.Stage, settles: c.Settles, out: map[worker.Target]*message.Batch{}}
		for _, text := range texts(c.Batch) {
			pause(x.crew.took)
			run.message(c.Stage, parse(text))
		}
		x.crew.gave(run.out)
		deliver(append(run.events(c.ID), worker.Event{Call: c.ID, Done: true}))
	})
}

func (x *goExecutor) Switch(s worker.Switch) {
	x.begin(func(deliver func([]worker.Event)) {
		var events []worker.Event
		for _, m := range s.Moves {
			if x.owners[s.Island][m.Partition] != m.From {
				x.crew.t.Errorf("partition %d of island %d leaves %d, and is %d's", m.Partition, s.Island, m.From, x.owners[s.Island][m.Partition])
			}
			x.owners[s.Island][m.Partition] = m.Owner
			if m.From == x.number {
				pause(x.crew.slow * time.Duration(x.number%2))
				for _, part := range x.takeOut(s.Island, m.Partition) {
					events = append(events, worker.Event{Call: s.ID, State: part})
				}
			}
			for n, stage := range x.crew.app.stages {
				if stage.Keyed && stage.Island == s.Island && m.Owner == x.number {
					x.shut[worker.Target{Kind: worker.ToQueue, Stage: n, Partition: m.Partition}] = false
				}
			}
		}
		deliver(append(events, worker.Event{Call: s.ID, Done: true}))
	})
}

// takeOut removes the counters of an island in a partition, which leave in two parts.
func (x *goExecutor) takeOut(island, p int) []*worker.State {
	var lines []string
	for name, n := range x.state[p] {
		if state, _, _ := strings.Cut(name, ":"); x.crew.app.islandOf(state) == island {
			lines = append(lines, fmt.Sprintf("%s %d", name, n))
			delete(x.state[p], name)
		}
	}
	x.crew.mu.Lock()
	x.crew.moved += len(lines)
	x.crew.mu.Unlock()
	part := func(lines []string) *worker.State {
		return &worker.State{Partition: p, Entities: len(lines), Bytes: []byte(strings.Join(lines, "\n"))}
	}
	return []*worker.State{part(lines[:len(lines)/2]), part(lines[len(lines)/2:])}
}

func (x *goExecutor) Load(l worker.Load) {
	x.begin(func(deliver func([]worker.Event)) {
		for q := range x.shut {
			if q.Partition == l.State.Partition && x.crew.app.stages[q.Stage].Island == l.Island {
				x.shut[q] = true
			}
		}
		for line := range strings.Lines(string(l.State.Bytes)) {
			name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			n, err := strconv.Atoi(text)
			if err != nil {
				x.crew.t.Error(err)
			}
			x.counters(l.State.Partition)[name] = n
		}
		deliver([]worker.Event{{Call: l.ID, Done: true}})
	})
}

func (x *goExecutor) counters(p int) map[string]int {
	if x.state[p] == nil {
		x.state[p] = map[string]int{}
	}
	return x.state[p]
}

func (x *goExecutor) Open(o worker.Open) {
	x.begin(func(deliver func([]worker.Event)) {
		for _, p := range o.Partitions {
			q := worker.Target{Kind: worker.ToQueue, Stage: o.Stage, Partition: p}
			if _, shut := x.shut[q]; !shut {
				x.crew.t.Errorf("%+v is opened, which is open", q)
			}
			delete(x.shut, q)
		}
		deliver([]worker.Event{{Call: o.ID, Done: true}})
	})
}

func (x *goExecutor) Probe(id uint32) {
	x.begin(func(deliver func([]worker.Event)) { deliver([]worker.Event{{Call: id, Done: true}}) })
}

// goRun is a call of messages.
type goRun struct {
	*goExecutor
	stage   int
	settles bool
	out     map[worker.Target]*message.Batch
}

// message takes a message through a stage and the later ones that are here.
func (r *goRun) message(stage int, m imaginedMessage) {
	if stage == len(r.crew.app.stages) || r.crew.app.stages[stage].Pipeline != r.crew.app.stages[r.stage].Pipeline {
		r.put(worker.Target{Sink: r.crew.app.stages[r.stage].Pipeline}, m)
		return
	}
	s := r.crew.app.stages[stage]
	if !s.Keyed {
		for _, next := range s.fanOut(m) {
			r.message(stage+1, next)
		}
		return
	}
	key := s.key(m)
	p := r.crew.app.partitionOf(key)
	queue := worker.Target{Kind: worker.ToQueue, Stage: stage, Partition: p}
	here, shut := r.shut[queue]
	switch owner := r.owners[s.Island][p]; {
	case owner != r.number && stage == r.stage:
		r.crew.t.Errorf("executor %d got a message for partition %d, which is %d's", r.number, p, owner)
	case owner != r.number:
		r.put(worker.Target{Kind: worker.ToExecutor, Stage: stage, Executor: owner}, m)
	case shut && (!r.settles || stage != r.stage):
		if here && !r.settles {
			r.crew.t.Errorf("stage %d took a message for partition %d, while its queue was being emptied", r.stage, p)
		}
		r.put(queue, m)
	default:
		name := s.state + ":" + key
		r.counters(p)[name]++
		for _, next := range s.counted(m, key, r.counters(p)[name]) {
			r.message(stage+1, next)
		}
	}
}

func (r *goRun) put(to worker.Target, m imaginedMessage) {
	if r.out[to] == nil {
		r.out[to] = &message.Batch{}
	}
	if to.Kind == worker.ToSink {
		r.out[to].Append([]byte(m.String() + "\n"))
	} else {
		r.out[to].Pack(1, []byte(m.String()))
	}
}

func (r *goRun) events(call uint32) []worker.Event {
	var list []worker.Event
	for to, b := range r.out {
		list = append(list, worker.Event{Call: call, To: to, Output: *b})
	}
	return list
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
	wrong []string
	moved int // entities
}

func (r *report) Waiting(string)                {}
func (r *report) Ready([]string)                { close(r.ready) }
func (r *report) Resizing(int, int)             {}
func (r *report) Resized(worker.Resized, error) {}
func (r *report) Stopping()                     {}
func (r *report) Marked(m worker.Marked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved += m.Entities
}

func (r *report) Failed(_ worker.Origin, f worker.Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, f.Step+": "+f.Error)
}
