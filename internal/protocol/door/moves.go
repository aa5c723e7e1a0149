package door

import (
	"fmt"
	"maps"
	"slices"
)

// Switch says which partitions leave and come with the table that an island has just taken. Those that come are awaited, and their queues
// are shut until they have come and all that waited for them is processed.
func (d *Door) Switch(number int, leaves bool, coming []int) {
	of := d.islands[number]
	if leaves {
		of.leaving = inside
	}
	for _, p := range coming {
		of.awaited[p] = true
		for _, stage := range of.stages {
			if d.graph.Stages[stage].Keyed {
				of.queues[Queue{Partition: p, Stage: stage}] = &wait{}
				d.shut[stage]++
			}
		}
	}
}

// TakenOut says that the state of the partitions that leave an island is at hand.
func (d *Door) TakenOut(number int) { d.islands[number].leaving = takenOut }

// Took says that a sink has taken a marker from this executor.
func (d *Door) Took(sink int, e Epoch) { d.took[sink] = e }

// HandsOver reports whether the partitions that leave an island may go: their state is at hand, and the sinks have taken the island's
// marker from this executor, so that nothing that their new owner writes can overtake what was written here.
func (d *Door) HandsOver(number int) bool {
	of := d.islands[number]
	return of.leaving == takenOut && d.writtenOut(number, of.whole)
}

func (d *Door) writtenOut(number int, e Epoch) bool {
	for sink, other := range d.graph.Sinks {
		if other == number && d.took[sink] < e {
			return false
		}
	}
	return true
}

// HandedOver says that the partitions that left an island have gone.
func (d *Door) HandedOver(number int) { d.islands[number].leaving = nothing }

// Receives reports whether an island may be given a partition that left elsewhere at a marker: it has passed that marker.
func (d *Door) Receives(number int, e Epoch) bool { return d.islands[number].whole >= e }

// Came says that a partition's state is here. It fails if it was not awaited.
func (d *Door) Came(number, p int) error {
	of := d.islands[number]
	if !of.awaited[p] {
		return fmt.Errorf("door: partition %d of island %d came, which was not awaited", p, number)
	}
	delete(of.awaited, p)
	for q, w := range of.queues {
		if q.Partition == p {
			w.here = true
			d.settling[q.Stage]++
		}
	}
	return nil
}

// Wait says that messages of some weight wait in a queue. It fails if the queue is not shut.
func (d *Door) Wait(q Queue, messages, weight int) error {
	w := d.island(q.Stage).queues[q]
	if w == nil {
		return fmt.Errorf("door: %d messages for the queue of partition %d at stage %d, which is open", messages, q.Partition, q.Stage)
	}
	w.messages += messages
	d.waiting += weight
	return nil
}

// Next is a queue of a stage that is to be emptied now: its partition has come, and messages wait in it, of which the first go to a call
// that settles. False if there is none, or if the buffer is full and the call could meet a queue that is shut.
func (d *Door) Next(stage int) (Queue, bool) {
	if d.settling[stage] == 0 || d.full() && d.calling(stage, d.shut) {
		return Queue{}, false
	}
	for q, w := range d.island(stage).queues {
		if q.Stage == stage && w.here && w.messages > 0 {
			return q, true
		}
	}
	return Queue{}, false
}

// Settled says that messages of some weight have been taken out of a queue.
func (d *Door) Settled(q Queue, messages, weight int) {
	d.island(q.Stage).queues[q].messages -= messages
	d.waiting -= weight
}

// Open opens the queues of an island that may be opened, and returns their partitions by stage: they have come, nothing waits in them, and
// no call has begun that might still meet them shut.
func (d *Door) Open(number int) map[int][]int {
	var opened map[int][]int
	for _, stage := range d.islands[number].stages {
		if d.settling[stage] == 0 || d.underWay(stage) {
			continue
		}
		if partitions := d.openAt(stage); len(partitions) > 0 {
			if opened == nil {
				opened = map[int][]int{}
			}
			opened[stage] = partitions
		}
	}
	return opened
}

// underWay reports whether a call has begun that comes to a stage.
func (d *Door) underWay(stage int) bool {
	for from, n := range d.begun {
		if n > 0 && (from == stage || slices.Contains(d.calls[from], stage)) {
			return true
		}
	}
	return false
}

func (d *Door) openAt(stage int) []int {
	var partitions []int
	of := d.island(stage)
	for q, w := range of.queues {
		if q.Stage == stage && w.here && w.messages == 0 {
			partitions = append(partitions, q.Partition)
			delete(of.queues, q)
			d.shut[stage]--
			d.settling[stage]--
		}
	}
	slices.Sort(partitions)
	return partitions
}

// Shut reports whether any queue of a partition is shut in an island.
func (d *Door) Shut(number, p int) bool {
	for q := range d.islands[number].queues {
		if q.Partition == p {
			return true
		}
	}
	return false
}

// Waiting is the weight of what waits.
func (d *Door) Waiting() int { return d.waiting }

// Islands are the numbers of the islands, in their order.
func (d *Door) Islands() []int { return slices.Sorted(maps.Keys(d.islands)) }

// Passed is the last marker that all stages of an island have passed.
func (d *Door) Passed(number int) Epoch { return d.islands[number].whole }
