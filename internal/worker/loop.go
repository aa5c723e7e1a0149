package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// CallsAhead is how many calls an executor may have begun and not done: one that runs, and one so that it need not wait for the next.
const CallsAhead = 2

const (
	// maxInFlight bounds the time that the messages of the calls ahead take, so that none waits long behind them.
	maxInFlight = 20 * time.Millisecond
	// callBytes bounds the payload of a call, but for its first message.
	callBytes = 256 << 10
)

// laneCredit bounds what one connection may have handed on and not had processed.
var laneCredit = Credit{Messages: 8192, Bytes: 128 << 10}

// call is a call that has begun.
type call struct {
	id       uint32
	pipeline int
	began    time.Time
	parts    []part
	messages int
}

// part is what a call took from one lane.
type part struct {
	lane  *Lane
	first uint64 // number of its first message in the lane
	taken Credit
}

// loop owns an executor: it alone begins calls, and it alone sees what came of them. It turns on the goroutine of whoever brings it news,
// so that a message costs no more wake-ups than it has to, but on one at a time: all that follows wake is the loop's own, and turning
// guards it.
type loop struct {
	inbox
	wake     signal // notified when there is news that came while the loop turned, or it is over
	executor Executor
	report   Report
	turning  sync.Mutex
	pace     pace
	queues   [][]*Lane // by pipeline: lanes that hold something, in the order of their turns
	first    int       // the pipeline whose turn it is
	outlets  []*Outlet // by pipeline; nil where there is no sink
	calls    []*call   // begun and not done, oldest first
	next     uint32
	finished time.Time // when the last call was done
	over     bool      // nothing is left to do, or the loop was stopped
	err      error     // what ended it

	accepted  atomic.Uint64 // messages that sources have read
	refused   atomic.Uint64 // connections and messages that sources have refused
	processed uint64        // messages of calls that are done
	outputs   uint64        // messages written to outlets
	failures  uint64        // messages that a step could not process
}

func (l *loop) openLane(pipeline int, peer string) *Lane {
	lane := &Lane{loop: l, room: newSignal(), settled: newSignal(), pipeline: pipeline, peer: peer}
	arrived := func() {
		l.arrived(lane)
		l.news()
	}
	lane.edge = newEdge(laneCredit, arrived, func() {
		lane.room.notify()
		lane.settled.notify()
	})
	return lane
}

// run keeps the loop turning until all lanes have ended and all they handed on is processed, or ctx is done.
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
	ready, events, ended := l.take()
	for _, e := range events {
		if err := l.handle(e); err != nil {
			l.over, l.err = true, err
			return
		}
	}
	for _, lane := range ready {
		l.queues[lane.pipeline] = append(l.queues[lane.pipeline], lane)
	}
	for l.begin() {
	}
	if ended && len(l.calls) == 0 && l.idle() {
		l.over = true
		l.closeOutlets()
	}
}

func (l *loop) closeOutlets() {
	for _, o := range l.outlets {
		if o != nil {
			o.edge.close()
		}
	}
}

// idle reports whether no lane holds anything.
func (l *loop) idle() bool {
	return !slices.ContainsFunc(l.queues, func(queue []*Lane) bool { return len(queue) > 0 })
}

// begin begins a call if one may begin: pipelines take turns, and one whose sink has no credit is passed over.
func (l *loop) begin() bool {
	if len(l.calls) >= CallsAhead {
		return false
	}
	for range l.queues {
		pipeline := l.first
		l.first = (l.first + 1) % len(l.queues)
		if len(l.queues[pipeline]) > 0 && l.mayWrite(pipeline) {
			l.beginAt(pipeline)
			return true
		}
	}
	return false
}

func (l *loop) mayWrite(pipeline int) bool {
	o := l.outlets[pipeline]
	return o == nil || o.edge.hasCredit()
}

// beginAt begins a call with what waits for a pipeline: as much as the pace allows, from as many lanes as it takes.
func (l *loop) beginAt(pipeline int) {
	c := &call{id: l.next, pipeline: pipeline, began: time.Now()}
	l.next++
	var taken []message.Batch
	messages, bytes := l.pace.messages(pipeline), callBytes
	for messages > 0 && bytes > 0 && len(l.queues[pipeline]) > 0 {
		b := l.takeFrom(pipeline, messages, c)
		messages -= b.Count()
		bytes -= len(b.Payload)
		taken = append(taken, b)
	}
	batch := message.Join(taken)
	c.messages = batch.Count()
	l.calls = append(l.calls, c)
	l.executor.Process(Call{ID: c.id, Stage: pipeline, Batch: batch})
}

// takeFrom takes messages from the lane whose turn it is; the lane goes to the end of its queue, or out of it when it holds nothing more.
func (l *loop) takeFrom(pipeline, limit int, c *call) message.Batch {
	lane := l.queues[pipeline][0]
	l.queues[pipeline] = l.queues[pipeline][1:]
	b, _ := lane.edge.take(limit)
	c.parts = append(c.parts, part{lane: lane, first: lane.taken, taken: Credit{Messages: b.Count(), Bytes: len(b.Payload)}})
	lane.taken += uint64(b.Count())
	if !l.rest(lane) {
		l.queues[pipeline] = append(l.queues[pipeline], lane)
	}
	return b
}

// handle takes in what came of a call.
func (l *loop) handle(e Event) error {
	c, err := l.find(e)
	if err != nil {
		return err
	}
	if e.Output.Count() > 0 {
		l.outputs += uint64(e.Output.Count())
		l.outlets[e.Sink].edge.write(e.Output)
	}
	if e.Failure != nil {
		l.failures++
		l.report.Failed(l.origin(c, e.Failure.Index), *e.Failure)
	}
	if e.Done {
		l.done(c)
	}
	return nil
}

// find is the call that an event is of. Calls are done in the order in which they began, so it is the oldest one.
func (l *loop) find(e Event) (*call, error) {
	if len(l.calls) == 0 || l.calls[0].id != e.Call {
		return nil, fmt.Errorf("executor: an event of call %d, which is not the oldest begun", e.Call)
	}
	c := l.calls[0]
	if e.Output.Count() > 0 && (e.Sink != c.pipeline || l.outlets[e.Sink] == nil) {
		return nil, fmt.Errorf("executor: output for sink %d from a call of pipeline %d", e.Sink, c.pipeline)
	}
	if e.Failure != nil && (e.Failure.Index < 0 || e.Failure.Index >= c.messages) {
		return nil, fmt.Errorf("executor: a failure at message %d of a call of %d", e.Failure.Index, c.messages)
	}
	return c, nil
}

// origin is where message index of a call came from.
func (l *loop) origin(c *call, index int) Origin {
	for _, p := range c.parts {
		if index < p.taken.Messages {
			return Origin{Pipeline: c.pipeline, Peer: p.lane.peer, Position: p.first + uint64(index)}
		}
		index -= p.taken.Messages
	}
	return Origin{Pipeline: c.pipeline}
}

func (l *loop) done(c *call) {
	now := time.Now()
	began := c.began
	if l.finished.After(began) {
		began = l.finished // until then the executor was at the call before
	}
	l.finished = now
	l.pace.took(c.pipeline, c.messages, now.Sub(began))
	l.calls = l.calls[1:]
	l.processed += uint64(c.messages)
	for _, p := range c.parts {
		p.lane.edge.giveBack(p.taken)
	}
}
