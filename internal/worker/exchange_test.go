package worker

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// keyedExecutor is one of several that run pipelines of a first stage and keyed stages: at each keyed stage a message goes to the
// executor that a hash of its lane, its number and the stage says, and it goes on there; at the end to the sink. What is packed is plain
// here, with a count.
type keyedExecutor struct {
	t         *testing.T
	number    int
	executors int
	ends      []int // by stage: the end of its pipeline's stages
	calls     chan Call
	deliver   func([]Event)
	took      time.Duration // for each message, in the bubble's time
	longest   int           // messages in a call
}

func (x *keyedExecutor) Process(c Call) {
	select {
	case x.calls <- c:
	default:
		x.t.Error("more calls begun than may be")
	}
}

func (x *keyedExecutor) run(ctx context.Context) {
	for {
		select {
		case c := <-x.calls:
			out := map[Target]*message.Batch{}
			x.longest = max(x.longest, c.Batch.Count())
			for _, payload := range unpacked(c.Batch) {
				time.Sleep(x.took)
				x.one(c.Stage, payload, out)
			}
			x.deliver(append(events(c.ID, out), Event{Call: c.ID, Done: true}))
		case <-ctx.Done():
			return
		}
	}
}

// one takes a message as far as it stays here.
func (x *keyedExecutor) one(stage int, payload []byte, out map[Target]*message.Batch) {
	to := Target{Sink: true}
	for next := stage + 1; next < x.ends[stage]; next++ {
		if owner := x.owner(next, payload); owner != x.number {
			to = Target{Stage: next, Executor: owner}
			break
		}
	}
	if out[to] == nil {
		out[to] = &message.Batch{}
	}
	out[to].Append(payload)
}

func (x *keyedExecutor) owner(stage int, payload []byte) int {
	key := binary.BigEndian.Uint32(payload)*31 + uint32(stage)*17 // its lane alone: the messages of a lane stay in order
	return int(key>>1) % x.executors
}

// unpacked is the payloads of a batch: a packed one has sizes in front of each.
func unpacked(b message.Batch) [][]byte {
	var payloads [][]byte
	if b.Packed == 0 {
		for b.Count() > 0 {
			payloads = append(payloads, b.Take(1).Payload)
		}
		return payloads
	}
	for rest := b.Payload; len(rest) > 0; {
		n := binary.BigEndian.Uint32(rest)
		payloads = append(payloads, rest[4:4+n])
		rest = rest[4+n:]
	}
	return payloads
}

func events(call uint32, out map[Target]*message.Batch) []Event {
	var list []Event
	for to, b := range out {
		if !to.Sink {
			packed := message.Batch{Packed: b.Count()}
			for _, payload := range unpacked(*b) {
				packed.Payload = binary.BigEndian.AppendUint32(packed.Payload, uint32(len(payload)))
				packed.Payload = append(packed.Payload, payload...)
			}
			b = &packed
		}
		list = append(list, Event{Call: call, To: to, Output: *b})
	}
	return list
}

// checkEdges checks that edges between executors, and to sinks, hold what their credit allows, and what the calls gave that had begun.
func checkEdges(t *testing.T, seed uint64, w *Worker, list []*keyedExecutor) {
	t.Helper()
	for n, l := range w.loops {
		for _, edge := range l.sinks {
			most := w.config.SinkBuffer + CallsAhead*list[n].longest*60
			if used := edge.used.Bytes; used > most {
				t.Errorf("seed %d: %d bytes in a sink's edge; %d at most", seed, used, most)
			}
		}
		for _, stage := range l.stages {
			for _, in := range stage {
				if in != nil && in.edge.messages() > exchangeCredit.Messages+CallsAhead*list[n].longest {
					t.Errorf("seed %d: %d messages in an edge with a credit of %d", seed, in.edge.messages(), exchangeCredit.Messages)
				}
			}
		}
	}
}

// history is one random application on one random number of executors, from its sources to its sinks.
func history(t *testing.T, seed uint64) {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 1))
	executors := 1 + chance.IntN(4)
	usual := exchangeCredit
	defer func() { exchangeCredit = usual }()
	exchangeCredit = Credit{Messages: 1 + chance.IntN(20), Bytes: 1 << 20}
	config := Config{Report: &testReport{ready: make(chan struct{})}, SinkBuffer: 1 + chance.IntN(3000), StopWithin: time.Hour}
	var ends []int
	var sinks []*testSink
	want := 0
	for p := range 1 + chance.IntN(3) {
		stages := 1 + chance.IntN(4)
		for range stages {
			config.Stages = append(config.Stages, Stage{Pipeline: p})
		}
		for range stages {
			ends = append(ends, len(config.Stages))
		}
		source := &testSource{id: fmt.Sprint(p), lanes: 1 + chance.IntN(5), messages: chance.IntN(800), size: chance.IntN(50), seed: seed}
		want += source.lanes * source.messages
		sink := newTestSink(t, source.id)
		sink.delay = time.Duration(chance.IntN(5)) * time.Millisecond
		sinks = append(sinks, sink)
		config.Pipelines = append(config.Pipelines, Pipeline{Source: source, Sink: sink})
	}
	var list []*keyedExecutor
	for n := range executors {
		x := &keyedExecutor{t: t, number: n, executors: executors, ends: ends, calls: make(chan Call, CallsAhead)}
		x.took = time.Duration(50+chance.IntN(200)) * time.Microsecond
		list = append(list, x)
		config.Executors = append(config.Executors, x)
	}
	w := New(config)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, stopped := context.WithCancel(ctx)
	for n, x := range list {
		x.deliver = func(events []Event) { w.Deliver(n, events) }
		go x.run(ctx)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, stop) }()
	late := sinks[chance.IntN(len(sinks))] // it stands still until the others have got everything
	for _, sink := range sinks {
		if sink != late {
			close(sink.open)
		}
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	for i, sink := range sinks {
		if source := config.Pipelines[i].Source.(*testSource); sink != late && sink.got != source.lanes*source.messages {
			t.Errorf("seed %d: pipeline %d was held by another's sink: %d of %d", seed, i, sink.got, source.lanes*source.messages)
		}
	}
	checkEdges(t, seed, w, list)
	close(late.open)
	time.Sleep(time.Hour)
	stopped()
	if err := <-ended; err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if s := w.Summary(); s.Outputs != uint64(want) || s.Delivered != s.Outputs || s.Processed != s.Accepted || s.Accepted != uint64(want) {
		t.Errorf("seed %d: %+v; want %d of each", seed, s, want)
	}
}

// TestMessagesThatChangeExecutors runs random applications: nothing stops, nothing is lost or repeated, the order of each lane holds at its
// sink, and a sink that stands still holds no other pipeline.
func TestMessagesThatChangeExecutors(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) { history(t, seed) })
		if t.Failed() {
			return
		}
	}
}
