package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

const maxInFlight = 20 * time.Millisecond

// testExecutor hands on each message as it is, but for those that fail says yes to; it runs a call at a time, as a process does.
type testExecutor struct {
	t       *testing.T
	calls   chan Call
	fail    func(payload []byte) bool
	took    time.Duration // for each message, in the bubble's time
	longest int           // messages in a call
}

func newTestExecutor(t *testing.T) *testExecutor {
	t.Helper()
	return &testExecutor{t: t, calls: make(chan Call, CallsAhead), fail: func([]byte) bool { return false }}
}

func (x *testExecutor) Process(c Call) {
	select {
	case x.calls <- c:
	default:
		x.t.Error("more calls begun than may be")
	}
}

func (x *testExecutor) Switch(Switch) { x.t.Error("told to switch tables") }
func (x *testExecutor) Load(Load)     { x.t.Error("told to load state") }
func (x *testExecutor) Probe(uint32)  { x.t.Error("told to probe") }
func (x *testExecutor) Open(Open)     { x.t.Error("told to open a queue") }

func (x *testExecutor) Mark(uint32, int)       { x.t.Error("told to mark an island") }
func (x *testExecutor) Save(uint32, int)       { x.t.Error("told to save state") }
func (x *testExecutor) Restore(uint32, []byte) { x.t.Error("told to restore state") }

func (x *testExecutor) Care(uint32, Care) { x.t.Error("told to take care") }
func (x *testExecutor) Noted() *Noted     { return nil }

func (x *testExecutor) Replay(uint32, Replay) { x.t.Error("told to replay a message") }

func (x *testExecutor) Serve(ctx context.Context, deliver func([]Event)) error {
	for {
		select {
		case c := <-x.calls:
			x.longest = max(x.longest, c.Batch.Count())
			out := message.Batch{}
			for i, n := 0, c.Batch.Count(); i < n; i++ {
				payload := c.Batch.Take(1).Payload
				time.Sleep(x.took)
				if x.fail(payload) {
					deliver([]Event{{Call: c.ID, Failure: &Failure{Index: i, Error: string(payload)}}})
				} else {
					out.Append(payload)
				}
			}
			deliver([]Event{{Call: c.ID, To: Target{Sink: c.Stage}, Output: out}, {Call: c.ID, Done: true}})
		case <-ctx.Done():
			return nil
		}
	}
}

// testSource sends numbered messages over several lanes, in batches of random sizes, and then waits for the signal to stop.
type testSource struct {
	id       string
	lanes    int
	messages int
	size     int // bytes of a message at least
	seed     uint64
	sent     atomic.Int64
}

func (s *testSource) ID() string              { return s.id }
func (s *testSource) Listen() (string, error) { return s.id + " address", nil }
func (s *testSource) Close()                  {}
func (s *testSource) Run(ctx, stop context.Context, inlet connector.Inlet) error {
	var lanes sync.WaitGroup
	for i := range s.lanes {
		lanes.Go(func() {
			to := inlet.Connect(fmt.Sprint("peer", i))
			defer to.Close()
			s.send(ctx, i, to)
		})
	}
	lanes.Wait()
	select {
	case <-stop.Done():
	case <-ctx.Done():
	}
	return nil
}

func (s *testSource) send(ctx context.Context, lane int, to connector.Connection) {
	chance := rand.New(rand.NewPCG(s.seed, uint64(lane)))
	for n := 0; n < s.messages; {
		b := connector.Batch{Ingest: int64(n)}
		for range 1 + chance.IntN(20) {
			if n < s.messages {
				b.Append(number(lane, n, s.size))
				n++
			}
		}
		count := b.Count()
		if to.Send(ctx, b) != nil {
			return
		}
		s.sent.Add(int64(count))
	}
}

func number(lane, n, size int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(lane))
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return append(b, make([]byte, size)...)
}

// testSink takes in what comes while it is open, and checks that the messages of each lane come in order.
type testSink struct {
	t     *testing.T
	id    string
	open  chan struct{} // closed when the sink begins to take
	delay time.Duration // between takes
	next  map[uint32]uint32
	got   int
}

func newTestSink(t *testing.T, id string) *testSink {
	t.Helper()
	return &testSink{t: t, id: id, open: make(chan struct{}), next: map[uint32]uint32{}}
}

func (s *testSink) ID() string                    { return s.id }
func (s *testSink) Connect(context.Context) error { return nil }
func (s *testSink) Close()                        {}
func (s *testSink) Run(ctx context.Context, outlet connector.Outlet) error {
	select {
	case <-s.open:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		for b, ok := outlet.Take(); ok; b, ok = outlet.Take() {
			messages, bytes := b.Count(), len(b.Payload)
			s.check(b)
			time.Sleep(s.delay)
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

func (s *testSink) check(b connector.Batch) {
	for b.Count() > 0 {
		payload := b.Take(1).Payload
		lane, n := binary.BigEndian.Uint32(payload), binary.BigEndian.Uint32(payload[4:])
		if n < s.next[lane] {
			s.t.Errorf("%s: lane %d: message %d came after %d", s.id, lane, n, s.next[lane]-1)
		}
		s.next[lane] = n + 1
		s.got++
	}
}

// testReport keeps what it is told.
type testReport struct {
	mu       sync.Mutex
	ready    chan struct{}
	failures []string
}

func (r *testReport) Waiting(string)            {}
func (r *testReport) Ready([]string)            { close(r.ready) }
func (r *testReport) Resizing(int, int)         {}
func (r *testReport) Resized(Resized, error)    {}
func (r *testReport) Marked(Marked)             {}
func (r *testReport) Stopping()                 {}
func (r *testReport) Checkpointed(Checkpointed) {}
func (r *testReport) NotKept(uint64, error)     {}
func (r *testReport) Untidy(error)              {}
func (r *testReport) Recovering(error)          {}
func (r *testReport) Restoring(Restoring)       {}
func (r *testReport) Restored(Restoring)        {}
func (r *testReport) Recovered()                {}
func (r *testReport) Convicted(Skip)            {}
func (r *testReport) Failed(o Origin, f Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf("%s %d %d", o.Peer, o.Position, []byte(f.Error)))
}

// bench is a worker with everything around it.
type bench struct {
	*Worker
	executor *testExecutor
	report   *testReport
	sources  []*testSource
	sinks    []*testSink
	stop     context.CancelFunc
	ended    chan error
}

// start runs a worker with a pipeline for each source, inside a bubble.
func start(t *testing.T, executor *testExecutor, sources ...*testSource) *bench {
	t.Helper()
	b := &bench{executor: executor, report: &testReport{ready: make(chan struct{})}, sources: sources, ended: make(chan error, 1)}
	config := Config{
		Report: b.report, StopWithin: 10 * time.Second,
		Limits: Limits{SinkBuffer: 1000, MoveBuffer: 1000, InFlight: maxInFlight},
	}
	for i, s := range sources {
		config.Stages = append(config.Stages, Stage{Sinks: []int{i}, Island: i})
		sink := newTestSink(t, s.id)
		b.sinks = append(b.sinks, sink)
		config.Sources, config.Sinks = append(config.Sources, s), append(config.Sinks, sink)
	}
	b.Worker = New(config, partition.Even(16, 1), []Executor{executor})
	ctx, cancel := context.WithCancel(context.Background())
	var stop context.Context
	stop, b.stop = context.WithCancel(ctx)
	go func() {
		defer cancel()
		b.ended <- b.Run(ctx, stop)
	}()
	<-b.report.ready
	return b
}

func TestAllMessagesGoThroughInOrder(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			b := start(t, newTestExecutor(t),
				&testSource{id: "p", lanes: 5, messages: 300, seed: seed},
				&testSource{id: "q", lanes: 1, messages: 2000, seed: seed})
			for _, sink := range b.sinks {
				sink.delay = time.Duration(seed) * time.Millisecond
				close(sink.open)
			}
			time.Sleep(time.Hour)
			b.stop()
			if err := <-b.ended; err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			want := Summary{Accepted: 3500, Processed: 3500, Outputs: 3500, Delivered: 3500}
			if got := b.Summary(); got != want || b.sinks[0].got != 1500 || b.sinks[1].got != 2000 {
				t.Errorf("seed %d: %+v; want %+v", seed, got, want)
			}
		})
	}
}

func TestAStalledSinkHoldsItsSourceAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTestExecutor(t)
		x.took = 50 * time.Microsecond
		b := start(t, x,
			&testSource{id: "stalled", lanes: 3, messages: 100_000, size: 100},
			&testSource{id: "free", lanes: 2, messages: 5000, size: 100})
		close(b.sinks[1].open)
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.sinks[1].got != 10_000 {
			t.Errorf("the free pipeline delivered %d of 10000", b.sinks[1].got)
		}
		// The lane may have what its credit allows and a batch more; the sink its buffer and what the calls that had begun gave.
		calls := CallsAhead * int(maxInFlight/x.took)
		if sent, most := b.sources[0].sent.Load(), int64(laneBytes/108+20+1000/108+calls); sent > most || sent == 0 {
			t.Errorf("the stalled source sent %d messages; the bounds allow %d", sent, most)
		}
		close(b.sinks[0].open)
		synctest.Wait()
		time.Sleep(time.Minute)
		b.stop()
		if err := <-b.ended; err != nil || b.sinks[0].got != 300_000 {
			t.Errorf("after the stall %d of 300000 were delivered, %v", b.sinks[0].got, err)
		}
	})
}

func TestWhatIsNotDeliveredInTimeIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newTestExecutor(t), &testSource{id: "p", lanes: 1, messages: 100_000})
		synctest.Wait()
		began := time.Now()
		b.stop()
		err := <-b.ended
		var undelivered *UndeliveredError
		if !errors.As(err, &undelivered) || time.Since(began) != 10*time.Second {
			t.Fatalf("ended after %s by %v; want *UndeliveredError after 10s", time.Since(began), err)
		}
		s := b.Summary()
		if undelivered.Unprocessed != s.Accepted-s.Processed || undelivered.Outputs != s.Processed || undelivered.Outputs == 0 {
			t.Errorf("%v; of %+v", undelivered, s)
		}
	})
}

func TestAFailureNamesItsConnectionAndPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTestExecutor(t)
		x.fail = func(payload []byte) bool { return binary.BigEndian.Uint32(payload[4:])%40 == 39 }
		b := start(t, x, &testSource{id: "p", lanes: 2, messages: 100})
		close(b.sinks[0].open)
		synctest.Wait()
		b.stop()
		if err := <-b.ended; err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"peer0 39 [0 0 0 0 0 0 0 39]", "peer0 79 [0 0 0 0 0 0 0 79]",
			"peer1 39 [0 0 0 1 0 0 0 39]", "peer1 79 [0 0 0 1 0 0 0 79]",
		} {
			found := 0
			for _, f := range b.report.failures {
				if f == want {
					found++
				}
			}
			if found != 1 {
				t.Errorf("failure %q told %d times in %q", want, found, b.report.failures)
			}
		}
		if s := b.Summary(); s.Failures != 4 || s.Outputs != 196 || s.Delivered != 196 {
			t.Errorf("%+v", s)
		}
	})
}

func TestSlowCodeIsGivenFewMessagesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTestExecutor(t)
		x.took = 3 * time.Millisecond
		b := start(t, x, &testSource{id: "p", lanes: 1, messages: 200})
		close(b.sinks[0].open)
		time.Sleep(time.Minute)
		b.stop()
		if limit := int(maxInFlight / CallsAhead / x.took); <-b.ended != nil || x.longest > limit {
			t.Errorf("a call of %d messages of %s each; at most %d keep within %s", x.longest, x.took, limit, maxInFlight)
		}
		if b.sinks[0].got != 200 {
			t.Errorf("%d messages delivered", b.sinks[0].got)
		}
	})
}

// TestLittleIsTakenInWhileTheRateIsNotKnown looks at the lane of an executor at its first message: a marker waits for all in front of it.
func TestLittleIsTakenInWhileTheRateIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTestExecutor(t)
		x.took = 100 * time.Millisecond
		b := start(t, x, &testSource{id: "p", lanes: 1, messages: 200})
		close(b.sinks[0].open)
		time.Sleep(x.took / 2)
		if held := b.inlets[0].lanes[0].edge.held().Messages; held != firstMessages {
			t.Errorf("the lane holds %d messages; want %d", held, firstMessages)
		}
		time.Sleep(time.Minute)
		b.stop()
		if err := <-b.ended; err != nil || b.sinks[0].got != 200 {
			t.Errorf("%d messages delivered, %v", b.sinks[0].got, err)
		}
	})
}

// TestALaneThatWasEmptiedIsNotQueued has the loop take what a lane holds before its producer has told of it.
func TestALaneThatWasEmptiedIsNotQueued(t *testing.T) {
	w := New(Config{Sources: []connector.Source{&testSource{}}, Stages: []Stage{{}}}, partition.Even(1, 1), []Executor{newTestExecutor(t)})
	l, lane := w.loops[0], w.inlets[0].lanes[0]
	lane.edge.items = func() {}
	b := message.Batch{}
	b.Append([]byte("m"))
	lane.edge.write(b)
	if _, ok := lane.edge.take(1); !ok {
		t.Fatal("the lane held nothing")
	}
	l.arrived(lane)
	if news := l.take(); len(news.ready) != 0 {
		t.Errorf("an empty lane was queued")
	}
}
