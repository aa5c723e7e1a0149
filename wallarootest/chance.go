package wallarootest

import (
	"slices"

	batches "github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

const (
	longest     = 6   // messages in a batch
	markerShare = 0.2 // how often a marker comes, among all that can happen
	movedShare  = 0.4 // the share of the partitions that move at it
)

// atRandom takes messages through as chance will have it: those of a source are in order, but not among those of others.
func (r *rehearsal) atRandom(messages []message) error {
	rows := make([][]message, len(r.native.Plan.Of(plan.Source)))
	for _, m := range messages {
		rows[m.source] = append(rows[m.source], m)
	}
	empty := func(row []message) bool { return len(row) == 0 }
	for rows = slices.DeleteFunc(rows, empty); len(rows) > 0 || len(r.edges) > 0 || len(r.moving) > 0; rows = slices.DeleteFunc(rows, empty) {
		if len(r.moving) == 0 && r.chance.Float64() < markerShare {
			if err := r.mark(r.someMoves()); err != nil {
				return err
			}
		}
		if err := r.happen(rows); err != nil {
			return err
		}
	}
	// Nothing is as it was when it began: all partitions move once more.
	all := map[int]int{}
	for p, owner := range r.owners {
		all[p] = (owner + 1) % len(r.executors)
	}
	if err := r.mark(all); err != nil {
		return err
	}
	return r.arrive(len(r.moving))
}

// happen does one of the things that can be done, if there are any.
func (r *rehearsal) happen(rows [][]message) error {
	var able []func() error
	if len(rows) > 0 {
		able = append(able, func() error { return r.feedSome(&rows[r.chance.IntN(len(rows))]) })
	}
	if len(r.edges) > 0 {
		able = append(able, func() error {
			number := r.chance.IntN(len(r.edges))
			return r.deliver(number, 1+r.chance.IntN(r.edges[number].count()))
		})
	}
	if len(r.moving) > 0 {
		able = append(able, func() error { return r.arrive(1 + r.chance.IntN(len(r.moving))) })
	}
	if len(able) == 0 {
		return nil
	}
	return able[r.chance.IntN(len(able))]()
}

// feedSome feeds the first messages of a row.
func (r *rehearsal) feedSome(row *[]message) error {
	count := min(1+r.chance.IntN(longest), len(*row))
	source := (*row)[0].source
	for _, m := range (*row)[:count] {
		r.payloads = append(r.payloads, m.data)
	}
	*row = (*row)[count:]
	err := r.feed(source, r.payloads)
	r.payloads = nil
	return err
}

// someMoves are some partitions, and where chance sends them.
func (r *rehearsal) someMoves() map[int]int {
	moves := map[int]int{}
	for p := range r.owners {
		if r.chance.Float64() < movedShare {
			moves[p] = r.chance.IntN(len(r.executors))
		}
	}
	return moves
}

// mark sends a marker round, behind all messages: partitions move. Where there is but one executor they leave it, and return.
func (r *rehearsal) mark(to map[int]int) error {
	for len(r.edges) > 0 {
		if err := r.deliver(r.chance.IntN(len(r.edges)), 1+r.chance.IntN(longest)); err != nil {
			return err
		}
	}
	before := r.owners
	if len(r.executors) == 1 {
		away := map[int]int{}
		for p := range to {
			away[p] = 1
		}
		before = applied(r.owners, away)
	}
	for _, island := range r.islands() {
		under := map[int]*moved{}
		for _, moves := range [][]partition.Move{movesOf(r.owners, before), movesOf(before, applied(before, to))} {
			if err := r.switchTable(island, moves, under); err != nil {
				return err
			}
		}
		for p := range r.owners {
			if m := under[p]; m != nil {
				r.moving = append(r.moving, *m)
			}
		}
	}
	r.owners = applied(before, to)
	for _, m := range r.moving {
		for _, stage := range r.keyed(m.island) {
			r.queues = append(r.queues, &queue{executor: r.owners[m.partition], stage: stage, partition: m.partition})
		}
	}
	r.turn = r.chance.IntN(len(r.executors))
	return nil
}

// applied is who owns the partitions after these have moved.
func applied(owners []int, to map[int]int) []int {
	owners = slices.Clone(owners)
	for p, owner := range to {
		owners[p] = owner
	}
	return owners
}

// movesOf are those that make other owners of these.
func movesOf(owners, others []int) []partition.Move {
	var moves []partition.Move
	for p, from := range owners {
		if others[p] != from {
			moves = append(moves, partition.Move{Partition: p, From: from, Owner: others[p]})
		}
	}
	return moves
}

// switchTable gives all executors another table for an island; what leaves is under way then.
func (r *rehearsal) switchTable(island int, moves []partition.Move, under map[int]*moved) error {
	for _, m := range moves {
		if under[m.Partition] == nil {
			under[m.Partition] = &moved{island: island, partition: m.Partition}
		}
	}
	for at := range r.executors {
		state, err := r.call(at, func(x *executor) { x.Switch(worker.Switch{Island: island, Moves: moves}) })
		if err != nil {
			return err
		}
		for _, s := range state {
			under[s.Partition].state = append(under[s.Partition].state, s)
		}
	}
	return nil
}

// islands are those that have state.
func (r *rehearsal) islands() []int {
	var islands []int
	for _, s := range r.stages {
		if s.Input == plan.Keyed && !slices.Contains(islands, s.Island) {
			islands = append(islands, s.Island)
		}
	}
	return islands
}

// keyed are the stages of an island that have state.
func (r *rehearsal) keyed(island int) []int {
	var stages []int
	for n, s := range r.stages {
		if s.Input == plan.Keyed && s.Island == island {
			stages = append(stages, n)
		}
	}
	return stages
}

// arrive has so many partitions arrive, with what waits for them.
func (r *rehearsal) arrive(count int) error {
	for range count {
		number := r.chance.IntN(len(r.moving))
		m := r.moving[number]
		r.moving = slices.Delete(r.moving, number, number+1)
		at := r.owners[m.partition]
		for _, state := range m.state {
			if _, err := r.call(at, func(x *executor) { x.Load(worker.Load{Island: m.island, State: state}) }); err != nil {
				return err
			}
		}
		for _, stage := range slices.Backward(r.keyed(m.island)) {
			if err := r.settle(at, stage, m.partition); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle processes what waits for a partition at a stage, and opens its queue; those of later stages are open already.
func (r *rehearsal) settle(at, stage, p int) error {
	q := r.queue(at, stage, p)
	for len(q.batches) > 0 {
		b := batches.Join(q.batches)
		q.batches = nil
		if err := r.process(at, stage, b, true); err != nil {
			return err
		}
	}
	r.queues = slices.DeleteFunc(r.queues, func(other *queue) bool { return other == q })
	_, err := r.call(at, func(x *executor) { x.Open(worker.Open{Stage: stage, Partitions: []int{p}}) })
	return err
}
