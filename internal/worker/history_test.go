package worker_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// history is one random application, a graph in Go or lines in Python, on a random number of executors that come and go, while partitions
// move, sinks are slow or away and connections open and close.
type history struct {
	t       testing.TB
	seed    uint64
	chance  *rand.Rand
	app     *imagined
	native  *application.Native
	stages  []plan.Stage
	worker  *worker.Worker
	report  *report
	sources []*numbered
	sinks   []*recording
	cuts    []*worker.Cuts // by source
	limits  worker.Limits
	keep    *worker.Keep
	again   []again  // messages that are sent again
	changes int      // how many times partitions or executors are moved
	moments *moments // that pass; nil if nobody asks
	most    int      // executors
}

// numbered is a source whose connections send numbered messages.
type numbered struct {
	id       string
	lanes    int
	lengths  []int // messages of each connection, one after another in a lane
	seed     uint64
	atOnce   int           // messages in a batch, at most
	pause    time.Duration // between batches, at most
	resumes  bool          // connections are streams, which go on when all starts again
	finished chan struct{} // closed when all is sent
	moments  *moments
}

func (s *numbered) ID() string              { return s.id }
func (s *numbered) Listen() (string, error) { return s.id, nil }
func (s *numbered) Close()                  {}
func (s *numbered) Run(ctx, stop context.Context, inlet connector.Inlet) error {
	var lanes sync.WaitGroup
	for lane := range s.lanes {
		lanes.Go(func() { s.runLane(ctx, lane, inlet) })
	}
	lanes.Wait()
	close(s.finished)
	select {
	case <-stop.Done():
	case <-ctx.Done():
	}
	return nil
}

func (s *numbered) isFinished() bool {
	select {
	case <-s.finished:
		return true
	default:
		return false
	}
}

func (s *numbered) runLane(ctx context.Context, lane int, inlet connector.Inlet) {
	chance := rand.New(rand.NewPCG(s.seed, uint64(lane)))
	for n, length := range s.lengths {
		peer := fmt.Sprint(s.id, ".", lane, ".", n)
		to, sent, err := s.connect(ctx, inlet, peer)
		if err != nil {
			return
		}
		for sent < length {
			b := connector.Batch{}
			for range min(1+chance.IntN(s.atOnce), length-sent) {
				b.Append([]byte(fmt.Sprint(peer, " ", sent, " ", sent)))
				sent++
			}
			s.moments.pass()
			if to.Send(ctx, b) != nil {
				return
			}
			s.moments.pass()
			pause(time.Duration(chance.Int64N(int64(s.pause) + 1)))
		}
		to.Close()
	}
}

// connect opens a connection; it returns how many of its messages need not be sent.
func (s *numbered) connect(ctx context.Context, inlet connector.Inlet, peer string) (connector.Connection, int, error) {
	if !s.resumes {
		return inlet.Connect(peer), 0, nil
	}
	to, accepted, err := inlet.Resume(ctx, peer, peer)
	return to, int(accepted), err
}

// recording is a sink that keeps what comes, and in which epoch.
type recording struct {
	id      string
	open    chan struct{} // closed when it begins to take
	pause   time.Duration // after each batch
	moments *moments
	mu      sync.Mutex
	got     []record
	back    int // how often it has gone back
	to      int // to the marker of which epoch it has last
	holds   int // the epoch of what it has taken and not delivered, 0 if nothing
}

// record is a result, and the epoch in which the sink took it.
type record struct {
	imaginedMessage
	epoch int
}

func (s *recording) ID() string                    { return s.id }
func (s *recording) Connect(context.Context) error { return nil }
func (s *recording) Close()                        {}
func (s *recording) Run(ctx context.Context, outlet connector.Outlet) error {
	select {
	case <-s.open:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		for {
			b, epoch, back, ok := s.take(outlet)
			if !ok {
				break
			}
			s.moments.pass()
			pause(s.pause)
			if ctx.Err() != nil {
				return context.Cause(ctx) // with its worker dies what it has taken
			}
			s.keep(b, epoch, back)
			outlet.Delivered(b.Count(), len(b.Payload))
			s.moments.pass()
		}
		if outlet.Closed() {
			return nil
		}
		select {
		case <-outlet.Items():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take takes what comes, and returns its epoch and how often the sink has gone back.
func (s *recording) take(outlet connector.Outlet) (b connector.Batch, epoch, back int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok = outlet.Take()
	s.holds = 0
	if ok {
		s.holds = int(outlet.Epoch())
	}
	return b, s.holds, s.back, ok
}

// rollBack forgets what came behind the marker of an epoch.
func (s *recording) rollBack(to uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.back, s.to, s.holds = s.back+1, int(to), 0
	s.got = slices.DeleteFunc(s.got, func(r record) bool { return r.epoch > s.to })
}

// keep keeps what was taken, unless the sink has gone back behind it since.
func (s *recording) keep(taken connector.Batch, epoch, back int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.back > back && epoch > s.to {
		return
	}
	s.holds = 0
	for _, text := range texts(message.Batch{Sizes: taken.Sizes, Payload: taken.Payload}) {
		s.got = append(s.got, record{imaginedMessage: parse(text), epoch: epoch})
	}
}

// owes reports whether the sink has taken something in front of a marker and has not delivered it.
func (s *recording) owes(epoch uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.holds > 0 && s.holds <= int(epoch)
}

func (s *recording) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

// unbounded is a buffer that is never full.
const unbounded = 1 << 30

// draw makes a random history; messages is how many a connection sends at most.
func draw(tb testing.TB, seed uint64, messages int, imagine func(*rand.Rand) *imagined) *history {
	tb.Helper()
	chance := rand.New(rand.NewPCG(seed, 7))
	h := &history{t: tb, seed: seed, chance: chance, app: imagine(chance), changes: chance.IntN(12), most: 1 + chance.IntN(4)}
	h.most = min(h.most, h.app.partitions)
	h.limits = worker.Limits{
		SinkBuffer: 1 + chance.IntN(3000), MoveBuffer: chance.IntN(3000), InFlight: 20 * time.Millisecond, Credit: chance.IntN(20),
	}
	if chance.IntN(3) == 0 {
		h.limits.Credit = 1
	}
	if chance.IntN(2) == 0 {
		h.limits.SinkBuffer = unbounded
	}
	if chance.IntN(3) == 0 {
		h.limits.MoveBuffer = unbounded
	}
	for p := range h.app.pipelines {
		source := &numbered{
			id: fmt.Sprint("p", p), lanes: 1 + chance.IntN(4), seed: seed, atOnce: 1 + chance.IntN(20),
			pause: time.Duration(chance.IntN(4)) * time.Millisecond, finished: make(chan struct{}),
		}
		for range 1 + chance.IntN(3) {
			source.lengths = append(source.lengths, chance.IntN(messages+1))
		}
		h.sources = append(h.sources, source)
	}
	for n := range h.app.sinks {
		h.sinks = append(h.sinks, &recording{
			id: fmt.Sprint("out ", n), open: make(chan struct{}), pause: time.Duration(chance.IntN(3)) * time.Millisecond,
		})
	}
	native, err := h.app.build(h.sources, h.sinks).Native(application.Addresses{}, application.Addresses{})
	if err != nil {
		tb.Fatalf("seed %d: %v", seed, err)
	}
	h.native, h.stages = native, native.Plan.Stages()
	h.again = h.drawAgain()
	return h
}

// start brings up the worker under a random table.
func (h *history) start(ctx, stop context.Context, crew worker.Crew) chan error {
	h.t.Helper()
	if h.report == nil {
		h.report = &report{wrong: map[string]int{}}
	}
	h.report.ready = make(chan struct{})
	config := worker.Config{
		Crew: crew, Stages: application.Stages(h.native.Plan), Report: h.report, Limits: h.limits, StopWithin: time.Hour,
		Keep: h.keep,
	}
	for _, source := range h.sources {
		config.Sources = append(config.Sources, source)
	}
	for _, sink := range h.sinks {
		config.Sinks = append(config.Sinks, sink)
	}
	table := partition.Even(h.app.partitions, 1+h.chance.IntN(h.most))
	var executors []worker.Executor
	for n := range table.Executors {
		recruit, err := crew.Start(ctx, n)
		if err != nil {
			h.t.Fatal(err)
		}
		executor, err := recruit.Prepare(ctx, table)
		if err != nil {
			h.t.Fatal(err)
		}
		executors = append(executors, executor)
	}
	h.worker = worker.New(config, table, executors)
	for p := range h.sources {
		if len(h.cuts) < len(h.sources) {
			h.cuts = append(h.cuts, h.worker.Watch(p))
		}
		h.worker.WatchOn(p, h.cuts[p])
	}
	ended := make(chan error, 1)
	go func() { ended <- h.worker.Run(ctx, stop) }()
	select {
	case <-h.report.ready:
	case err := <-ended:
		ended <- err
	}
	return ended
}

// disturb moves partitions and executors, a number of times with random pauses.
func (h *history) disturb(ctx context.Context, between time.Duration) {
	chance := rand.New(rand.NewPCG(h.seed, 8))
	for range h.changes {
		pause(time.Duration(chance.Int64N(int64(between))))
		var err error
		if chance.IntN(3) == 0 {
			_, err = h.worker.Resize(ctx, 1+chance.IntN(h.most))
		} else {
			err = h.worker.Disturb(ctx, chance.Float64(), chance)
		}
		if h.keep != nil && (errors.Is(err, worker.ErrNotRunning) || ctx.Err() != nil) {
			continue // it is dead
		}
		if err != nil {
			h.t.Errorf("seed %d: %v", h.seed, err)
			return
		}
	}
}

// expect adds what the messages do that the sources have sent, but for those of an earlier cut.
func (h *history) expect(o *outcome, before, by []map[string]int) {
	for source := range by {
		for peer, sent := range by[source] {
			for index := before[source][peer]; index < sent; index++ {
				h.app.expect(o, imaginedMessage{Peer: peer, Index: index, Number: index})
			}
		}
	}
}

// cut is where the marker of an epoch has cut the sources.
func (h *history) cut(epoch int) []map[string]int {
	var list []map[string]int
	for _, cuts := range h.cuts {
		list = append(list, cuts.At[epoch])
	}
	return list
}

// check looks at all that came out.
func (h *history) check() {
	h.t.Helper()
	for _, cuts := range h.cuts {
		cuts.Finish()
	}
	h.checkOutputs()
	for _, sink := range h.sinks {
		h.checkConnections(sink)
		h.checkKeys(sink)
		h.checkCut(sink)
	}
	h.checkCounters()
}

// checkOutputs demands that each output came once, and each failure.
func (h *history) checkOutputs() {
	h.t.Helper()
	want := newOutcome()
	h.expect(want, h.cut(0), h.cut(len(h.cuts[0].At)-1))
	h.expectAgain(want)
	if !maps.Equal(h.report.wrong, want.failures) {
		h.t.Errorf("seed %d: failures %v; want %v", h.seed, h.report.wrong, want.failures)
	}
	for n, sink := range h.sinks {
		for _, r := range sink.got {
			way, _, _ := r.way()
			want.outputs[imaginedOutput{n, r.Peer, r.Index, r.Number, way}]--
		}
	}
	for output, left := range want.outputs {
		if left != 0 {
			h.t.Errorf("seed %d: output %+v came %d times too rarely", h.seed, output, left)
			return
		}
	}
}

// checkConnections demands that messages of one connection with one route and equal keys at every step came in the order in which they
// were sent, unless a step behind their source is parallel.
func (h *history) checkConnections(sink *recording) {
	h.t.Helper()
	last := map[string]int{}
	for _, r := range sink.got {
		if h.firstStage(r.source()).Input == plan.Spread {
			continue
		}
		way, _, _ := r.way()
		way = r.Peer + " " + way
		if r.Index < last[way] {
			h.t.Errorf("seed %d: %s: message %d came after %d", h.seed, way, r.Index, last[way])
			return
		}
		last[way] = r.Index
	}
}

// checkKeys demands that messages with one route and equal keys at every step came in the order in which they met the state of each,
// wherever they came from.
func (h *history) checkKeys(sink *recording) {
	h.t.Helper()
	last := map[string][]int{}
	for _, r := range sink.got {
		way, _, counts := r.way()
		for i, before := range last[way] {
			if counts[i] < before {
				h.t.Errorf("seed %d: %s: counts %d came after %d", h.seed, way, counts, last[way])
				return
			}
		}
		last[way] = counts
	}
}

// checkCut demands that results came in the epoch in which their message was sent.
func (h *history) checkCut(sink *recording) {
	h.t.Helper()
	for _, r := range sink.got {
		if r.isAgain() {
			continue
		}
		cuts := h.cuts[r.source()].At
		before, by := cuts[r.epoch-1][r.Peer], cuts[r.epoch][r.Peer]
		if r.Index < before || r.Index >= by {
			h.t.Errorf("seed %d: %s %d came in epoch %d, of which are %d to %d", h.seed, r.Peer, r.Index, r.epoch, before, by)
			return
		}
	}
}

// checkCounters demands that at each marker the counters were exactly what the messages made them that were sent before it: count n of a
// key came in the epoch in which its n-th message was sent, and none is missing.
func (h *history) checkCounters() {
	h.t.Helper()
	var totals []map[string]int // by epoch: how far each counter goes by its marker
	o := newOutcome()
	for epoch := range h.cuts[0].At {
		h.expect(o, h.cut(max(0, epoch-1)), h.cut(epoch))
		totals = append(totals, maps.Clone(o.counters))
	}
	h.checkAgain(totals)
	h.expectAgain(o)
	seen := map[string]map[int]bool{}
	for _, sink := range h.sinks {
		for _, r := range sink.got {
			_, names, counts := r.way()
			for i, name := range names {
				if seen[name] == nil {
					seen[name] = map[int]bool{}
				}
				seen[name][counts[i]] = true
				if counts[i] <= totals[r.epoch-1][name] || counts[i] > totals[r.epoch][name] {
					h.t.Errorf("seed %d: count %d of %s came in epoch %d, in which it goes from %d to %d",
						h.seed, counts[i], name, r.epoch, totals[r.epoch-1][name], totals[r.epoch][name])
					return
				}
			}
		}
	}
	for name, n := range o.shown {
		if len(seen[name]) != n {
			h.t.Errorf("seed %d: %d counts of %s came; want %d", h.seed, len(seen[name]), name, n)
		}
	}
}

// firstStage is the stage that a source feeds.
func (h *history) firstStage(source int) *plan.Stage {
	for n := range h.stages {
		if h.stages[n].Entry == h.native.Plan.Of(plan.Source)[source] {
			return &h.stages[n]
		}
	}
	return nil
}

// islandOf is the island of a sink.
func (h *history) islandOf(sink int) int {
	for _, s := range h.stages {
		if slices.Contains(s.Sinks, sink) {
			return s.Island
		}
	}
	return -1
}
