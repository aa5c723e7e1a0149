package worker_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// checkedExecutor is an executor around which all is checked that it is told and that it tells.
type checkedExecutor struct {
	worker.Executor
	crew   *goCrew
	number int
	mu     sync.Mutex
	calls  []*checkedCall // begun and not done, the first first; guarded by mu
	// What the executor must know when the calls are carried out that are done.
	owners map[int][]int          // by island and partition
	shut   map[worker.Target]bool // queues that are shut; whether the state of their partition is here
}

// checkedCall is a call that has begun.
type checkedCall struct {
	messages int // 0 if it is no call of messages
	stage    int
	settles  bool
	out      map[worker.Target][]message.Batch
	done     func() // what the executor knows then
}

func (x *checkedExecutor) begin(c checkedCall) {
	x.crew.moments.pass()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.calls = append(x.calls, &c); len(x.calls) > worker.CallsAhead {
		x.crew.t.Errorf("%d calls begun", len(x.calls))
	}
}

func (x *checkedExecutor) Process(c worker.Call) {
	n := c.Batch.Count()
	if n > x.crew.credit {
		x.crew.t.Errorf("a call of %d messages with a credit of %d", n, x.crew.credit)
	}
	x.begin(checkedCall{messages: n, stage: c.Stage, settles: c.Settles, done: func() {}})
	x.Executor.Process(c)
}

func (x *checkedExecutor) Replay(id uint32, r worker.Replay) {
	x.begin(checkedCall{messages: 1, stage: r.Stage, done: func() {}})
	x.Executor.Replay(id, r)
}

func (x *checkedExecutor) Switch(s worker.Switch) {
	x.begin(checkedCall{done: func() { x.switched(s) }})
	x.Executor.Switch(s)
}

func (x *checkedExecutor) switched(s worker.Switch) {
	for _, m := range s.Moves {
		if owner := x.owners[s.Island][m.Partition]; owner != m.From {
			x.crew.t.Errorf("partition %d of island %d leaves %d, and is %d's", m.Partition, s.Island, m.From, owner)
		}
		x.owners[s.Island][m.Partition] = m.Owner
		if m.Owner != x.number {
			continue
		}
		for n, stage := range x.crew.stages {
			if stage.Input == plan.Keyed && stage.Island == s.Island {
				x.shut[worker.Target{Kind: worker.ToQueue, Stage: n, Partition: m.Partition}] = false
			}
		}
	}
}

func (x *checkedExecutor) Load(l worker.Load) {
	x.begin(checkedCall{done: func() {
		for q := range x.shut {
			if q.Partition == l.State.Partition && x.crew.stages[q.Stage].Island == l.Island {
				x.shut[q] = true
			}
		}
	}})
	x.Executor.Load(l)
}

func (x *checkedExecutor) Open(o worker.Open) {
	x.begin(checkedCall{done: func() {
		for _, p := range o.Partitions {
			q := worker.Target{Kind: worker.ToQueue, Stage: o.Stage, Partition: p}
			if here, shut := x.shut[q]; !shut || !here {
				x.crew.t.Errorf("%+v is opened, which is open or awaits its partition", q)
			}
			delete(x.shut, q)
		}
	}})
	x.Executor.Open(o)
}

func (x *checkedExecutor) Probe(id uint32) {
	x.begin(checkedCall{done: func() {}})
	x.Executor.Probe(id)
}

func (x *checkedExecutor) Mark(id uint32, island int) {
	x.begin(checkedCall{done: func() {}})
	x.Executor.Mark(id, island)
}

func (x *checkedExecutor) Save(id uint32, bytes int) {
	x.begin(checkedCall{done: func() {}})
	x.Executor.Save(id, bytes)
}

func (x *checkedExecutor) Care(id uint32, c worker.Care) {
	x.begin(checkedCall{done: func() {}})
	x.Executor.Care(id, c)
}

func (x *checkedExecutor) Restore(id uint32, entities []byte) {
	x.begin(checkedCall{done: func() {}})
	x.Executor.Restore(id, entities)
}

// errBack is an executor that would go on for ever.
var errBack = errors.New("what comes out of a queue goes back into it")

// errDied is an executor that is killed.
var errDied = errors.New("killed")

// Serve lets the executor's time pass, and checks what comes of the calls.
func (x *checkedExecutor) Serve(ctx context.Context, deliver func([]worker.Event)) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	x.crew.mu.Lock()
	if x.crew.ends != nil {
		x.crew.ends[x.number] = end
	}
	x.crew.mu.Unlock()
	err := x.Executor.Serve(ctx, func(events []worker.Event) {
		x.mu.Lock()
		c := x.calls[0]
		x.mu.Unlock()
		if c.out == nil {
			c.out = map[worker.Target][]message.Batch{}
			pause(x.crew.took * time.Duration(c.messages))
		}
		leaves := false
		for i := range events {
			leaves = leaves || events[i].State != nil
			x.check(c, &events[i])
			if to := events[i].To; c.settles && to.Kind == worker.ToQueue && to.Stage == c.stage {
				end(errBack)
			}
		}
		if leaves {
			pause(x.crew.slow * time.Duration(x.number%2))
		}
		if events[len(events)-1].Done {
			x.crew.gave(c.out)
			c.done()
			x.mu.Lock()
			x.calls = x.calls[1:]
			x.mu.Unlock()
		}
		x.crew.moments.pass()
		deliver(events)
		x.crew.moments.pass()
	})
	x.crew.mu.Lock()
	delete(x.crew.ends, x.number)
	x.crew.mu.Unlock()
	if cause := context.Cause(ctx); errors.Is(cause, errBack) || errors.Is(cause, errDied) {
		return cause
	}
	return err
}

// check looks at what came of a call.
func (x *checkedExecutor) check(c *checkedCall, e *worker.Event) {
	if e.State != nil {
		x.crew.mu.Lock()
		x.crew.moved += e.State.Entities
		x.crew.mu.Unlock()
	}
	if e.Output.Count() == 0 {
		return
	}
	c.out[e.To] = append(c.out[e.To], e.Output)
	switch e.To.Kind {
	case worker.ToExecutor:
		if e.To.Stage == c.stage || e.To.Executor == x.number {
			x.crew.t.Errorf("executor %d got messages at stage %d and gives them to %+v", x.number, c.stage, e.To)
		}
	case worker.ToQueue:
		here, shut := x.shut[e.To]
		switch {
		case !shut:
			x.crew.t.Errorf("%+v is open, and messages are to wait in it", e.To)
		case here && !c.settles:
			x.crew.t.Errorf("stage %d took a message for partition %d, while its queue was being emptied", c.stage, e.To.Partition)
		}
	}
}
