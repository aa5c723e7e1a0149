package worker_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
)

var everywhere = flag.Uint64("everywhere", 0, "small histories to run again with crashes at each moment; 0 for some moments of a few")

// moments are those at which something happens in a history: a source sends, an executor is given a call or tells what came of it, a sink
// takes or has delivered, what is kept is written or read, an executor begins anew. They are counted; at some of them somebody is killed.
type moments struct {
	strikes []strike

	mu     sync.Mutex
	passed int // guarded by mu, as are those below
	crew   *goCrew
	die    context.CancelCauseFunc
}

// strike is that the worker, or else an executor, is killed at the moment of that number.
type strike struct {
	worker bool
	at     int
}

// begin says that a worker begins, with its crew, which die kills.
func (m *moments) begin(crew *goCrew, die context.CancelCauseFunc) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.crew, m.die = crew, die
}

// pass is called at each moment.
func (m *moments) pass() {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.passed++
	now, crew, die := m.passed, m.crew, m.die
	m.mu.Unlock()
	for _, s := range m.strikes {
		switch {
		case s.at != now:
		case s.worker:
			die(errKilled)
		default:
			crew.kill(func(of int) int { return now % of })
		}
	}
}

// soon is how many moments may lie between two strikes: the second one comes while all begins again behind the first, or soon after.
var soon = []int{1, 2, 3, 5, 8, 13, 21, 34}

// TestCrashesEverywhere runs small histories again and again: at each moment in turn the worker is killed, or an executor, and in further
// runs the worker or an executor once more, soon after. All holds that holds in TestCrashes.
func TestCrashesEverywhere(t *testing.T) {
	seeds, step := *everywhere, 1
	if seeds == 0 {
		seeds, step = 6, 13
	}
	runs := 0
	for seed := *first; seed < *first+seeds; seed++ {
		all := struck(t, seed)
		for at := 1 + int(seed)%step; at <= all; at += step {
			for _, strikes := range strikesAt(at, step) {
				struck(t, seed, strikes...)
				runs++
			}
		}
	}
	t.Logf("%d histories hold, however they are struck in %d runs", seeds, runs)
}

// strikesAt are those at a moment, alone and with another one soon after, of which only every step-th is taken.
func strikesAt(at, step int) (list [][]strike) {
	for _, worker := range []bool{true, false} {
		one := strike{worker, at}
		list = append(list, []strike{one})
		for n := at % step; n < len(soon); n += step {
			list = append(list, []strike{one, {true, at + soon[n]}}, []strike{one, {false, at + soon[n]}})
		}
	}
	return list
}

// struck runs a small history in which somebody is killed at some moments. It returns how many moments there were.
func struck(t *testing.T, seed uint64, strikes ...strike) int {
	t.Helper()
	folder, err := os.MkdirTemp(memory(), "everywhere") //nolint:usetesting // it need not reach a disk
	if err != nil {
		t.Fatal(err)
	}
	if *progress {
		fmt.Printf("seed %d, struck at %+v\n", seed, strikes)
	}
	m := &moments{strikes: strikes}
	defer func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("seed %d, struck at %+v of %d", seed, strikes, m.passed)
		}
	}()
	synctest.Test(t, func(t *testing.T) { m.run(t, seed, folder) })
	return m.passed
}

// run runs the history in virtual time.
func (m *moments) run(t *testing.T, seed uint64, folder string) {
	t.Helper()
	h, kept := drawKept(t, seed, 6)
	crew := h.goCrew()
	h.moments, kept.moments, crew.moments = m, m, m
	for _, source := range h.sources {
		source.resumes, source.moments = true, m
	}
	for _, sink := range h.sinks {
		sink.moments = m
	}
	for done := false; !done; {
		crew.Crew = h.program(h.native)
		done = h.liveOnce(folder, crew, func(context.CancelCauseFunc) {})
	}
	if !t.Failed() {
		h.check()
		h.checkState(kept)
	}
}
