package partition

import (
	"cmp"
	"slices"
)

// Table says which executor owns each partition. A table does not change; another one with another version takes its place.
type Table struct {
	Version   int
	Executors int   // they are 0, 1, ... below this
	Owners    []int // by partition
}

// Move is a partition, the executor that has owned it and the one that owns it from now on.
type Move struct {
	Partition int
	From      int
	Owner     int
}

// Even is the first table: each executor owns a range of partitions, all of about the same size.
func Even(partitions, executors int) *Table {
	t := &Table{Version: 1, Executors: executors, Owners: make([]int, partitions)}
	for p := range t.Owners {
		t.Owners[p] = p * executors / partitions
	}
	return t
}

// With is the table that follows this one: so many executors, and these moves.
func (t *Table) With(executors int, moves []Move) *Table {
	next := &Table{Version: t.Version + 1, Executors: executors, Owners: append([]int(nil), t.Owners...)}
	for _, m := range moves {
		next.Owners[m.Partition] = m.Owner
	}
	return next
}

// Balance is the fewest moves after which so many executors own about the same number of partitions each: they differ by one at most.
func (t *Table) Balance(executors int) []Move {
	spare := t.shares(executors) // how many partitions each may still take
	var homeless []int
	for p, owner := range t.Owners {
		if owner < executors && spare[owner] > 0 {
			spare[owner]--
		} else {
			homeless = append(homeless, p)
		}
	}
	moves := make([]Move, 0, len(homeless))
	taker := 0
	for _, p := range homeless {
		for spare[taker] == 0 {
			taker++
		}
		spare[taker]--
		moves = append(moves, Move{Partition: p, From: t.Owners[p], Owner: taker})
	}
	return moves
}

// shares is how many partitions each executor is to own. Where they do not come out even, those who own the most now get one more, since
// that one need not move.
func (t *Table) shares(executors int) []int {
	owned, order := make([]int, executors), make([]int, executors)
	for _, owner := range t.Owners {
		if owner < executors {
			owned[owner]++
		}
	}
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(owned[b], owned[a]) })
	shares := make([]int, executors)
	for rank, n := range order {
		shares[n] = len(t.Owners) / executors
		if rank < len(t.Owners)%executors {
			shares[n]++
		}
	}
	return shares
}
