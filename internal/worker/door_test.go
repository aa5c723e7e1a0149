package worker_test

import (
	"context"
	"flag"
	"testing"
	"testing/synctest"
	"time"
)

var (
	histories = flag.Uint64("histories", 300, "random histories to run")
	first     = flag.Uint64("first", 0, "the first of their seeds")
)

// TestHistories runs random applications whose partitions and executors move: nothing stops; nothing is lost or repeated; the order of each
// connection holds for each key; at each marker the counters are exactly what was sent before it; buffers stay in their bounds; and a sink
// that is away holds no other island.
func TestHistories(t *testing.T) {
	for seed := *first; seed < *first+*histories; seed++ {
		synctest.Test(t, func(t *testing.T) { inGo(t, seed) })
		if t.Failed() {
			t.Fatalf("after %d histories", seed-*first+1)
		}
	}
	t.Logf("%d histories of Go executors hold", *histories)
}

// pause lets time pass; in a bubble of synctest, virtual time.
func pause(d time.Duration) { time.Sleep(d) }

// inGo runs a history in virtual time.
func inGo(t *testing.T, seed uint64) {
	t.Helper()
	h := draw(t, seed, 60)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, stopped := context.WithCancel(ctx)
	took := time.Duration(50+h.chance.IntN(300)) * time.Microsecond
	ended := h.start(ctx, stop, &goCrew{t: t, app: h.app, took: took})
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
	time.Sleep(time.Hour)
	synctest.Wait()
	h.checkBounds()
	if away < len(h.sinks) {
		h.checkApart(away)
		close(h.sinks[away].open)
	}
	<-disturbed
	time.Sleep(time.Hour)
	stopped()
	if err := <-ended; err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	h.check()
}

// checkBounds demands that edges hold what their credit allows and move buffers their bound, but for what calls gave that had begun: a
// message becomes at most 3*2*2*2 later ones.
func (h *history) checkBounds() {
	h.t.Helper()
	credit := max(h.limits.Credit, 1)
	if h.limits.Credit == 0 {
		credit = 8192
	}
	const grows, weight = 24, 400
	messages, weights := h.worker.Overrun()
	if messages > 3*grows*credit || weights > 3*grows*credit*weight {
		h.t.Errorf("seed %d: an edge has %d messages too many, a move buffer %d too much", h.seed, messages, weights)
	}
}

// checkApart demands that nothing but the island of a sink that is away has anything left to do; and, if its buffers are large, that even
// there only messages wait whose partitions are on their way.
func (h *history) checkApart(away int) {
	h.t.Helper()
	for p, sink := range h.sinks {
		if h.app.islandOfPipeline(p) == h.app.islandOfPipeline(away) {
			continue
		}
		want := 0
		for _, n := range h.expected(p, h.cuts[p].Sent()).outputs {
			want += n
		}
		if sink.count() != want || !h.sources[p].isFinished() {
			h.t.Errorf("seed %d: pipeline %d was held by the sink of %d: %d of %d", h.seed, p, away, sink.count(), want)
		}
	}
	if inside, waiting := h.worker.Still(); h.limits.MoveBuffer == 1<<30 && inside != waiting {
		h.t.Errorf("seed %d: %d messages are inside, and only %d of them wait for partitions", h.seed, inside, waiting)
	}
}
