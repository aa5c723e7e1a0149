package gohost

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Code is what one executor does at a stage. It is used by that executor's goroutine only.
type Code interface {
	// Process takes messages through the stage, and through the later ones that are here: those of a source as payloads, those of other
	// executors and of queues as the values that Flush wrote.
	Process(r *Run, b *message.Batch)
	// Flush writes what the stage has for other executors and for queues.
	Flush(r *Run)
}

// State is the entities of a state, those of all partitions that are here.
type State interface {
	// TakeOut removes the entities of a partition and returns them, and how many they are.
	TakeOut(partition int) (entities any, count int)
	// PutIn takes in what another executor's TakeOut returned.
	PutIn(entities any)
	// Mark notes what is to be saved: what has changed since the last Mark. All of that is saved by then.
	Mark()
	// Save appends to what an event has Saved the entities that are to be, with so many bytes of those that were not encoded ahead. It says
	// what the event is to say: Left, Ahead, or as Stuck which entity cannot be saved.
	Save(to *worker.Event, bytes int)
	// Restore puts in an entity that was saved, whose key has none here. An error says which one, and why it cannot be read.
	Restore(*entity.Entity) error
}

// Program is an application's functions, fused for one executor.
type Program struct {
	Codes  []Code           // by stage
	States map[string]State // by name
	// Entries, by step, take a message that is sent again into it; what cannot be read they tell by Run.Unreadable.
	Entries []func(*Run, message.Letter)
	// Verify, if there is one, looks at what the functions have done when a call of messages is done.
	Verify func(*Run)
}

// Part is what an executor has to know.
type Part struct {
	Number int
	Plan   *plan.Plan
	Stages []plan.Stage // of the plan
	Table  *partition.Table
	Limits Limits
	// CheckOwnership asks for functions that check what steps hand on.
	CheckOwnership bool
	// Saves says that state is to be saved.
	Saves bool
	// Fuse makes the executor's own functions. They may keep it.
	Fuse func(*Executor) Program
}

// Limits bound what one message may become.
type Limits struct {
	Results int // of a step
	Bytes   int // for a sink
	Letter  int // that are kept of one that fails; 0 if none is kept
}

// Executor is one executor. It is a worker.Executor.
type Executor struct {
	part    Part
	program Program
	calls   chan func(*Run)
	islands map[int]*island
	shut    []map[int]bool // by stage: partitions whose queues are shut
	run     Run
}

// island is what the executor knows of one.
type island struct {
	owners []int // by partition
	stages []int // those with state
	states []string
}

// New makes the executor of a part.
func New(part Part) *Executor {
	x := &Executor{
		part: part, calls: make(chan func(*Run), worker.CallsAhead), islands: map[int]*island{}, shut: make([]map[int]bool, len(part.Stages)),
	}
	for n, s := range part.Stages {
		x.shut[n] = map[int]bool{}
		of := x.islands[s.Island]
		if of == nil {
			of = &island{owners: append([]int(nil), part.Table.Owners...)}
			x.islands[s.Island] = of
		}
		if s.Input == plan.Keyed {
			of.stages = append(of.stages, n)
			if state := part.Plan.Steps[s.Entry].State; !slices.Contains(of.states, state) { // stages may share it
				of.states = append(of.states, state)
			}
		}
	}
	x.run = newRun(x)
	x.program = part.Fuse(x)
	return x
}

// ChecksOwnership reports whether the functions are to check what steps hand on.
func (x *Executor) ChecksOwnership() bool { return x.part.CheckOwnership }

// State is the entities of a state, nil if no step here has it. Nothing may run meanwhile.
func (x *Executor) State(name string) State { return x.program.States[name] }

// Saves reports whether state is to be saved.
func (x *Executor) Saves() bool { return x.part.Saves }

// StateNumber is the place of a state in the plan.
func (x *Executor) StateNumber(name string) int {
	return slices.IndexFunc(x.part.Plan.States, func(s plan.State) bool { return s.Name == name })
}

// Partitions is the number of partitions.
func (x *Executor) Partitions() int { return len(x.part.Table.Owners) }

// patience is how long a call that goes on is waited for once nobody needs its executor: as long as one that comes back takes.
const patience = 250 * time.Millisecond

// Serve carries out calls until ctx is done. It is an error if user code ends the goroutine that it runs on.
//
// No goroutine can be ended from outside. A call that goes on when ctx is done has its patience; then Serve returns nil without it, nothing
// more is delivered, and the goroutine of a function that never returns is left behind: it goes with the process.
func (x *Executor) Serve(ctx context.Context, deliver func([]worker.Event)) error {
	var way gate
	x.run.deliver = way.leading(deliver)
	ended, whole := make(chan struct{}), false
	go func() {
		defer close(ended)
		x.carryOut(ctx)
		whole = true
	}()
	if !comesBack(ctx, ended) {
		way.shut()
		return nil
	}
	if !whole {
		return fmt.Errorf("%s: a function has ended its goroutine, as runtime.Goexit and t.FailNow do", x.part.Plan.Steps[x.run.at.step].ID())
	}
	return nil
}

// comesBack waits for an end, and reports whether it came before ctx was done and patience over.
func comesBack(ctx context.Context, ended <-chan struct{}) bool {
	select {
	case <-ended:
		return true
	case <-ctx.Done():
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case <-ended:
		return true
	case <-over.C:
		return false
	}
}

// gate is what events go through until it is shut.
type gate struct {
	mu     sync.Mutex
	isShut bool
}

// leading has events delivered as long as the gate is open.
func (g *gate) leading(deliver func([]worker.Event)) func([]worker.Event) {
	return func(events []worker.Event) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !g.isShut {
			deliver(events)
		}
	}
}

// shut returns when nothing is being delivered; nothing will be.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isShut = true
}

// carryOut carries out calls, none any more once ctx is done.
func (x *Executor) carryOut(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case call := <-x.calls:
			call(&x.run)
		case <-ctx.Done():
		}
	}
}

// Process begins a call of messages.
func (x *Executor) Process(c worker.Call) {
	x.calls <- func(r *Run) {
		r.begin(c.ID, c.Stage, c.Settles)
		x.program.Codes[c.Stage].Process(r, &c.Batch)
		x.processed(r)
	}
}

// Replay begins a call of one message that enters at a step.
func (x *Executor) Replay(id uint32, c worker.Replay) {
	x.calls <- func(r *Run) {
		r.begin(id, c.Stage, false)
		r.Stamp(time.Now().UnixNano())
		x.program.Entries[c.Step](r, c.Letter)
		x.processed(r)
	}
}

// processed ends a call of messages.
func (x *Executor) processed(r *Run) {
	for _, code := range x.program.Codes {
		code.Flush(r)
	}
	if x.program.Verify != nil {
		x.program.Verify(r)
	}
	r.done()
}

// Switch begins a call that gives an island another table.
func (x *Executor) Switch(s worker.Switch) {
	x.calls <- func(r *Run) {
		r.begin(s.ID, 0, false)
		of := x.islands[s.Island]
		for _, m := range s.Moves {
			of.owners[m.Partition] = m.Owner
			switch x.part.Number {
			case m.From:
				r.Emit(worker.Event{State: x.takeOut(of, m.Partition)})
			case m.Owner:
				for _, stage := range of.stages {
					x.shut[stage][m.Partition] = true
				}
			}
		}
		r.done()
	}
}

// takeOut removes the entities of a partition. What is live of a State is those of each state, by its name.
func (x *Executor) takeOut(of *island, p int) *worker.State {
	taken := &worker.State{Partition: p}
	all := map[string]any{}
	for _, name := range of.states {
		entities, count := x.program.States[name].TakeOut(p)
		if count > 0 {
			all[name] = entities
			taken.Entities += count
		}
	}
	taken.Live = all
	return taken
}

// Load begins a call that puts in state.
func (x *Executor) Load(l worker.Load) {
	x.calls <- func(r *Run) {
		r.begin(l.ID, 0, false)
		for name, entities := range l.State.Live.(map[string]any) {
			x.program.States[name].PutIn(entities)
		}
		r.done()
	}
}

// Open begins a call that opens queues.
func (x *Executor) Open(o worker.Open) {
	x.calls <- func(r *Run) {
		r.begin(o.ID, 0, false)
		for _, p := range o.Partitions {
			delete(x.shut[o.Stage], p)
		}
		r.done()
	}
}

// Mark begins a call that notes what is to be saved of an island.
func (x *Executor) Mark(id uint32, number int) {
	x.calls <- func(r *Run) {
		r.begin(id, 0, false)
		for _, name := range x.islands[number].states {
			x.program.States[name].Mark()
		}
		r.done()
	}
}

// Save begins a call that encodes some of what is to be saved.
func (x *Executor) Save(id uint32, bytes int) {
	x.calls <- func(r *Run) {
		r.begin(id, 0, false)
		var e worker.Event
		for _, of := range x.part.Plan.States {
			if state := x.program.States[of.Name]; state != nil && !e.Left && e.Stuck == nil {
				before := len(e.Saved)
				state.Save(&e, bytes)
				bytes -= len(e.Saved) - before
			}
		}
		r.Emit(e)
		r.done()
		// One slice may follow another without a pause, and sources wait for a processor meanwhile: for 10 ms, if they were not let in here.
		runtime.Gosched()
	}
}

// Restore begins a call that puts in entities that were saved.
func (x *Executor) Restore(id uint32, entities []byte) {
	x.calls <- func(r *Run) {
		r.begin(id, 0, false)
		for e, err := range entity.All(entities) {
			if err == nil {
				err = x.program.States[x.part.Plan.States[e.State].Name].Restore(&e)
			}
			if err != nil {
				r.Emit(worker.Event{Stuck: err})
				break
			}
		}
		r.done()
	}
}

// Care begins a call that does nothing: what a function does to its goroutine is caught, and worse takes the worker along.
func (x *Executor) Care(id uint32, _ worker.Care) { x.Probe(id) }

// Noted is nil.
func (x *Executor) Noted() *worker.Noted { return nil }

// Probe begins a call that finds out whether state can move: between executors of one process all can.
func (x *Executor) Probe(id uint32) {
	x.calls <- func(r *Run) {
		r.begin(id, 0, false)
		r.done()
	}
}

// Place is where a message belongs that comes to a step with state.
type Place struct {
	Executor int  // the owner of its partition
	Here     bool // that is this executor
	Waits    bool // it is, and the message has to wait in the partition's queue
}

// Place says where a message belongs whose key lies in a partition, at a stage.
func (x *Executor) Place(r *Run, stage, p int) Place {
	owner := x.islands[x.part.Stages[stage].Island].owners[p]
	if owner != x.part.Number {
		return Place{Executor: owner}
	}
	return Place{Executor: owner, Here: true, Waits: x.waits(r, stage, p)}
}

// AnyShut reports whether a queue of the stage is shut, so that a message may have to wait whose entity is here.
func (x *Executor) AnyShut(stage int) bool { return len(x.shut[stage]) > 0 }

// waits reports whether a queue is shut; what comes out of it meets the state all the same.
func (x *Executor) waits(r *Run, stage, p int) bool {
	return x.shut[stage][p] && (!r.settles || stage != r.stage)
}
