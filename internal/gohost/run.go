package gohost

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// sinkChunk is how many bytes for a sink are kept until they are told of, within one call.
const sinkChunk = 64 << 10

// Run is a call that is carried out: where its messages are, and what came of them. Fused functions hand it on from one to the next.
type Run struct {
	// Index is the number in the call of the message at hand.
	Index int

	executor *Executor
	deliver  func([]worker.Event)
	call     uint32
	stage    int
	settles  bool
	ingest   int64

	at      *Post // whose code runs
	entered []int // by step
	looks   looks
	events  []worker.Event
	sinks   []message.Batch
}

func newRun(x *Executor) Run {
	p := x.part.Plan
	return Run{
		executor: x, entered: make([]int, len(p.Steps)), sinks: make([]message.Batch, len(p.Of(plan.Sink))),
		looks: looks{seen: make([]time.Duration, len(p.Steps))},
	}
}

func (r *Run) begin(call uint32, stage int, settles bool) {
	r.call, r.stage, r.settles, r.Index, r.at = call, stage, settles, 0, nil
	r.looks.begin()
}

// Stamp says when the messages of the call were read.
func (r *Run) Stamp(ingest int64) { r.ingest = ingest }

// MostResults is how many messages a step may make of one.
func (r *Run) MostResults() int { return r.executor.part.Limits.Results }

// Enter says that a message has come to a step, whose code runs now.
func (r *Run) Enter(at *Post) {
	if r.looks.left > 0 {
		r.look()
	}
	r.at = at
	r.entered[at.step]++
}

// Finds says that the code runs now that finds the key of a message.
func (r *Run) Finds(at *Post) {
	if r.looks.left > 0 {
		r.look()
	}
	r.at = at
}

// Emit tells of something that came of the call.
func (r *Run) Emit(e worker.Event) {
	e.Call = r.call
	r.events = append(r.events, e)
}

// Hand hands values on to another executor, or to a queue.
func (r *Run) Hand(to worker.Target, v message.Values) {
	r.Emit(worker.Event{To: to, Output: message.Batch{Values: v, Ingest: r.ingest}})
}

// Encodes says that the code runs now that encodes a message for a sink: it appends it to what is returned, and Encoded is told what came.
func (r *Run) Encodes(at *Post, sink int) []byte {
	r.Enter(at)
	return r.sinks[sink].Payload
}

// Encoded takes in what goes to a sink with one more message appended; what was appended before an error is dropped.
func (r *Run) Encoded(sink int, whole []byte, err error) {
	b := &r.sinks[sink]
	switch size := len(whole) - len(b.Payload); {
	case err != nil:
		r.Fail(err)
		return
	case !extends(whole, b.Payload):
		r.Fail(errNotAppended)
		return
	case size > r.executor.part.Limits.Bytes:
		r.Fail(fmt.Errorf("a message of %d bytes for a sink: --max-call-output allows %d", size, r.executor.part.Limits.Bytes))
		return
	default:
		b.Payload, b.Sizes = whole, append(b.Sizes, uint32(size))
	}
	if len(b.Payload) >= sinkChunk {
		r.flushSink(sink)
		r.tell()
	}
}

var errNotAppended = errors.New("what it returns does not begin with what was in dst: it must append to dst and return the longer slice")

// extends reports whether a slice is another with something appended. Only one that had to grow has to be looked into.
func extends(whole, before []byte) bool {
	if len(whole) < len(before) || len(before) == 0 {
		return len(before) == 0
	}
	return &whole[0] == &before[0] || bytes.HasPrefix(whole, before)
}

func (r *Run) flushSink(sink int) {
	b := r.sinks[sink]
	if len(b.Sizes) == 0 {
		return
	}
	b.Ingest = r.ingest
	r.Emit(worker.Event{To: worker.Target{Kind: worker.ToSink, Sink: sink}, Output: b})
	r.sinks[sink] = message.Batch{Payload: make([]byte, 0, min(cap(b.Payload), 2*len(b.Payload))), Sizes: make([]uint32, 0, len(b.Sizes))}
}

// tell delivers what there is to tell.
func (r *Run) tell() {
	r.deliver(r.events)
	clear(r.events)
	r.events = r.events[:0]
}

// done ends the call.
func (r *Run) done() {
	for sink := range r.sinks {
		r.flushSink(sink)
	}
	if r.looks.left > 0 {
		r.look()
	}
	var entered []worker.Entered
	for step, n := range r.entered {
		if seen := r.looks.seen[step]; n > 0 || seen > 0 {
			entered = append(entered, worker.Entered{Step: step, Messages: n, Seen: int(seen)})
			r.entered[step], r.looks.seen[step] = 0, 0
		}
	}
	r.Emit(worker.Event{Done: true, Entered: entered})
	r.tell()
}

// traceback is the user's own lines on the way to a panic that a deferred function has recovered, in Go's form.
func traceback() string {
	var pcs [128]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	var b strings.Builder
	panicked := false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			panicked = panicked || f.Function == "runtime.gopanic"
		case !panicked:
		case strings.HasPrefix(f.Function, ours) || strings.HasPrefix(f.Function, inside):
			return b.String()
		default:
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
	}
	return b.String()
}

// The functions of the Go API, and of what lies under it, begin with these.
const (
	ours   = "github.com/wallaroo-stream/wallaroo."
	inside = "github.com/wallaroo-stream/wallaroo/internal/"
)
