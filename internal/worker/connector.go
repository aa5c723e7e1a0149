package worker

import (
	"context"
	"sync/atomic"

	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// Source brings a pipeline's messages in from outside.
type Source interface {
	// ID is the source's identity, PIPELINE/NAME.
	ID() string
	// Listen claims the source's address and returns it as it is, the port that the system chose in it. Nothing is accepted yet.
	Listen() (string, error)
	// Close gives up the address. It does no harm when Run has done it, or Listen has not succeeded.
	Close()
	// Run accepts messages and hands them on until stop is done; then it ends politely, in a time of its own, and returns when its lanes
	// are closed. It gives up at once when ctx is done. An error is a failure of the source as a whole, not of a connection.
	Run(ctx, stop context.Context, inlet *Inlet) error
}

// Sink takes a pipeline's results outside.
type Sink interface {
	// ID is the sink's identity, PIPELINE/NAME.
	ID() string
	// Connect returns when the sink has connected for the first time; it tries until ctx is done.
	Connect(ctx context.Context) error
	// Run writes what comes through the outlet until that is closed and all of it is delivered, or ctx is done.
	Run(ctx context.Context, outlet *Outlet) error
	// Close gives up the connection. It does no harm when there is none.
	Close()
}

// Inlet is where a source hands on: it opens a lane for each connection.
type Inlet struct {
	worker *Worker
	stage  int  // the first one of the source's pipeline
	spread bool // the stage takes its messages on any executor
	turn   atomic.Uint32
}

// Lane opens a lane for the peer of that name, as it stands in logs. Only one goroutine may use it.
func (i *Inlet) Lane(peer string) *Lane {
	lane := &Lane{worker: i.worker, room: newSignal()}
	loops := i.worker.loops
	if !i.spread { // the connection is this executor's
		n := int(i.turn.Add(1)-1) % len(loops)
		loops = loops[n : n+1]
	}
	for _, l := range loops {
		lane.ways = append(lane.ways, l.openInput(i.stage, peer, laneCredit, lane.room.notify))
	}
	return lane
}

// Refused counts a connection, or a message, that was refused for what it brought.
func (i *Inlet) Refused() { i.worker.refused.Add(1) }

// Lane is what one connection of a source hands on: in order, to one executor, or, where order does not bind, to the one with most credit.
type Lane struct {
	worker *Worker
	ways   []*input // one for each executor that may take the messages
	room   signal   // notified when one of them has credit again, or holds nothing more
	sent   uint64   // messages handed on
}

// Send hands messages on as soon as there is credit. Their memory is the engine's from then on. An error is ctx's.
func (l *Lane) Send(ctx context.Context, b message.Batch) error {
	l.worker.accepted.Add(uint64(b.Count()))
	for {
		if way := l.best(); way != nil {
			b.Position = l.sent
			l.worker.handed.Add(uint64(b.Count()))
			l.worker.put(way, b)
			l.sent += uint64(b.Count())
			return nil
		}
		select {
		case <-l.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// best is the way with most credit; nil if none has any.
func (l *Lane) best() *input {
	var best *input
	least := 0
	for _, way := range l.ways {
		if used, has := way.edge.level(); has && (best == nil || used < least) {
			best, least = way, used
		}
	}
	return best
}

// Settle returns when all that was sent is processed here, or ctx is done. Until then the lane's memory is in use.
func (l *Lane) Settle(ctx context.Context) {
	for l.holds() {
		select {
		case <-l.room:
		case <-ctx.Done():
			return
		}
	}
}

func (l *Lane) holds() bool {
	for _, way := range l.ways {
		if way.edge.messages() > 0 {
			return true
		}
	}
	return false
}
