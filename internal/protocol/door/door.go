// Package door is the input side of an executor as a pure machine: which edge may be read now, when a marker has been passed, and what
// waits for a partition that is on its way. It holds no message, clock or lock; a loop tells it what happens and asks what may.
//
// The rules it keeps, by their numbers in docs/internals/door.md:
//
//	3  a stage passes marker e when e came on all its edges and the stages here that hand on to it have passed it
//	4  of an edge that brought e nothing more is taken until all stages of its island here have passed e
//	5  a message for a partition whose state is not here yet waits, and what waits has a bound
//	7  a partition is handed over when the sinks have taken e from this executor's edges
//	8  the next marker may come when nothing is awaited and nothing waits
//
// Rules 1 and 2, edges and their credit, are the loop's.
package door

import (
	"fmt"
	"slices"
)

// Epoch is the number of a marker, and of the interval that it ends. Markers have numbers from 1 on.
type Epoch uint64

// Stage is what a door knows of a stage. Messages go from stages to those with higher numbers only.
type Stage struct {
	// Island is the number of its island; a hand-over and a hold concern one island.
	Island int
	// Before are the stages that hand on to it, here by calls, from other executors by edges; none if a source feeds it.
	Before []int
	// Keyed says that its messages meet state, and so may have to wait for it.
	Keyed bool
}

// Graph is what all doors of an application have in common.
type Graph struct {
	Stages []Stage
	// Sinks holds the island of each sink.
	Sinks []int
}

// Input is an edge into the door.
type Input struct {
	Stage   int
	brought Epoch // the last marker that came by it
}

// Queue is where messages wait for a partition at a stage.
type Queue struct {
	Partition int
	Stage     int
}

// Door is the door of one executor. It is for one goroutine at a time.
type Door struct {
	graph    *Graph
	calls    [][]int    // by stage: the later ones that an input to it may call here
	passed   []Epoch    // by stage: the last marker that it has passed
	took     []Epoch    // by sink: the last marker that it has taken from this executor
	inputs   [][]*Input // by stage
	begun    []int      // by stage: calls begun and not done
	shut     []int      // by stage: how many of its queues are shut
	settling []int      // by stage: of these, how many are those of a partition that has come
	islands  map[int]*island
	bound    int // of what waits
	waiting  int // the weight of what waits
}

// island is the state of one island here.
type island struct {
	stages  []int
	whole   Epoch           // the last marker that all its stages have passed
	awaited map[int]bool    // partitions that are this executor's and have not come
	queues  map[Queue]*wait // those that are shut
	leaving leaving
}

// wait is what waits in a queue that is shut.
type wait struct {
	messages int
	here     bool // its partition has come
}

// leaving says how far the partitions have got that leave at the last marker.
type leaving uint8

const (
	nothing  leaving = iota
	inside           // they are being taken out
	takenOut         // their state is at hand
)

// New makes the door of an executor that has passed a marker and awaits nothing. The weight of what waits in it may reach the bound, and
// go beyond by what one call gives.
func New(graph *Graph, passed Epoch, bound int) *Door {
	n := len(graph.Stages)
	d := &Door{
		graph: graph, calls: make([][]int, n), passed: make([]Epoch, n), took: make([]Epoch, len(graph.Sinks)),
		inputs: make([][]*Input, n), begun: make([]int, n), shut: make([]int, n), settling: make([]int, n),
		islands: map[int]*island{}, bound: bound,
	}
	for n, s := range graph.Stages {
		d.calls[n], d.passed[n] = graph.reached(n), passed
		if d.islands[s.Island] == nil {
			d.islands[s.Island] = &island{whole: passed, awaited: map[int]bool{}, queues: map[Queue]*wait{}}
		}
		d.islands[s.Island].stages = append(d.islands[s.Island].stages, n)
	}
	for sink := range d.took {
		d.took[sink] = passed
	}
	return d
}

// reached are the stages behind one, directly or not.
func (g *Graph) reached(stage int) []int {
	var found []int
	for later := stage + 1; later < len(g.Stages); later++ {
		for _, before := range g.Stages[later].Before {
			if before == stage || before > stage && slices.Contains(found, before) {
				found = append(found, later)
				break
			}
		}
	}
	return found
}

// Join adds an edge to a stage. It takes part from the next marker on.
func (d *Door) Join(stage int) *Input {
	in := &Input{Stage: stage, brought: d.island(stage).whole}
	d.inputs[stage] = append(d.inputs[stage], in)
	return in
}

// Leave removes an edge, whose writer has gone.
func (d *Door) Leave(in *Input) {
	d.inputs[in.Stage] = slices.DeleteFunc(d.inputs[in.Stage], func(other *Input) bool { return other == in })
}

// Calls are the stages that an input to a stage may call here, in their order.
func (d *Door) Calls(stage int) []int { return d.calls[stage] }

// Began says that a call at a stage has begun.
func (d *Door) Began(stage int) { d.begun[stage]++ }

// Done says that a call at a stage is done, and what came of it was told.
func (d *Door) Done(stage int) { d.begun[stage]-- }

func (d *Door) island(stage int) *island { return d.islands[d.graph.Stages[stage].Island] }

// May reports whether messages for a stage may be taken, as far as queues are concerned: not if they could meet a queue, there or by a call
// made here, that is being emptied; nor, while the buffer is full, one that is shut.
func (d *Door) May(stage int) bool {
	mayMeet := func(queues []int) bool { return queues[stage] > 0 || d.calling(stage, queues) }
	return !mayMeet(d.settling) && (!d.full() || !mayMeet(d.shut))
}

// calling reports whether a stage may call one here that has such queues.
func (d *Door) calling(stage int, queues []int) bool {
	return slices.ContainsFunc(d.calls[stage], func(later int) bool { return queues[later] > 0 })
}

func (d *Door) full() bool { return d.waiting >= d.bound }

// Epoch is that of the messages that a stage takes now: one more than the last marker that it has passed.
func (d *Door) Epoch(stage int) Epoch { return d.passed[stage] + 1 }

// Holds reports whether nothing more may be taken from an edge, since it brought a marker that its island has not passed.
func (d *Door) Holds(in *Input) bool { return in.brought > d.island(in.Stage).whole }

// Enters reports whether a message may enter at a stage that came by no edge, as far as markers and queues are concerned: not from the
// moment at which the stage has passed a marker until its island has. What the message becomes would go behind the marker, by the table
// before it.
func (d *Door) Enters(stage int) bool {
	return d.passed[stage] == d.island(stage).whole && d.May(stage)
}

// Steps is what the door does when a marker has come.
type Steps struct {
	// Passed are the stages that have passed the marker now: it is to be written to their edges, behind all that was begun before.
	Passed []int
	// Whole says that the island has passed it: its edges are no longer held, and it takes the marker's table.
	Whole bool
}

// Brought says that an edge brought a marker. It fails if the marker came too early.
func (d *Door) Brought(in *Input, e Epoch) (Steps, error) {
	of := d.island(in.Stage)
	if e != of.whole+1 || in.brought >= e || !of.quiet() {
		return Steps{}, fmt.Errorf("door: marker %d at stage %d, whose island has passed %d and awaits %d partitions in %d queues",
			e, in.Stage, of.whole, len(of.awaited), len(of.queues))
	}
	in.brought = e
	var steps Steps
	for _, stage := range of.stages { // in the order in which they call each other
		if d.passed[stage] < e && d.came(stage, e) && d.callersPassed(stage, e) {
			d.passed[stage] = e
			steps.Passed = append(steps.Passed, stage)
		}
	}
	steps.Whole = !slices.ContainsFunc(of.stages, func(stage int) bool { return d.passed[stage] < e })
	if steps.Whole {
		of.whole = e
	}
	return steps, nil
}

func (d *Door) came(stage int, e Epoch) bool {
	return !slices.ContainsFunc(d.inputs[stage], func(in *Input) bool { return in.brought < e })
}

func (d *Door) callersPassed(stage int, e Epoch) bool {
	return !slices.ContainsFunc(d.graph.Stages[stage].Before, func(before int) bool { return d.passed[before] < e })
}

// quiet reports whether the island awaits nothing and has nothing to hand over.
func (i *island) quiet() bool {
	return len(i.awaited) == 0 && len(i.queues) == 0 && i.leaving == nothing
}

// Quiet reports whether all islands have passed a marker, all that comes has come and is let in, and all that leaves has left. When that
// is so everywhere, the next marker may come.
func (d *Door) Quiet(e Epoch) bool {
	for _, of := range d.islands {
		if of.whole < e || !of.quiet() {
			return false
		}
	}
	return true
}
