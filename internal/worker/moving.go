package worker

import (
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// messageWeight is what a message weighs in a move buffer beside its bytes.
const messageWeight = 64

// moving is what a loop knows of the last marker and of the partitions that move at it.
type moving struct {
	epoch    door.Epoch
	moves    []partition.Move
	began    map[int]time.Time // by island: when its first edge brought the marker
	stages   []pen             // by stage: of those who hand on to it
	sinks    []pen             // by sink
	waiting  map[door.Queue][]message.Batch
	orders   []*order                 // not begun
	states   map[int][]State          // by island: given out and not handed over
	left     map[int]time.Time        // by island: when its partitions left
	arrivals []arrival                // for islands that have not passed the marker
	closed   map[place]movedPartition // partitions that have come, some of whose queues are shut
}

// place is a partition of an island.
type place struct{ island, partition int }

// movedPartition is what is known of a partition on its way.
type movedPartition struct {
	partition int
	entities  int
	left      time.Time
}

func newMoving(passed door.Epoch, stages, sinks int) moving {
	return moving{
		epoch: passed, stages: make([]pen, stages), sinks: make([]pen, sinks),
		began: map[int]time.Time{}, waiting: map[door.Queue][]message.Batch{}, states: map[int][]State{}, left: map[int]time.Time{},
		closed: map[place]movedPartition{},
	}
}

// order is something that the executor is to do between calls of messages.
type order struct {
	island int
	leaves map[int]bool // partitions whose state it is to give out
	begin  func(id uint32)
	stuck  func(error) // nil where nothing can be
	saves  bool        // it may give out what is to be saved
	done   func()
}

func (m *moving) order(o order) {
	if o.done == nil {
		o.done = func() {}
	}
	m.orders = append(m.orders, &o)
}

// givenOut keeps state until it is handed over.
func (m *moving) givenOut(island int, s State) { m.states[island] = append(m.states[island], s) }

// announce tells the loop what a marker asks for, before it can come.
func (l *loop) announce(m *marker) {
	l.turning.Lock()
	defer l.turning.Unlock()
	l.moving.epoch, l.moving.moves = m.epoch, m.moves
	if m.checkpoint {
		l.saving = saving{epoch: m.epoch, islands: len(l.worker.islands)}
	}
}

// brought takes a marker from an input.
func (l *loop) brought(in *input, e door.Epoch) error {
	island := l.worker.config.Stages[in.stage].Island
	if l.moving.began[island].IsZero() {
		l.moving.began[island] = time.Now()
	}
	steps, err := l.door.Brought(in.door, e)
	if err != nil {
		return err
	}
	for _, stage := range steps.Passed {
		l.pass(mark{stage: stage, epoch: e})
	}
	if !steps.Whole {
		return nil
	}
	l.counts.aligned(time.Since(l.moving.began[island]))
	delete(l.moving.began, island)
	if l.saving.epoch == e {
		l.markIsland(island)
	}
	l.switchTable(island)
	return l.release(island)
}

// pass writes a marker behind all that was begun before.
func (l *loop) pass(m mark) {
	if len(l.calls) == 0 {
		l.writeMarker(m)
		return
	}
	last := l.calls[len(l.calls)-1]
	last.markers = append(last.markers, m)
}

// writeMarker writes a marker to the edges of a stage: to the next stages on the other executors, and to sinks.
func (l *loop) writeMarker(m mark) {
	for _, next := range l.worker.config.after(m.stage) {
		if !l.moving.stages[next].wrote(len(l.worker.config.Stages[next].Before)) {
			continue
		}
		for _, in := range l.out[next] {
			if in != nil {
				in.edge.mark(m.epoch)
			}
		}
	}
	for _, sink := range l.worker.config.Stages[m.stage].Sinks {
		if l.moving.sinks[sink].wrote(len(l.worker.config.writers(sink))) {
			l.sinks[sink].mark(m.epoch)
		}
	}
}

// pen counts the stages here that have written the last marker to edges which they share; it goes in when all have.
type pen int

// wrote reports whether a stage was the last of so many.
func (p *pen) wrote(all int) bool {
	*p = (*p + 1) % pen(all)
	return *p == 0
}

// release gives the inputs of an island that were held their turns again.
func (l *loop) release(island int) error {
	held := l.held
	l.held = nil
	for _, in := range held {
		if l.worker.config.Stages[in.stage].Island != island {
			l.held = append(l.held, in)
			continue
		}
		if err := l.enqueue(in); err != nil {
			return err
		}
	}
	return nil
}

// switchTable has an island take the marker's table, if that moves anything.
func (l *loop) switchTable(island int) {
	if len(l.moving.moves) == 0 || !l.worker.hasState(island) {
		return
	}
	o := order{island: island, leaves: map[int]bool{}}
	var coming []int
	for _, m := range l.moving.moves {
		switch l.number {
		case m.From:
			o.leaves[m.Partition] = true
		case m.Owner:
			coming = append(coming, m.Partition)
		}
	}
	l.door.Switch(island, len(o.leaves) > 0, coming)
	moves := l.moving.moves
	o.begin = func(id uint32) { l.executor.Switch(Switch{ID: id, Island: island, Moves: moves}) }
	if len(o.leaves) > 0 {
		l.moving.left[island] = time.Now()
		o.done = func() { l.door.TakenOut(island) }
	}
	l.moving.order(o)
}

// movePartitions lets partitions go and come as far as they may.
func (l *loop) movePartitions(n news) error {
	for _, t := range n.taken {
		l.door.Took(t.sink, t.epoch)
	}
	l.moving.arrivals = append(l.moving.arrivals, n.arrivals...)
	if err := l.receive(); err != nil {
		return err
	}
	for _, island := range l.worker.islands {
		if l.door.HandsOver(island) {
			l.handOver(island)
		}
		l.open(island)
	}
	return nil
}

// handOver gives the partitions that left an island to their new owners.
func (l *loop) handOver(island int) {
	states := map[int][]State{}
	for _, s := range l.moving.states[island] {
		states[s.Partition] = append(states[s.Partition], s)
	}
	delete(l.moving.states, island)
	for _, m := range l.moving.moves {
		if m.From != l.number {
			continue
		}
		moved := movedPartition{partition: m.Partition, left: l.moving.left[island]}
		for _, s := range states[m.Partition] {
			moved.entities += s.Entities
		}
		owner := l.worker.loop(m.Owner)
		owner.came(arrival{island: island, epoch: l.moving.epoch, states: states[m.Partition], moved: moved})
		owner.wake.notify()
	}
	l.door.HandedOver(island)
}

// receive takes in the partitions that have come for islands that await them.
func (l *loop) receive() error {
	var early []arrival
	for _, a := range l.moving.arrivals {
		if !l.door.Receives(a.island, a.epoch) {
			early = append(early, a)
			continue
		}
		if err := l.door.Came(a.island, a.moved.partition); err != nil {
			return err
		}
		for _, s := range a.states {
			l.moving.order(order{begin: func(id uint32) { l.executor.Load(Load{ID: id, Island: a.island, State: s}) }})
		}
		l.moving.closed[place{a.island, a.moved.partition}] = a.moved
	}
	l.moving.arrivals = early
	return nil
}

// open opens the queues of an island that may be opened.
func (l *loop) open(island int) {
	for stage, partitions := range l.door.Open(island) {
		l.moving.order(order{begin: func(id uint32) { l.executor.Open(Open{ID: id, Stage: stage, Partitions: partitions}) }})
		for _, p := range partitions {
			delete(l.moving.waiting, door.Queue{Partition: p, Stage: stage})
			at := place{island, p}
			if moved, closed := l.moving.closed[at]; closed && !l.door.Shut(island, p) { // once, where several stages open together
				l.worker.settledIn(moved, time.Now())
				delete(l.moving.closed, at)
			}
		}
	}
}

// wait puts messages into the queue of a partition that is not here yet.
func (l *loop) wait(q door.Queue, b message.Batch) error {
	l.moving.waiting[q] = append(l.moving.waiting[q], b)
	return l.door.Wait(q, b.Count(), weight(&b))
}

func weight(b *message.Batch) int { return b.Bytes() + messageWeight*b.Count() }

// beginOrder begins what is ordered.
func (l *loop) beginOrder() bool {
	if len(l.moving.orders) == 0 {
		return false
	}
	o := l.moving.orders[0]
	l.moving.orders = l.moving.orders[1:]
	o.begin(l.newCall(0, o).id)
	return true
}

// beginSettling begins a call with what waits for a partition that has come.
func (l *loop) beginSettling(q door.Queue) {
	c := l.newCall(q.Stage, nil)
	batch := l.fromQueue(q, l.pace.messages(q.Stage))
	l.door.Settled(q, batch.Count(), weight(&batch))
	l.process(c, batch, true)
}

// fromQueue takes up to limit messages out of a queue, one piece at least.
func (l *loop) fromQueue(q door.Queue, limit int) message.Batch {
	var batches []message.Batch
	for waiting := l.moving.waiting[q]; len(waiting) > 0 && limit > 0; l.moving.waiting[q] = waiting {
		b := waiting[0].Take(limit)
		limit -= b.Count()
		batches = append(batches, b)
		if waiting[0].Count() == 0 {
			waiting = waiting[1:]
		}
	}
	return message.Join(batches)
}

// tellQuiet tells the worker when the last marker is passed with all that it asks for.
func (l *loop) tellQuiet() {
	e := l.moving.epoch
	if door.Epoch(l.quiet.Load()) == e || !l.door.Quiet(e) || len(l.moving.orders) > 0 {
		return
	}
	for _, c := range l.calls {
		if len(c.markers) > 0 {
			return
		}
	}
	l.quiet.Store(uint64(e))
	l.worker.progress.notify()
}
