package checkpoint

import (
	"slices"
	"testing"
	"time"
)

// TestItIsCompleteWhenAllHaveReported tells a machine of two executors and a sink in every order.
func TestItIsCompleteWhenAllHaveReported(t *testing.T) {
	tell := []func(*Machine, uint64){
		func(m *Machine, e uint64) { m.Saved(0, e) },
		func(m *Machine, e uint64) { m.Saved(1, e) },
		func(m *Machine, e uint64) { m.HandedOver(0, e) },
	}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		var m Machine
		m.Begin(7, 2, 1)
		for n, i := range order {
			if m.Complete() {
				t.Errorf("order %v: complete after %d", order, n)
			}
			tell[i](&m, 6) // of another epoch
			tell[i](&m, 7)
			tell[i](&m, 7) // again
		}
		if !m.Complete() || m.Open() != 7 || m.Last() != 0 {
			t.Errorf("order %v: not complete: %+v", order, m)
		}
		m.Committed()
		if m.Complete() || m.Open() != 0 || m.Last() != 7 {
			t.Errorf("committed: %+v", m)
		}
	}
}

func TestWhatItWaitsForIsTold(t *testing.T) {
	var m Machine
	m.Begin(3, 3, 2)
	m.Saved(1, 3)
	m.HandedOver(1, 4) // a later marker tells of this one too
	executors, sinks := m.Awaited()
	if !m.Awaits(0) || m.Awaits(1) || !slices.Equal(executors, []int{0, 2}) || !slices.Equal(sinks, []int{0}) {
		t.Errorf("it awaits %v and %v", executors, sinks)
	}
}

func TestARestartGivesTheOpenOneUp(t *testing.T) {
	var m Machine
	m.Begin(9, 1, 1)
	m.Restart(8)
	m.Saved(0, 9)
	m.HandedOver(0, 9)
	if m.Complete() || m.Open() != 0 || m.Last() != 8 {
		t.Errorf("%+v", m)
	}
}

func TestCheckpointsTakeATwentiethOfTheTimeAtMost(t *testing.T) {
	for _, c := range []struct{ interval, spent, pause time.Duration }{
		{time.Second, 0, time.Second},
		{time.Second, 50 * time.Millisecond, time.Second},
		{time.Second, 300 * time.Millisecond, 6 * time.Second},
	} {
		if got := Pause(c.interval, c.spent); got != c.pause {
			t.Errorf("%v after one of %v: %v; want %v", c.interval, c.spent, got, c.pause)
		}
	}
}
