package worker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// history is one random application on a random number of executors that come and go, while partitions move, sinks are slow or away and
// connections open and close.
type history struct {
	t       testing.TB
	seed    uint64
	chance  *rand.Rand
	app     *imagined
	crew    worker.Crew
	worker  *worker.Worker
	report  *report
	sources []*numbered
	sinks   []*recording
	cuts    []*worker.Cuts
	limits  worker.Limits
	changes int // how many times partitions or executors are moved
	most    int // executors
}

// numbered is a source whose connections send numbered messages.
type numbered struct {
	id       string
	lanes    int
	lengths  []int // messages of each connection, one after another in a lane
	seed     uint64
	atOnce   int           // messages in a batch, at most
	pause    time.Duration // between batches, at most
	finished chan struct{} // closed when all is sent
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
		to := inlet.Connect(peer)
		for sent := 0; sent < length; {
			b := connector.Batch{}
			for range min(1+chance.IntN(s.atOnce), length-sent) {
				b.Append([]byte(fmt.Sprint(peer, " ", sent, " ", sent)))
				sent++
			}
			if to.Send(ctx, b) != nil {
				return
			}
			pause(time.Duration(chance.Int64N(int64(s.pause) + 1)))
		}
		to.Close()
	}
}

// recording is a sink that keeps what comes, and in which epoch.
type recording struct {
	id    string
	open  chan struct{} // closed when it begins to take
	pause time.Duration // after each batch
	mu    sync.Mutex
	got   []record
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
		for b, ok := outlet.Take(); ok; b, ok = outlet.Take() {
			messages, bytes := b.Count(), len(b.Payload)
			s.keep(b, outlet.(*worker.Outlet).Epoch())
			pause(s.pause)
			outlet.Delivered(messages, bytes)
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

func (s *recording) keep(taken connector.Batch, epoch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts(message.Batch{Sizes: taken.Sizes, Payload: taken.Payload}) {
		s.got = append(s.got, record{imaginedMessage: parse(text), epoch: epoch})
	}
}

func (s *recording) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

// unbounded is a buffer that is never full.
const unbounded = 1 << 30

// draw makes a random history; messages is how many a connection sends at most.
func draw(tb testing.TB, seed uint64, messages int) *history {
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
		h.sinks = append(h.sinks, &recording{id: source.id, open: make(chan struct{}), pause: time.Duration(chance.IntN(3)) * time.Millisecond})
	}
	return h
}

// start brings up the worker under a random table.
func (h *history) start(ctx, stop context.Context, crew worker.Crew) chan error {
	h.t.Helper()
	h.crew, h.report = crew, &report{ready: make(chan struct{})}
	config := worker.Config{Crew: crew, Stages: h.app.workerStages(), Report: h.report, Limits: h.limits, StopWithin: time.Hour}
	for p := range h.app.pipelines {
		config.Sources, config.Sinks = append(config.Sources, h.sources[p]), append(config.Sinks, h.sinks[p])
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
	for p := range h.app.pipelines {
		h.cuts = append(h.cuts, h.worker.Watch(p))
	}
	ended := make(chan error, 1)
	go func() { ended <- h.worker.Run(ctx, stop) }()
	<-h.report.ready
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
		if err != nil {
			h.t.Errorf("seed %d: %v", h.seed, err)
			return
		}
	}
}

// expected is what all messages do that a pipeline's cut has before it.
func (h *history) expected(pipeline int, cut map[string]int) *outcome {
	o := &outcome{outputs: map[imaginedOutput]int{}, counters: map[string]int{}}
	for peer, sent := range cut {
		for index := range sent {
			h.app.expect(o, pipeline, peer, index)
		}
	}
	return o
}

// check looks at all that came out.
func (h *history) check() {
	h.t.Helper()
	if len(h.report.wrong) > 0 {
		h.t.Errorf("seed %d: failures of user code: %.300q", h.seed, h.report.wrong)
	}
	for p, sink := range h.sinks {
		h.cuts[p].Finish()
		h.checkOutputs(p, sink)
		h.checkOrder(sink)
		h.checkCut(p, sink)
	}
	h.checkCounters()
}

// checkOutputs demands that each output came once.
func (h *history) checkOutputs(p int, sink *recording) {
	h.t.Helper()
	cuts := h.cuts[p].At
	want := h.expected(p, cuts[len(cuts)-1]).outputs
	for _, r := range sink.got {
		keys, _ := r.counters()
		want[imaginedOutput{peer: r.peer, index: r.index, keys: strings.Join(keys, ",")}]--
	}
	for output, left := range want {
		if left != 0 {
			h.t.Errorf("seed %d: output %+v came %d times too rarely", h.seed, output, left)
			return
		}
	}
}

// checkOrder demands that messages of one connection with equal keys at every stage came in the order in which they were sent.
func (h *history) checkOrder(sink *recording) {
	h.t.Helper()
	last := map[string]int{}
	for _, r := range sink.got {
		keys, _ := r.counters()
		way := r.peer + " " + strings.Join(keys, ",")
		if r.index < last[way] {
			h.t.Errorf("seed %d: %s: message %d came after %d", h.seed, way, r.index, last[way])
			return
		}
		last[way] = r.index
	}
}

// checkCut demands that results came in the epoch in which their message was sent.
func (h *history) checkCut(p int, sink *recording) {
	h.t.Helper()
	cuts := h.cuts[p].At
	for _, r := range sink.got {
		before, by := cuts[r.epoch-1][r.peer], cuts[r.epoch][r.peer]
		if r.index < before || r.index >= by {
			h.t.Errorf("seed %d: %s %d came in epoch %d, of which are %d to %d", h.seed, r.peer, r.index, r.epoch, before, by)
			return
		}
	}
}

// checkCounters demands that at each marker the counters were exactly what the messages made them that were sent before it: count n of a
// key came in the epoch in which its n-th message was sent, and none is missing.
func (h *history) checkCounters() {
	h.t.Helper()
	epochs := len(h.cuts[0].At)
	totals := make([]map[string]int, epochs) // by epoch: how far each counter goes by its marker
	for e := range totals {
		totals[e] = map[string]int{}
		for p := range h.cuts {
			for name, n := range h.expected(p, h.cuts[p].At[e]).counters {
				totals[e][name] += n
			}
		}
	}
	seen := map[string]map[int]bool{}
	for _, sink := range h.sinks {
		for _, r := range sink.got {
			names, counts := r.counters()
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
	for name, n := range totals[epochs-1] {
		if len(seen[name]) != n {
			h.t.Errorf("seed %d: %d counts of %s came; want %d", h.seed, len(seen[name]), name, n)
		}
	}
}

// counters are the names of the counters that a result met, STATE:KEY, and their counts.
func (m imaginedMessage) counters() (names []string, counts []int) {
	for part := range strings.FieldsFuncSeq(m.path, func(r rune) bool { return r == ',' }) {
		at := strings.LastIndexByte(part, ':')
		n, _ := strconv.Atoi(part[at+1:])
		names, counts = append(names, part[:at]), append(counts, n)
	}
	return names, counts
}
