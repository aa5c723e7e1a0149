package worker

import (
	"fmt"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// call is a call that has begun: messages for a stage, or something ordered.
type call struct {
	id       uint32
	stage    int
	order    *order     // nil if it is messages
	replay   *replay    // if it is a message that is sent again
	epoch    door.Epoch // of the messages
	began    time.Time
	parts    []part
	messages int
	output   int    // bytes that came of it
	markers  []mark // to be written when it is done
}

// part is what a call took from one input.
type part struct {
	from     *input
	peer     string
	position uint64 // of its first message in its connection
	taken    Credit
}

// mark is a marker that a stage has passed.
type mark struct {
	stage int
	epoch door.Epoch
}

// newCall makes a call; markers that are passed from now on go behind it.
func (l *loop) newCall(stage int, o *order) *call {
	c := &call{id: l.next, stage: stage, order: o, began: time.Now()}
	l.next++
	if len(l.calls) == 0 {
		l.clock.turn(standing{as: busy}, c.began)
	}
	l.calls = append(l.calls, c)
	if o == nil {
		c.epoch = l.door.Epoch(stage)
		l.door.Began(stage)
	}
	return c
}

// process begins a call of messages.
func (l *loop) process(c *call, batch message.Batch, settles bool) {
	c.messages = batch.Count()
	l.executor.Process(Call{ID: c.id, Stage: c.stage, Settles: settles, Batch: batch})
}

// handle takes in what came of a call.
func (l *loop) handle(e Event) error {
	c, err := l.find(e)
	if err != nil {
		return err
	}
	if e.Output.Count() > 0 {
		c.output += e.Output.Bytes()
		if err := l.handOn(e.To, e.Output); err != nil {
			return err
		}
	}
	if e.State != nil {
		l.moving.givenOut(c.order.island, *e.State)
	}
	if e.Stuck != nil {
		c.order.stuck(e.Stuck)
	}
	if c.order != nil && c.order.saves && !e.Done {
		c.output += len(e.Saved)
		l.saving.gave(&e, &l.worker.saved)
	}
	if e.Failure != nil {
		l.counts.failed(e.Failure.Where())
		l.worker.config.Report.Failed(l.origin(c, e.Failure.Index), *e.Failure)
	}
	if e.Done {
		l.counts.entered(e.Entered)
		l.done(c, e.Entered)
	}
	return nil
}

// handOn puts messages where they go that a call does not take further.
func (l *loop) handOn(to Target, b message.Batch) error {
	switch to.Kind {
	case ToSink:
		l.counts.wrote(to.Sink, &b)
		l.sinks[to.Sink].write(b)
	case ToExecutor:
		l.worker.inside.Add(int64(b.Count()))
		l.out[to.Stage][to.Executor].edge.write(b)
	case ToQueue:
		l.worker.inside.Add(int64(b.Count()))
		return l.wait(door.Queue{Partition: to.Partition, Stage: to.Stage}, b)
	}
	return nil
}

// find is the call that an event is of. Calls are done in the order in which they began, so it is the oldest one.
func (l *loop) find(e Event) (*call, error) {
	if len(l.calls) == 0 || l.calls[0].id != e.Call {
		return nil, fmt.Errorf("executor %d: an event of call %d, which is not the oldest begun", l.number, e.Call)
	}
	c := l.calls[0]
	if e.Output.Count() > 0 && (c.order != nil || !l.reaches(c.stage, e.To)) {
		return nil, fmt.Errorf("executor %d: output for %+v from a call of stage %d", l.number, e.To, c.stage)
	}
	if e.Failure != nil && (e.Failure.Index < 0 || e.Failure.Index >= c.messages) {
		return nil, fmt.Errorf("executor %d: a failure at message %d of a call of %d", l.number, e.Failure.Index, c.messages)
	}
	if e.Stuck != nil && (c.order == nil || c.order.stuck == nil) {
		return nil, fmt.Errorf("executor %d: %w", l.number, e.Stuck)
	}
	if e.Saved != nil && (c.order == nil || !c.order.saves) {
		return nil, fmt.Errorf("executor %d: state that nobody asked to be saved", l.number)
	}
	if e.State != nil && (c.order == nil || !c.order.leaves[e.State.Partition]) {
		return nil, fmt.Errorf("executor %d: state of partition %d, which was not asked for", l.number, e.State.Partition)
	}
	return c, nil
}

// reaches reports whether a call of a stage may have output for a target.
func (l *loop) reaches(stage int, to Target) bool {
	switch to.Kind {
	case ToSink:
		return slices.Contains(l.worker.ways[stage].sinks, to.Sink)
	case ToExecutor:
		return slices.Contains(l.door.Calls(stage), to.Stage) &&
			to.Executor < len(l.out[to.Stage]) && l.out[to.Stage][to.Executor] != nil
	default:
		return to.Stage == stage || slices.Contains(l.door.Calls(stage), to.Stage)
	}
}

// origin is where message index of a call came from.
func (l *loop) origin(c *call, index int) Origin {
	o := Origin{Source: l.worker.ways[c.stage].source, Run: l.worker.run, Epoch: uint64(c.epoch)}
	if c.replay != nil {
		o.Source, o.Peer, o.Position = c.replay.Origin.Source, c.replay.Origin.Peer, c.replay.Origin.Position
		return o
	}
	for _, p := range c.parts {
		if index < p.taken.Messages {
			if p.from != nil && p.from.lane {
				o.Source = l.worker.ways[p.from.stage].source
			}
			o.Peer, o.Position = p.peer, p.position+uint64(index)
			return o
		}
		index -= p.taken.Messages
	}
	return o
}

// done ends a call: what it took is given back, and the markers go out that were passed behind it.
func (l *loop) done(c *call, entered []Entered) {
	now := time.Now()
	began := c.began
	if l.finished.After(began) {
		began = l.finished // until then the executor was at the call before
	}
	l.finished = now
	l.calls = l.calls[1:]
	for _, m := range c.markers {
		l.writeMarker(m)
	}
	if c.order != nil {
		if c.order.saves {
			l.saved(c, now.Sub(began))
		}
		c.order.done()
		return
	}
	l.saving.due = min(l.saving.due+now.Sub(began)/savingPart, mostDue)
	l.shares[c.stage].see(entered)
	l.counts.worked(now.Sub(began), l.shares[c.stage], entered)
	if c.replay != nil {
		c.replay.done(uint64(c.epoch))
	} else {
		l.pace.took(c.stage, c.messages, c.output, now.Sub(began))
	}
	l.door.Done(c.stage)
	for _, p := range c.parts {
		if p.from.lane {
			l.counts.processed += uint64(p.taken.Messages)
		}
		p.from.edge.allow(l.worker.config.credit(l.pace.within(c.stage)))
		p.from.edge.giveBack(p.taken)
	}
	l.worker.settled(c.messages)
}
