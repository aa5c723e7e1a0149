package usage

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "4242 (a (b) c) S 17 4242 4242 0 -1 4194560 9 8 7 6 100 20 3 4 20 0 11 0 5 6 7\n"
	want := process{parent: 17, used: 1270 * time.Millisecond}
	if got, err := parseStat(line); got != want || err != nil {
		t.Errorf("parsed %+v and %v, want %+v", got, err, want)
	}
	for _, wrong := range []string{
		"", "4242 (a", "4242 (a) S 17", "4242 (a) S x 1 1 0 -1 4 9 8 7 6 1 2 3 4 5", "4242 (a) S 1 1 1 0 -1 4 9 8 7 6 1 x 3 4 5",
	} {
		if _, err := parseStat(wrong); err == nil {
			t.Errorf("parsed %q", wrong)
		}
	}
}

func TestTreeHoldsTheDescendants(t *testing.T) {
	table := Table{stolen: 1000, processes: map[int]process{
		1: {parent: 0, used: 1}, 2: {parent: 1, used: 10}, 3: {parent: 2, used: 100}, 4: {parent: 1, used: 500},
	}}
	if used := table.Tree(2); used != 110 {
		t.Errorf("the tree of 2 used %d, want 110", used)
	}
	if total := table.Total(); total != 1611 {
		t.Errorf("in all %d were used, want 1611", total)
	}
	descendants := table.Descendants(1)
	if slices.Sort(descendants); !slices.Equal(descendants, []int{2, 3, 4}) {
		t.Errorf("the descendants of 1 are %v", descendants)
	}
}

func TestNowSeesThisProcessAndItsChild(t *testing.T) {
	child := exec.Command("cat")
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		input.Close()
		if err := child.Wait(); err != nil {
			t.Error(err)
		}
	}()
	table, err := Now()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(table.Descendants(os.Getpid()), child.Process.Pid) {
		t.Errorf("the child %d is not among the descendants %v", child.Process.Pid, table.Descendants(os.Getpid()))
	}
	if table.Tree(os.Getpid()) > table.Total() {
		t.Error("this process used more than all together")
	}
}

func TestResident(t *testing.T) {
	if resident, err := Resident(os.Getpid()); err != nil || resident < 1<<20 {
		t.Errorf("this process has %d bytes resident, %v", resident, err)
	}
	if _, err := Resident(1 << 30); err == nil {
		t.Error("a process that cannot be has memory")
	}
}
