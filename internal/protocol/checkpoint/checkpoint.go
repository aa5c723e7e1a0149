// Package checkpoint decides when a checkpoint is complete, what it waits for, and when the next may begin: a pure machine, which is told
// what has happened and holds no clock, lock or disk. docs/internals/checkpoints.md tells the rules.
package checkpoint

import (
	"maps"
	"slices"
	"time"
)

// Machine is told of one checkpoint after another. At most one is open.
type Machine struct {
	epoch     uint64       // of the open one, 0 if none is
	executors map[int]bool // that have not given out all that is to be saved
	sinks     map[int]bool // that have not handed over everything in front of the marker
	last      uint64       // committed
}

// Restart says that everything begins anew behind a committed checkpoint, 0 for the beginning. An open one is given up: what it has
// written nobody refers to.
func (m *Machine) Restart(last uint64) { *m = Machine{last: last} }

// Begin opens the checkpoint of an epoch, which waits for these executors and sinks.
func (m *Machine) Begin(epoch uint64, executors, sinks int) {
	m.epoch, m.executors, m.sinks = epoch, map[int]bool{}, map[int]bool{}
	for n := range executors {
		m.executors[n] = true
	}
	for n := range sinks {
		m.sinks[n] = true
	}
}

// Saved says that an executor has given out all that is to be saved for an epoch. What is said of another epoch, or again, changes nothing.
func (m *Machine) Saved(executor int, epoch uint64) {
	if epoch == m.epoch {
		delete(m.executors, executor)
	}
}

// HandedOver says that a sink has handed over everything in front of the marker of an epoch, and so of those before.
func (m *Machine) HandedOver(sink int, epoch uint64) {
	if epoch >= m.epoch {
		delete(m.sinks, sink)
	}
}

// Open is the epoch of the open checkpoint, 0 if none is.
func (m *Machine) Open() uint64 { return m.epoch }

// Last is the epoch of the last that was committed, 0 if none was.
func (m *Machine) Last() uint64 { return m.last }

// Complete reports whether the open checkpoint may be committed once what the executors gave out is written.
func (m *Machine) Complete() bool {
	return m.epoch != 0 && len(m.executors) == 0 && len(m.sinks) == 0
}

// Awaits reports whether the open checkpoint waits for an executor.
func (m *Machine) Awaits(executor int) bool { return m.executors[executor] }

// Awaited is what the open checkpoint waits for: executors and sinks, by their numbers.
func (m *Machine) Awaited() (executors, sinks []int) {
	return slices.Sorted(maps.Keys(m.executors)), slices.Sorted(maps.Keys(m.sinks))
}

// Committed says that the open checkpoint is committed.
func (m *Machine) Committed() { m.last, m.epoch = m.epoch, 0 }

// share is which part of an executor's time aligning and encoding may take: a twentieth. Messages lose about as much again, which no clock
// shows: the first look for an entity after a marker takes longer, and what encoding leaves in the caches is not what they need.
const share = 20

// Pause is how long after the begin of one checkpoint the next may begin, given the least interval: so that executors spend no more than
// a twentieth of their time on aligning and encoding, and lose about a tenth of it. spent is what the slowest of them spent on the last.
func Pause(interval, spent time.Duration) time.Duration { return max(interval, share*spent) }
