package partition

import (
	"math/rand/v2"
	"testing"
)

// TestBalance goes from one random number of executors to another: all own about the same number of partitions, and no more move than must.
func TestBalance(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		partitions := 1 << chance.IntN(8)
		table := Even(partitions, 1+chance.IntN(min(8, partitions)))
		for range 4 {
			executors := 1 + chance.IntN(min(8, partitions))
			moves := table.Balance(executors)
			next := table.With(executors, moves)
			for _, m := range moves {
				if m.From != table.Owners[m.Partition] || m.From == m.Owner || next.Owners[m.Partition] != m.Owner {
					t.Fatalf("%+v of %+v", m, table)
				}
			}
			checkEven(t, table, next, len(moves))
			table = next
		}
	}
}

// checkEven demands that a table is even, and that no more moved than what the leavers and those had that now own fewer.
func checkEven(t *testing.T, before, after *Table, moved int) {
	t.Helper()
	had, has := count(before), count(after)
	fewest := 0
	for executor, n := range had {
		fewest += max(0, n-has[executor])
	}
	least, most := len(after.Owners), 0
	for executor := range after.Executors {
		least, most = min(least, has[executor]), max(most, has[executor])
	}
	if most-least > 1 || moved != fewest || after.Version != before.Version+1 {
		t.Fatalf("from %v to %v by %d moves; want %d", had, has, moved, fewest)
	}
}

func count(t *Table) map[int]int {
	counts := map[int]int{}
	for _, owner := range t.Owners {
		counts[owner]++
	}
	return counts
}
