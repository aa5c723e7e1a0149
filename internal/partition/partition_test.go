package partition

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestHash reads the vectors that the tests of the Python package read too.
func TestHash(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "keys.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Python, Hex string
		Hash        uint32
		Partition   int
	}
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors) == 0 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		canonical, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		if h := Hash(canonical); h != v.Hash || Of(h, 1024) != v.Partition {
			t.Errorf("%s: hash %d, partition %d; want %d and %d", v.Python, h, Of(h, 1024), v.Hash, v.Partition)
		}
	}
}

// TestLettersSpread is a promise of the hash: the keys of the first application that everybody tries use all executors.
func TestLettersSpread(t *testing.T) {
	for _, executors := range []int{2, 3, 4, 8} {
		table := Even(1024, executors)
		counts := make([]int, executors)
		for letter := byte('a'); letter <= 'z'; letter++ {
			counts[table.Owners[Of(Hash([]byte{4, letter}), 1024)]]++
		}
		for x, n := range counts {
			if share := float64(n) * float64(executors) / 26; share > 1.4 {
				t.Errorf("executor %d of %d has %d letters, %.2f of its share", x, executors, n, share)
			}
		}
	}
}

func TestOfUsesTheTopBits(t *testing.T) {
	for _, c := range []struct {
		hash       uint32
		partitions int
		want       int
	}{
		{0xffffffff, 1, 0}, {0x80000000, 2, 1}, {0x7fffffff, 2, 0}, {0xffffffff, 1024, 1023}, {0xffff0000, Most, 0xffff}, {0x00400000, 1024, 1},
	} {
		if got := Of(c.hash, c.partitions); got != c.want {
			t.Errorf("Of(%#x, %d) = %d; want %d", c.hash, c.partitions, got, c.want)
		}
	}
}

func TestCheckCount(t *testing.T) {
	for n, good := range map[int]bool{0: false, 1: true, 3: false, 1024: true, Most: true, 2 * Most: false, -4: false} {
		if err := CheckCount(n); (err == nil) != good {
			t.Errorf("CheckCount(%d) = %v", n, err)
		}
	}
}

func TestEvenGivesEachExecutorAboutTheSame(t *testing.T) {
	for _, executors := range []int{1, 2, 3, 7, 64} {
		counts := make([]int, executors)
		for _, x := range Even(64, executors).Owners {
			counts[x]++
		}
		for _, n := range counts {
			if n < 64/executors || n > 64/executors+1 {
				t.Errorf("%d executors own %v", executors, counts)
			}
		}
	}
}
