package worker

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// Inlet is where a source hands on, a connector.Inlet. It has a lane to each executor, in which the messages of all connections stand that
// are the executor's, in one order; a marker enters all lanes between two batches, and so cuts every connection at one point.
type Inlet struct {
	worker *Worker
	source string // its identity
	stage  int    // that the source feeds
	spread bool   // the stage takes its messages on any executor

	mu          sync.Mutex
	lanes       []*input      // guarded by mu, as are those below: by executor
	takers      int           // the executors below this take what connections bring
	connections []*Connection // open
	waiting     []*Connection // for credit, in the order in which they came
	replaying   bool          // only connections that replay may hand on
	next        uint64        // the record of the journal that is replayed next, while it is
	streams     map[string]*stream
	unsynced    []unsynced // in the journal and not known to be on disk, in order
	watch       watch      // what looks on; nil but in tests

	messages, bytes atomic.Uint64 // accepted, since the application began; what is replayed comes again
	most            Traffic       // that was accepted before the source went back; guarded by mu
	refused         atomic.Uint64 // connections and messages
}

// unsynced is a batch that is handed on when its record is on disk.
type unsynced struct {
	number uint64
	from   *Connection
	lane   *input
	batch  message.Batch
}

// watch sees where markers cut the connections. It is called with the inlet's lock.
type watch interface {
	handedOn(peer string, messages int)
	marked(e door.Epoch)
}

// Connect opens a connection to the peer of that name, as it stands in logs. It must be closed.
func (i *Inlet) Connect(peer string) connector.Connection {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.connect(peer, i.idlest())
}

func (i *Inlet) connect(peer string, at *home) *Connection {
	c := &Connection{inlet: i, peer: peer, home: at, turn: newSignal()}
	i.connections = append(i.connections, c)
	return c
}

// home is the executor that takes what a connection brings. It changes at markers only, and is one for all connections that bring what must
// keep its order: those of a stream, and the one that brings again what a connection has brought.
type home struct{ at int }

// homes are those of the open connections.
func (i *Inlet) homes() []*home {
	var list []*home
	known := make(map[*home]bool, len(i.connections))
	for _, c := range i.connections {
		if !known[c.home] {
			known[c.home] = true
			list = append(list, c.home)
		}
	}
	return list
}

// idlest is a home at the executor with the fewest connections.
func (i *Inlet) idlest() *home {
	load := make([]int, i.takers)
	for _, h := range i.homes() {
		if h.at < i.takers {
			load[h.at]++
		}
	}
	return &home{at: slices.Index(load, slices.Min(load))}
}

func (i *Inlet) close(c *Connection) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.connections = slices.DeleteFunc(i.connections, func(other *Connection) bool { return other == c })
	if c.stream != nil && c.stream.open == c {
		c.stream.open = nil
	}
}

// Refused counts a connection, or a message, that was refused for what it brought.
func (i *Inlet) Refused() { i.refused.Add(1) }

// handOn takes as much of a batch of a connection as its lane has credit for, writes it to the journal, if there is one, and then to the
// lane; if there is no credit, the connection's turn will be told. So a marker never waits behind more than may be in flight, however much
// a connection brings at once. After an error nothing has been handed on.
func (i *Inlet) handOn(c *Connection, all *message.Batch) (bool, error) {
	i.mu.Lock()
	lane := i.lane(c)
	switch {
	case c.isSuperseded():
		i.mu.Unlock()
		return false, connector.ErrSuperseded
	case lane == nil:
		if !slices.Contains(i.waiting, c) {
			i.waiting = append(i.waiting, c)
		}
		i.mu.Unlock()
		return false, nil
	}
	before := *all
	b := all.Take(lane.edge.left())
	keep := i.worker.config.Keep
	if keep == nil {
		if c.stream != nil {
			c.stream.kept += uint64(b.Count())
		}
		i.put(c, lane, b)
		return true, nil
	}
	number, err := keep.Journal.Append(c.record(&b))
	if err != nil {
		*all = before
		i.mu.Unlock()
		return false, err
	}
	i.worker.account.hasRoom()
	if c.stream != nil {
		c.stream.kept += uint64(b.Count())
	}
	if !keep.Sync {
		i.put(c, lane, b)
		return true, nil
	}
	lane.edge.reserve(creditOf(&b))
	i.unsynced = append(i.unsynced, unsynced{number: number, from: c, lane: lane, batch: b})
	i.giveTurn()
	i.mu.Unlock()
	return true, i.sync(keep.Journal, number)
}

// put writes a batch to a lane. It gives the inlet's lock back.
func (i *Inlet) put(c *Connection, lane *input, b message.Batch) {
	i.accepted(c, &b)
	first := lane.edge.put(item{batch: b})
	i.giveTurn()
	i.mu.Unlock()
	if first {
		lane.edge.items()
	}
}

func (i *Inlet) accepted(c *Connection, b *message.Batch) {
	i.messages.Add(uint64(b.Count()))
	i.bytes.Add(uint64(len(b.Payload)))
	i.worker.handed.Add(uint64(b.Count()))
	i.worker.inside.Add(int64(b.Count()))
	if c.stream != nil {
		c.stream.accepted += uint64(b.Count())
	}
	if i.watch != nil {
		i.watch.handedOn(c.peer, b.Count())
	}
}

// sync returns when a record is on disk, and what stands up to it in the journal is handed on, in its order.
func (i *Inlet) sync(j *journal.Journal, number uint64) error {
	synced, err := j.Sync(number)
	if err != nil {
		return err
	}
	i.mu.Lock()
	var woken []*Edge
	for len(i.unsynced) > 0 && i.unsynced[0].number <= synced {
		u := i.unsynced[0]
		i.unsynced = i.unsynced[1:]
		i.accepted(u.from, &u.batch)
		edge := u.lane.edge
		if edge.putReserved(u.batch) {
			woken = append(woken, edge)
		}
	}
	i.mu.Unlock()
	for _, edge := range woken {
		edge.items()
	}
	return nil
}

// lane is where a connection's messages go; nil if there is no credit.
func (i *Inlet) lane(c *Connection) *input {
	if len(i.lanes) == 0 || i.replaying != c.replays {
		return nil
	}
	if !i.spread {
		if lane := i.lanes[c.home.at]; lane.edge.hasCredit() {
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
	i.giveTurn()
}

// giveTurn gives the first of the waiting connections that has credit its turn; when it has written, it gives the next its own.
func (i *Inlet) giveTurn() {
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
	i.giveTurn()
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

// inject puts a marker into all lanes, and returns where it cuts the source. Behind it, connections belong to the executors that the
// marker's table has.
func (i *Inlet) inject(e door.Epoch, executors int) Position {
	i.mu.Lock()
	at := i.position()
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
	i.giveTurn()
	i.mu.Unlock()
	for _, edge := range woken {
		edge.items()
	}
	return at
}

// position is how far the source has come.
func (i *Inlet) position() Position {
	p := Position{Accepted: i.messages.Load(), Bytes: i.bytes.Load(), Streams: i.ofStreams()}
	switch keep := i.worker.config.Keep; {
	case keep == nil:
	case i.replaying:
		p.Next = i.next
	case len(i.unsynced) > 0:
		p.Next = i.unsynced[0].number
	default:
		p.Next = keep.Journal.Next()
	}
	return p
}

// repin spreads the connections evenly over the executors, moving as few as it takes.
func (i *Inlet) repin(executors int) {
	if executors == i.takers {
		return
	}
	i.takers = executors
	for _, s := range i.streams { // those that are open are spread with the connections
		s.home.at %= executors
	}
	homes := i.homes()
	most := (len(homes) + executors - 1) / executors
	load := make([]int, executors)
	var homeless []*home
	for _, h := range homes {
		if h.at >= executors || load[h.at] == most {
			homeless = append(homeless, h)
		} else {
			load[h.at]++
		}
	}
	for _, h := range homeless {
		h.at = slices.Index(load, slices.Min(load))
		load[h.at]++
	}
}
