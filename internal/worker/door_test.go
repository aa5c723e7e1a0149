package worker_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

var (
	histories = flag.Uint64("histories", 300, "random histories to run with Go executors")
	pythons   = flag.Uint64("pythons", 34, "random histories to run with Python executors")
	progress  = flag.Bool("progress", false, "print the number of each history that begins")
	first     = flag.Uint64("first", 0, "the first of their seeds")
)

// TestHistories runs random applications whose partitions and executors move: nothing stops; nothing is lost or repeated; the order of each
// connection holds for each key; at each marker the counters are exactly what was sent before it; buffers stay in their bounds; and a sink
// that is away holds no other island.
func TestHistories(t *testing.T) {
	for seed := *first; seed < *first+*histories; seed++ {
		if *progress {
			fmt.Printf("history %d\n", seed-*first+1)
		}
		synctest.Test(t, func(t *testing.T) { inGo(t, seed) })
		if t.Failed() {
			t.Fatalf("after %d histories", seed-*first+1)
		}
	}
	for seed := *first; seed < *first+*pythons; seed++ {
		inPython(t, seed)
		if t.Failed() {
			t.Fatalf("after %d histories", *histories+seed-*first+1)
		}
	}
	t.Logf("%d histories hold: %d with Go executors, %d with Python executors", *histories+*pythons, *histories, *pythons)
}

// pause lets time pass; in a bubble of synctest, virtual time.
func pause(d time.Duration) { time.Sleep(d) }

// inGo runs a history in virtual time.
func inGo(t *testing.T, seed uint64) {
	t.Helper()
	h := draw(t, seed, 60, graph)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, stopped := context.WithCancel(ctx)
	took := time.Duration(50+h.chance.IntN(300)) * time.Microsecond
	slow := time.Duration(h.chance.IntN(2)*h.chance.IntN(20)) * time.Millisecond
	crew := &goCrew{Crew: h.program(h.native), t: t, stages: h.stages, took: took, slow: slow, credit: h.credit()}
	ended := h.start(ctx, stop, crew)
	away := h.chance.IntN(2 * len(h.sinks)) // it stands still until nothing else goes on
	for p, sink := range h.sinks {
		if p != away {
			close(sink.open)
		}
	}
	disturbed := make(chan struct{})
	go func() {
		defer close(disturbed)
		h.disturb(ctx, 30*time.Millisecond)
	}()
	sentAgain := h.sendAgain(ctx, 200*time.Millisecond, h.replay)
	watched := make(chan struct{})
	go h.watchBounds(crew, watched)
	time.Sleep(time.Second)
	close(watched)
	time.Sleep(time.Hour)
	synctest.Wait()
	h.checkBounds(crew)
	if away < len(h.sinks) {
		h.checkApart(away)
		close(h.sinks[away].open)
	}
	<-disturbed
	<-sentAgain
	time.Sleep(time.Hour)
	stopped()
	if err := <-ended; err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	h.check()
	h.checkMoves()
	if h.report.moved != crew.moved {
		t.Errorf("seed %d: %d entities moved, and the report was told of %d", seed, crew.moved, h.report.moved)
	}
}

// checkMoves demands that each partition that moved was counted once, and its wait once in each island with state.
func (h *history) checkMoves() {
	islands := map[int]bool{}
	for _, s := range h.stages {
		if s.Input == plan.Keyed {
			islands[s.Island] = true
		}
	}
	m := h.worker.Figures().Moved
	if m.Partitions != uint64(h.report.away) || m.Waits.Count != uint64(h.report.away*len(islands)) {
		h.t.Errorf("seed %d: %d partitions moved in %d islands; counted are %d, and %d waits",
			h.seed, h.report.away, len(islands), m.Partitions, m.Waits.Count)
	}
	if most := 3 * time.Hour; m.Waits.Longest < 0 || m.Waits.Longest > most {
		h.t.Errorf("seed %d: a partition was closed for %s, in a history of less than %s", h.seed, m.Waits.Longest, most)
	}
}

// credit is how many messages an edge to an executor may hold.
func (h *history) credit() int {
	if h.limits.Credit == 0 {
		return 1 << 15
	}
	return h.limits.Credit
}

// watchBounds checks bounds until done is closed, as often as things happen.
func (h *history) watchBounds(crew *goCrew, done chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
			h.checkBounds(crew)
			pause(500 * time.Microsecond)
		}
	}
}

// checkBounds demands that edges hold what their credit allows and buffers their bound, but for what the calls gave that had begun.
func (h *history) checkBounds(crew *goCrew) {
	over := h.worker.Overrun(h.credit())
	crew.mu.Lock()
	most := crew.most
	crew.mu.Unlock()
	wrong := over.Lane >= 20 || // what a source reads at once
		over.Exchange > worker.CallsAhead*most.Exchange ||
		over.Sink > worker.CallsAhead*most.Sink ||
		over.Waiting > worker.CallsAhead*most.Waiting
	if wrong {
		h.t.Errorf("seed %d: bounds are exceeded by %+v, and one call gave %+v", h.seed, over, most)
	}
}

// checkApart demands that nothing but the island of a sink that is away has anything left to do; and, if its buffers are large, that even
// there only messages wait whose partitions are on their way.
func (h *history) checkApart(away int) {
	h.t.Helper()
	island, want := h.islandOf(away), newOutcome()
	for source := range h.sources {
		if h.firstStage(source).Island != island && !h.sources[source].isFinished() {
			h.t.Errorf("seed %d: source %d is held by sink %d", h.seed, source, away)
		}
		h.expect(want, []map[string]int{nil}, []map[string]int{h.cuts[source].Sent()})
	}
	h.expectAgain(want)
	outputs := make([]int, len(h.sinks))
	for output, n := range want.outputs {
		outputs[output.sink] += n
	}
	for n, sink := range h.sinks {
		if h.islandOf(n) != island && sink.count() != outputs[n] {
			h.t.Errorf("seed %d: sink %d is held by sink %d: %d of %d", h.seed, n, away, sink.count(), outputs[n])
		}
	}
	bounded := h.limits.MoveBuffer < unbounded || h.limits.SinkBuffer < unbounded
	if inside, waiting := h.worker.Still(); !bounded && inside != waiting {
		h.t.Errorf("seed %d: %d messages are inside, and only %d of them wait for partitions", h.seed, inside, waiting)
	}
}
