package worker

import (
	"context"
	"fmt"
	"sync"
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

var (
	// laneCredit bounds what one connection may have handed on to an executor and not had processed.
	laneCredit = Credit{Messages: 8192, Bytes: 128 << 10}
	// exchangeCredit bounds what one executor may have handed on to a stage on another and not had processed, but for what its calls give.
	exchangeCredit = Credit{Messages: 16384, Bytes: 1 << 20}
)

// input is an edge into a loop, for a stage: from a connection, or from another executor.
type input struct {
	edge  *Edge
	stage int
	peer  string // the connection's other end; "" if it comes from another executor
	ready bool   // stands in the loop's queues or inbox; the inbox's lock guards it
}

// call is a call that has begun.
type call struct {
	id       uint32
	stage    int
	began    time.Time
	parts    []part
	messages int
}

// part is what a call took from one input.
type part struct {
	from     *input
	position uint64 // of its first message in its connection
	taken    Credit
}

// loop owns an executor: it alone begins calls, and it alone sees what came of them. It turns on the goroutine of whoever brings it news
// from outside, so that a message costs no more wake-ups than it has to, but on one at a time: all that follows wake is the loop's own, and
// turning guards it.
type loop struct {
	inbox
	wake     signal // notified when there is news that came while the loop turned, or from another loop, or it is over
	worker   *Worker
	executor Executor
	turning  sync.Mutex
	pace     pace
	queues   [][]*input // by stage: inputs that hold something, in the order of their turns
	first    int        // the pipeline whose turn it is
	sinks    []*Edge    // by pipeline: to its sink; nil where there is none
	stages   [][]*input // by stage and executor: inputs of other loops; nil where that is this one, or the stage takes nothing from executors
	calls    []*call    // begun and not done, oldest first
	next     uint32
	finished time.Time // when the last call was done
	over     bool      // nothing is left to do, or the loop was stopped
	err      error     // what ended it

	processed uint64 // messages of connections whose first call is done
	outputs   uint64 // messages written to sinks' edges
	failures  uint64 // messages that a step could not process
}

// openInput opens an edge from outside.
func (l *loop) openInput(stage int, peer string, credit Credit, room func()) *input {
	in := &input{stage: stage, peer: peer}
	in.edge = newEdge(credit, func() {
		l.arrived(in)
		l.news()
	}, room)
	return in
}

// openExchange opens an edge from another loop. Neither loop turns on the other's goroutine.
func (l *loop) openExchange(stage int, from *loop) *input {
	in := &input{stage: stage}
	in.edge = newEdge(exchangeCredit, func() {
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
	ready, events := l.take()
	for _, e := range events {
		if err := l.handle(e); err != nil {
			l.over, l.err = true, err
			return
		}
	}
	for _, in := range ready {
		l.queues[in.stage] = append(l.queues[in.stage], in)
	}
	for l.begin() {
	}
	if l.worker.finished() {
		l.over = true
		for _, edge := range l.sinks {
			if edge != nil {
				edge.close()
			}
		}
	}
}

// begin begins a call if one may begin: pipelines take turns, in each later stages go before earlier ones, and a stage whose output has
// nowhere to go is passed over.
func (l *loop) begin() bool {
	if len(l.calls) >= CallsAhead {
		return false
	}
	ranges := l.worker.ranges
	for range ranges {
		pipeline := l.first
		l.first = (l.first + 1) % len(ranges)
		for stage := ranges[pipeline].end - 1; stage >= ranges[pipeline].first; stage-- {
			if len(l.queues[stage]) > 0 && l.mayWrite(pipeline, stage) {
				l.beginAt(stage)
				return true
			}
		}
	}
	return false
}

// mayWrite reports whether every edge has credit that a call of the stage may write to: those of the later stages, which it may call here,
// are among them.
func (l *loop) mayWrite(pipeline, stage int) bool {
	if edge := l.sinks[pipeline]; edge != nil && !edge.hasCredit() {
		return false
	}
	for later := stage + 1; later < l.worker.ranges[pipeline].end; later++ {
		for _, in := range l.stages[later] {
			if in != nil && !in.edge.hasCredit() {
				return false
			}
		}
	}
	return true
}

// beginAt begins a call with what waits for a stage: as much as the pace allows, from as many inputs as it takes.
func (l *loop) beginAt(stage int) {
	c := &call{id: l.next, stage: stage, began: time.Now()}
	l.next++
	var batches []message.Batch
	messages, bytes := l.pace.messages(stage), callBytes
	for messages > 0 && bytes > 0 && len(l.queues[stage]) > 0 {
		b := l.takeFrom(stage, messages, c)
		messages -= b.Count()
		bytes -= len(b.Payload)
		batches = append(batches, b)
		if b.Packed > 0 {
			break // it cannot be joined with others
		}
	}
	batch := message.Join(batches)
	c.messages = batch.Count()
	l.calls = append(l.calls, c)
	l.executor.Process(Call{ID: c.id, Stage: stage, Batch: batch})
}

// takeFrom takes messages from the input whose turn it is; it goes to the end of its queue, or out of it when it holds nothing more.
func (l *loop) takeFrom(stage, limit int, c *call) message.Batch {
	in := l.queues[stage][0]
	l.queues[stage] = l.queues[stage][1:]
	b, _ := in.edge.take(limit)
	c.parts = append(c.parts, part{from: in, position: b.Position, taken: Credit{Messages: b.Count(), Bytes: len(b.Payload)}})
	if !l.rest(in) {
		l.queues[stage] = append(l.queues[stage], in)
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
		l.handOn(c, e.To, e.Output)
	}
	if e.Failure != nil {
		l.failures++
		l.worker.config.Report.Failed(l.origin(c, e.Failure.Index), *e.Failure)
	}
	if e.Done {
		l.done(c)
	}
	return nil
}

func (l *loop) handOn(c *call, to Target, b message.Batch) {
	if to.Sink {
		l.outputs += uint64(b.Count())
		l.sinks[l.worker.config.Stages[c.stage].Pipeline].write(b)
		return
	}
	l.worker.put(l.stages[to.Stage][to.Executor], b)
}

// find is the call that an event is of. Calls are done in the order in which they began, so it is the oldest one.
func (l *loop) find(e Event) (*call, error) {
	if len(l.calls) == 0 || l.calls[0].id != e.Call {
		return nil, fmt.Errorf("executor: an event of call %d, which is not the oldest begun", e.Call)
	}
	c := l.calls[0]
	if e.Output.Count() > 0 && !l.reaches(c.stage, e.To) {
		return nil, fmt.Errorf("executor: output for %+v from a call of stage %d", e.To, c.stage)
	}
	if e.Failure != nil && (e.Failure.Index < 0 || e.Failure.Index >= c.messages) {
		return nil, fmt.Errorf("executor: a failure at message %d of a call of %d", e.Failure.Index, c.messages)
	}
	return c, nil
}

// reaches reports whether a call of a stage may have output for a target.
func (l *loop) reaches(stage int, to Target) bool {
	pipeline := l.worker.config.Stages[stage].Pipeline
	if to.Sink {
		return l.sinks[pipeline] != nil
	}
	inputs := 0
	if to.Stage > stage && to.Stage < l.worker.ranges[pipeline].end {
		inputs = len(l.stages[to.Stage])
	}
	return to.Executor < inputs && l.stages[to.Stage][to.Executor] != nil
}

// origin is where message index of a call came from.
func (l *loop) origin(c *call, index int) Origin {
	o := Origin{Pipeline: l.worker.config.Stages[c.stage].Pipeline}
	for _, p := range c.parts {
		if index < p.taken.Messages {
			o.Peer, o.Position = p.from.peer, p.position+uint64(index)
			return o
		}
		index -= p.taken.Messages
	}
	return o
}

func (l *loop) done(c *call) {
	now := time.Now()
	began := c.began
	if l.finished.After(began) {
		began = l.finished // until then the executor was at the call before
	}
	l.finished = now
	l.pace.took(c.stage, c.messages, now.Sub(began))
	l.calls = l.calls[1:]
	for _, p := range c.parts {
		if p.from.peer != "" {
			l.processed += uint64(p.taken.Messages)
		}
		p.from.edge.giveBack(p.taken)
	}
	l.worker.settled(c.messages)
}
