package partition

import (
	"math/rand/v2"
	"testing"
)

// TestBalanceMovesAsFewAsItTakes balances random tables for random numbers of executors.
func TestBalanceMovesAsFewAsItTakes(t *testing.T) {
	for seed := range uint64(2000) {
		chance := rand.New(rand.NewPCG(seed, 0))
		before := randomTable(chance)
		executors := 1 + chance.IntN(12)
		moves := before.Balance(executors)
		for _, m := range moves {
			if before.Owners[m.Partition] != m.From || m.From == m.Owner {
				t.Fatalf("seed %d: %+v of a partition that is %d's", seed, m, before.Owners[m.Partition])
			}
		}
		after := before.With(executors, moves)
		few := len(after.Owners) / executors
		for x, n := range owned(after, executors) {
			if n < few || n > few+1 {
				t.Fatalf("seed %d: executor %d of %d owns %d of %d partitions", seed, x, executors, n, len(after.Owners))
			}
		}
		if least := leastMoves(before, executors); len(moves) != least {
			t.Fatalf("seed %d: %d moves of %v to %d executors; %d are enough", seed, len(moves), before.Owners, executors, least)
		}
	}
}

func randomTable(chance *rand.Rand) *Table {
	t := Even(1<<chance.IntN(7), 1+chance.IntN(12))
	if chance.IntN(3) == 0 {
		return t
	}
	for p := range t.Owners {
		t.Owners[p] = chance.IntN(t.Executors)
	}
	return t
}

// owned is how many partitions each of the first executors owns.
func owned(t *Table, executors int) []int {
	counts := make([]int, executors)
	for _, owner := range t.Owners {
		if owner < executors {
			counts[owner]++
		}
	}
	return counts
}

// leastMoves is how many partitions must move: all but those that may stay, since each executor may keep a share, and some one more.
func leastMoves(t *Table, executors int) int {
	share, more := len(t.Owners)/executors, len(t.Owners)%executors
	stay := 0
	for _, n := range owned(t, executors) {
		stay += min(n, share)
		if n > share && more > 0 {
			stay++
			more--
		}
	}
	return len(t.Owners) - stay
}

func TestATableDoesNotChange(t *testing.T) {
	first := Even(4, 2)
	second := first.With(3, []Move{{Partition: 0, From: 0, Owner: 2}})
	if first.Owners[0] != 0 || second.Owners[0] != 2 || second.Version != first.Version+1 || second.Executors != 3 {
		t.Errorf("%+v became %+v", first, second)
	}
}
