package worker

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Inlet is where a source hands on, a connector.Inlet. It has a lane to each executor, in which the messages of all connections stand that
// are the executor's, in one order; a marker enters all lanes between two batches, and so cuts every connection at one point.
type Inlet struct {
	worker *Worker
	stage  int  // that the source feeds
	spread bool // the stage takes its messages on any executor

	mu          sync.Mutex
	lanes       []*input      // guarded by mu, as are those below: by executor
	takers      int           // the executors below this take what connections bring
	connections []*Connection // open
	waiting     []*Connection // for credit, in the order in which they came
	streams     map[string]*stream
	watch       watch // what looks on; nil but in tests

	messages, bytes atomic.Uint64 // accepted
	refused         atomic.Uint64 // connections and messages
}

// watch sees where markers cut the connections. It is called with the inlet's lock.
type watch interface {
	handedOn(peer string, messages int)
	marked(e door.Epoch)
}

// Connect opens a connection to the peer of that name, as it stands in logs. It must be closed.
func (i *Inlet) Connect(peer string) connector.Connection { return i.connect(peer) }

// Resume opens a connection that goes on with a stream. An older one that is open is ended. How many messages are accepted is known as long
// as the worker runs.
func (i *Inlet) Resume(peer, name string) (connector.Connection, uint64) {
	c := i.connect(peer)
	i.mu.Lock()
	defer i.mu.Unlock()
	of := i.streams[name]
	if of == nil {
		of = &stream{}
		i.streams[name] = of
	}
	if of.now != nil {
		of.now.turn.notify()
	}
	of.now, c.of, c.sent = c, of, of.accepted
	return c, of.accepted
}

func (i *Inlet) connect(peer string) *Connection {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := &Connection{inlet: i, peer: peer, turn: newSignal()}
	c.at = i.idlest()
	i.connections = append(i.connections, c)
	return c
}

// idlest is the executor with the fewest connections.
func (i *Inlet) idlest() int {
	load := make([]int, i.takers)
	for _, c := range i.connections {
		if c.at < i.takers {
			load[c.at]++
		}
	}
	return slices.Index(load, slices.Min(load))
}

func (i *Inlet) close(c *Connection) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.connections = slices.DeleteFunc(i.connections, func(other *Connection) bool { return other == c })
}

// Refused counts a connection, or a message, that was refused for what it brought.
func (i *Inlet) Refused() { i.refused.Add(1) }

func (i *Inlet) accepted(b *message.Batch) {
	i.messages.Add(uint64(b.Count()))
	i.bytes.Add(uint64(len(b.Payload)))
}

// handOn writes as much of a batch of a connection to its lane as that has credit for; if it has none, the connection's turn will be told.
// So a marker never waits behind more than may be in flight, however much a connection brings at once.
func (i *Inlet) handOn(c *Connection, all *message.Batch) bool {
	i.mu.Lock()
	if c.isOver() {
		i.mu.Unlock()
		return false
	}
	lane := i.lane(c)
	if lane == nil {
		if !slices.Contains(i.waiting, c) {
			i.waiting = append(i.waiting, c)
		}
		i.mu.Unlock()
		return false
	}
	b := all.Take(lane.edge.left())
	if c.of != nil {
		c.of.accepted += uint64(b.Count())
		i.accepted(&b)
	}
	i.worker.handed.Add(uint64(b.Count()))
	i.worker.inside.Add(int64(b.Count()))
	if i.watch != nil {
		i.watch.handedOn(c.peer, b.Count())
	}
	first := lane.edge.put(item{batch: b})
	i.next()
	i.mu.Unlock()
	if first {
		lane.edge.items()
	}
	return true
}

// superseded reports whether a connection's stream goes on with another one.
func (i *Inlet) superseded(c *Connection) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return c.isOver()
}

// isOver is superseded, with the inlet's lock.
func (c *Connection) isOver() bool { return c.of != nil && c.of.now != c }

// lane is where a connection's messages go; nil if there is no credit.
func (i *Inlet) lane(c *Connection) *input {
	if !i.spread {
		if lane := i.lanes[c.at]; lane.edge.hasCredit() {
			return lane
		}
		return nil
	}
	var best *input
	least := 0
	for _, lane := range i.lanes[:i.takers] {
		if used, has := lane.edge.level(); has && (best == nil || used < least) {
			best, least = lane, used
		}
	}
	return best
}

// room is called when a lane has credit again.
func (i *Inlet) room() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.next()
}

// next gives the first of the waiting connections that has credit its turn; when it has written, it gives the next its own.
func (i *Inlet) next() {
	for n, c := range i.waiting {
		if i.lane(c) != nil {
			i.waiting = slices.Delete(i.waiting, n, n+1)
			c.turn.notify()
			return
		}
	}
}

// giveUp takes back that a connection waits; a turn that it was given goes to the next.
func (i *Inlet) giveUp(c *Connection) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waiting = slices.DeleteFunc(i.waiting, func(other *Connection) bool { return other == c })
	i.next()
}

// join opens the lane to an executor, which is the next one.
func (i *Inlet) join(lane *input) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lanes = append(i.lanes, lane)
}

// leave closes the lanes to the executors that have gone.
func (i *Inlet) leave(executors int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lanes = slices.Delete(i.lanes, executors, len(i.lanes))
}

// inject puts a marker into all lanes. Behind it, connections belong to the executors that the marker's table has.
func (i *Inlet) inject(e door.Epoch, executors int) {
	i.mu.Lock()
	var woken []*Edge
	for _, lane := range i.lanes {
		if lane.edge.put(item{marker: e}) {
			woken = append(woken, lane.edge)
		}
	}
	if i.watch != nil {
		i.watch.marked(e)
	}
	i.repin(executors)
	i.next()
	i.mu.Unlock()
	for _, edge := range woken {
		edge.items()
	}
}

// repin spreads the connections evenly over the executors, moving as few as it takes.
func (i *Inlet) repin(executors int) {
	if executors == i.takers {
		return
	}
	i.takers = executors
	most := (len(i.connections) + executors - 1) / executors
	load := make([]int, executors)
	var homeless []*Connection
	for _, c := range i.connections {
		if c.at >= executors || load[c.at] == most {
			homeless = append(homeless, c)
		} else {
			load[c.at]++
		}
	}
	for _, c := range homeless {
		c.at = slices.Index(load, slices.Min(load))
		load[c.at]++
	}
}
