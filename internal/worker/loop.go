package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/invariant"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// CallsAhead is how many calls an executor may have begun and not done: one that runs, and one so that it need not wait for the next.
const CallsAhead = 2

// callBytes bounds the payload of a call, but for its first message.
const callBytes = 256 << 10

// input is an edge into a loop, for a stage: a source's lane, or from another executor.
type input struct {
	edge  *Edge
	door  *door.Input
	stage int
	lane  bool // from a source
	ready bool // stands in the loop's queues, among the held, or in the inbox; the inbox's lock guards it
}

// loop owns an executor: it alone begins calls, and it alone sees what came of them. It turns on the goroutine of whoever brings it news
// from outside, so that a message costs no more wake-ups than it has to, but on one at a time: all that follows wake is the loop's own, and
// turning guards it.
type loop struct {
	inbox
	worker   *Worker
	number   int
	executor Executor
	quiet    atomic.Uint64 // the last marker that it has passed with all that it asks for
	wake     signal        // notified when there is news that came while the loop turned, or from another loop, or it is over
	turning  sync.Mutex
	door     *door.Door
	pace     pace
	queues   [][]*input // by stage: inputs that hold something, in the order of their turns
	held     []*input   // inputs that hold something and from which nothing may be taken now
	turns    turns      // of the stages
	sinks    []*Edge    // by sink: to it
	out      [][]*input // by stage and executor: inputs of other loops; nil where that is this one, or a source feeds the stage
	calls    []*call    // begun and not done, oldest first
	next     uint32
	finished time.Time // when the last call was done
	clock    clock
	shares   []shares  // by stage
	replays  []*replay // not begun
	moving   moving
	saving   saving
	perSaved average // nanoseconds that a byte takes that is encoded to be saved
	inputs   []*input
	over     bool  // nothing is left to do, or the loop was stopped
	err      error // what ended it
	counts   counts

	serving context.Context
	leave   context.CancelFunc // the executor serves no more
	left    chan struct{}      // closed when it does not
}

// newLoop makes the loop of an executor that has passed a marker. It has no edges yet.
func newLoop(w *Worker, number int, executor Executor, passed door.Epoch) *loop {
	stages := len(w.config.Stages)
	l := &loop{
		worker: w, number: number, executor: executor, wake: newSignal(), left: make(chan struct{}),
		door: door.New(w.graph, passed, w.config.Limits.MoveBuffer), pace: newPace(stages, w.config.Limits.InFlight, w.config.mostAtOnce()),
		queues: make([][]*input, stages), sinks: make([]*Edge, len(w.config.Sinks)), out: make([][]*input, stages),
		moving: newMoving(passed, stages, len(w.config.Sinks)), counts: newCounts(len(w.config.Sinks)), turns: w.flows.turns(),
		clock: newClock(len(w.config.Sinks)), shares: make([]shares, stages),
	}
	l.quiet.Store(uint64(passed))
	l.serving, l.leave = context.WithCancel(context.Background())
	return l
}

// serve has the executor serve until ctx is done or the loop leaves.
func (l *loop) serve(ctx context.Context) error {
	defer close(l.left)
	defer context.AfterFunc(ctx, l.leave)()
	return l.executor.Serve(l.serving, l.tell)
}

// openLane opens an edge from a source.
func (l *loop) openLane(stage int, room func()) *input {
	in := &input{stage: stage, lane: true, door: l.door.Join(stage)}
	l.inputs = append(l.inputs, in)
	in.edge = newEdge(l.worker.config.laneCredit(), func() {
		l.arrived(in)
		l.news()
	}, room)
	return in
}

// openExchange opens an edge from another loop. Neither loop turns on the other's goroutine.
func (l *loop) openExchange(stage int, from *loop) *input {
	in := &input{stage: stage, door: l.door.Join(stage)}
	l.inputs = append(l.inputs, in)
	in.edge = newEdge(l.worker.config.exchangeCredit(), func() {
		l.arrived(in)
		l.wake.notify()
	}, from.wake.notify)
	return in
}

// run keeps the loop turning until the worker has nothing left to do, or ctx is done.
func (l *loop) run(ctx context.Context) error {
	for {
		l.turning.Lock()
		l.turn()
		over, err := l.over, l.err
		l.turning.Unlock()
		if over {
			return err
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			l.stop(context.Cause(ctx))
		}
	}
}

// stop ends the loop where it stands.
func (l *loop) stop(err error) {
	l.turning.Lock()
	defer l.turning.Unlock()
	if !l.over {
		l.over, l.err = true, err
	}
}

// tell takes in what came of the executor's calls.
func (l *loop) tell(events []Event) {
	l.deliver(events)
	l.news()
}

// news makes the loop turn: here, or, if it turns on another goroutine, when that is done. Whoever calls it holds no lock.
func (l *loop) news() {
	if !l.turning.TryLock() {
		l.wake.notify()
		return
	}
	defer l.turning.Unlock()
	l.turn()
	if l.over {
		l.wake.notify()
	}
}

// turn takes in all news and begins what may begin.
func (l *loop) turn() {
	if l.over {
		return
	}
	if err := l.advance(); err != nil {
		l.over, l.err = true, err
		return
	}
	l.idle()
	l.tellQuiet()
	if l.worker.finished() {
		l.end()
	}
}

func (l *loop) advance() error {
	news := l.take()
	for _, e := range news.events {
		if err := l.handle(e); err != nil {
			return err
		}
	}
	for _, in := range news.ready {
		if err := l.enqueue(in); err != nil {
			return err
		}
	}
	if err := l.movePartitions(news); err != nil {
		return err
	}
	for {
		if began, err := l.begin(); !began || err != nil {
			return err
		}
	}
}

// end ends the loop; its sinks learn that nothing more will come.
func (l *loop) end() {
	l.over = true
	for _, edge := range l.sinks {
		edge.close()
	}
}

// enqueue gives an input a turn, behind others, when the markers in front of it are taken: messages are in front then. One that is held
// waits for its island, one that is empty rests. Its producer goes on meanwhile, so whether it is empty is asked first: what is in front of
// an edge that was not, nobody else takes.
func (l *loop) enqueue(in *input) error {
	for !l.door.Holds(in.door) {
		if l.rest(in) {
			return nil
		}
		e := in.edge.takeMarker()
		if e == 0 {
			l.queues[in.stage] = append(l.queues[in.stage], in)
			return nil
		}
		if err := l.brought(in, e); err != nil {
			return err
		}
	}
	l.held = append(l.held, in)
	return nil
}

// begin begins a call if one may begin: what is ordered goes first, then what is sent again; then messages and what is to be saved take
// turns.
func (l *loop) begin() (bool, error) {
	if len(l.calls) >= CallsAhead {
		return false, nil
	}
	if l.beginOrder() || l.beginReplay() || l.saving.due > 0 && l.beginSave() {
		return true, nil
	}
	if began, err := l.beginMessages(); began || err != nil {
		return began, err
	}
	return l.beginSave(), nil
}

// beginMessages begins a call of messages, if there may be one: stages have their turns, at each what has waited for a partition that has
// come before what waits in edges, and a stage whose output has nowhere to go is passed over.
func (l *loop) beginMessages() (bool, error) {
	for stage := range l.turns.next() {
		q, settles := l.door.Next(stage)
		takes := len(l.queues[stage]) > 0 && l.door.May(stage)
		switch {
		case !settles && !takes || !l.mayWrite(stage):
		case settles:
			l.beginSettling(q)
			return true, nil
		default:
			return true, l.beginAt(stage)
		}
	}
	return false, nil
}

// mayWrite reports whether every edge has credit that a call of the stage may write to: those of the later stages, which it may call here,
// are among them.
func (l *loop) mayWrite(stage int) bool {
	for _, sink := range l.worker.ways[stage].sinks {
		if !l.sinks[sink].hasCredit() {
			return false
		}
	}
	for _, later := range l.door.Calls(stage) {
		for _, in := range l.out[later] {
			if in != nil && !in.edge.hasCredit() {
				return false
			}
		}
	}
	return true
}

// beginAt begins a call with what waits for a stage: as much as the pace allows, from as many inputs as it takes. All of it is of one
// epoch: it ends where a stage passes a marker.
func (l *loop) beginAt(stage int) error {
	c := l.newCall(stage, nil)
	var batches []message.Batch
	messages, bytes := l.pace.messages(stage), callBytes
	for messages > 0 && bytes > 0 && len(l.queues[stage]) > 0 && len(c.markers) == 0 {
		in := l.queues[stage][0]
		l.queues[stage] = l.queues[stage][1:]
		b, ok := in.edge.take(messages)
		invariant.Hold(ok, "an input has a turn with nothing in front")
		c.parts = append(c.parts, part{from: in, peer: b.Peer, position: b.Position, taken: creditOf(&b)})
		messages -= b.Count()
		bytes -= b.Bytes()
		batches = append(batches, b)
		if err := l.enqueue(in); err != nil {
			return err
		}
	}
	l.process(c, message.Join(batches), false)
	return nil
}
