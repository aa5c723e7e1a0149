package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// newInlet makes an inlet whose lanes have credit for so many messages each, and nobody at their other ends.
func newInlet(lanes, credit int) *Inlet {
	i := &Inlet{worker: &Worker{}, takers: lanes}
	for range lanes {
		i.join(&input{lane: true, edge: newEdge(Credit{Messages: credit, Bytes: unlimited}, func() {}, i.room)})
	}
	return i
}

// one is a batch of one message.
func one() *message.Batch {
	b := message.Batch{}
	b.Append([]byte("m"))
	return &b
}

// free takes a message of a lane through.
func (i *Inlet) free(lane int) {
	edge := i.lanes[lane].edge
	b, _ := edge.take(1)
	edge.giveBack(creditOf(&b))
}

// handedOn reports whether a batch was handed on, as far as there was credit.
func (i *Inlet) handedOn(c *Connection, b *message.Batch) bool {
	handed, err := i.handOn(c, b)
	return handed && err == nil
}

// dial opens a connection.
func (i *Inlet) dial(peer string) *Connection { return i.Connect(peer).(*Connection) }

// hasTurn reports whether a connection was told that it is its turn, and takes the notice away.
func hasTurn(c *Connection) bool {
	select {
	case <-c.turn:
		return true
	default:
		return false
	}
}

// TestRepinMovesAsFewAsItTakes changes the number of executors at random while connections come and go.
func TestRepinMovesAsFewAsItTakes(t *testing.T) {
	for seed := range uint64(500) {
		chance := rand.New(rand.NewPCG(seed, 0))
		i := newInlet(8, 1)
		i.takers = 1 + chance.IntN(8)
		for range 20 {
			if chance.IntN(3) == 0 && len(i.connections) > 0 {
				i.connections[chance.IntN(len(i.connections))].Close()
			} else {
				i.dial("")
			}
		}
		executors := 1 + chance.IntN(8)
		most := (len(i.connections) + executors - 1) / executors
		before, least := map[*Connection]int{}, 0
		for x, n := range loads(i) {
			if x < executors {
				n = max(0, n-most)
			}
			least += n
		}
		for _, c := range i.connections {
			before[c] = c.home.at
		}
		same := executors == i.takers
		i.inject(1, executors)
		moved := 0
		for c, at := range before {
			if c.home.at != at {
				moved++
			}
		}
		switch {
		case same && moved > 0:
			t.Fatalf("seed %d: %d connections move though no executor comes or goes", seed, moved)
		case !same && moved != least:
			t.Fatalf("seed %d: %d connections move; %d are enough", seed, moved, least)
		}
		for x, n := range loads(i) {
			if !same && (n > most || x >= executors && n > 0) {
				t.Fatalf("seed %d: executor %d of %d takes from %d connections of %d", seed, x, executors, n, len(before))
			}
		}
	}
}

// loads is how many connections each executor takes from.
func loads(i *Inlet) []int {
	loads := make([]int, len(i.lanes))
	for _, c := range i.connections {
		loads[c.home.at]++
	}
	return loads
}

func TestConnectionsGoToTheExecutorsWithTheFewest(t *testing.T) {
	i := newInlet(3, 1)
	var connections []*Connection
	for range 6 {
		connections = append(connections, i.dial(""))
	}
	connections[1].Close()
	connections[4].Close()
	i.dial("")
	if got := fmt.Sprint(loads(i)); got != "[2 1 2]" {
		t.Errorf("executors take from %s connections", got)
	}
}

// TestABatchIsHandedOnAsFarAsThereIsCredit has one come that is larger than the credit of its lane, as a read of many small messages is.
func TestABatchIsHandedOnAsFarAsThereIsCredit(t *testing.T) {
	i := newInlet(1, 3)
	c := i.dial("1")
	b := message.Batch{Position: 10}
	for range 5 {
		b.Append([]byte("m"))
	}
	if !i.handedOn(c, &b) || b.Count() != 2 || b.Position != 13 || i.lanes[0].edge.held().Messages != 3 {
		t.Errorf("%d messages are left from position %d, and %d in the lane", b.Count(), b.Position, i.lanes[0].edge.held().Messages)
	}
	if i.handedOn(c, &b) {
		t.Error("more was taken than there was credit for")
	}
	i.free(0)
	if !hasTurn(c) || !i.handedOn(c, &b) || b.Count() != 1 {
		t.Errorf("%d messages are left when one more was let in", b.Count())
	}
}

// TestTurnsAreGivenInOrder fills a lane and has three connections wait for it.
func TestTurnsAreGivenInOrder(t *testing.T) {
	i := newInlet(1, 1)
	first, second, third := i.dial("1"), i.dial("2"), i.dial("3")
	if !i.handedOn(first, one()) || i.handedOn(second, one()) || i.handedOn(third, one()) || i.handedOn(first, one()) {
		t.Fatal("credit for one message is not that")
	}
	for _, c := range []*Connection{second, third, first} {
		if hasTurn(second) || hasTurn(third) || hasTurn(first) {
			t.Fatal("a connection has its turn while there is no credit")
		}
		i.free(0)
		if !hasTurn(c) || !i.handedOn(c, one()) {
			t.Fatalf("it is not connection %s's turn", c.peer)
		}
	}
}

// TestATurnThatIsGivenUpGoesToTheNext ends a connection that was told of its turn and has not used it.
func TestATurnThatIsGivenUpGoesToTheNext(t *testing.T) {
	i := newInlet(1, 1)
	first, second, third := i.dial("1"), i.dial("2"), i.dial("3")
	i.handedOn(first, one())
	i.handedOn(second, one())
	i.handedOn(third, one())
	i.free(0)
	i.giveUp(second)
	if !hasTurn(third) {
		t.Error("nobody has the turn")
	}
}

// TestAConnectionWaitsForItsOwnLaneOnly fills one lane of two; in front of the other's connection one waits in vain.
func TestAConnectionWaitsForItsOwnLaneOnly(t *testing.T) {
	i := newInlet(2, 1)
	first, second := i.dial("1"), i.dial("2")
	for _, c := range []*Connection{first, second, first, second} {
		i.handedOn(c, one())
	}
	i.free(1)
	if hasTurn(first) || !hasTurn(second) {
		t.Error("it is not the turn of the connection whose lane has credit")
	}
}

func TestWhatIsAnybodysGoesWhereLeastIs(t *testing.T) {
	i := newInlet(3, 2)
	i.spread = true
	c := i.dial("")
	for range 4 {
		i.handedOn(c, one())
	}
	i.free(2)
	for range 3 {
		i.handedOn(c, one())
	}
	for n, lane := range i.lanes {
		if held := lane.edge.held().Messages; held != 2 {
			t.Errorf("lane %d holds %d messages", n, held)
		}
	}
	if i.handedOn(c, one()) {
		t.Error("a message was taken without credit")
	}
}

// TestConnectionsShareALane has eight connections send as fast as they may into a lane that takes a message a millisecond.
func TestConnectionsShareALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInlet(1, 1)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var connections []*Connection
		for range 8 {
			c := i.dial("")
			connections = append(connections, c)
			go func() {
				var err error
				for err == nil {
					err = c.Send(ctx, connector.Batch{Sizes: one().Sizes, Payload: one().Payload})
				}
			}()
		}
		for range 800 {
			time.Sleep(time.Millisecond)
			synctest.Wait()
			i.free(0)
		}
		synctest.Wait()
		for n, c := range connections {
			if c.sent < 100 || c.sent > 102 {
				t.Errorf("connection %d has sent %d messages of 800", n, c.sent)
			}
		}
	})
}

// TestAStreamGoesOnWithItsLastConnection has a connection wait for credit while another one goes on with its stream.
func TestAStreamGoesOnWithItsLastConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInlet(1, 2)
		resume := func(peer, stream string) (connector.Connection, uint64) {
			c, accepted, err := i.Resume(t.Context(), peer, stream)
			if err != nil {
				t.Fatal(err)
			}
			return c, accepted
		}
		first, accepted := resume("first", "s")
		if accepted != 0 {
			t.Errorf("%d messages are accepted before any was sent", accepted)
		}
		three := connector.Batch{}
		for range 3 {
			three.Append([]byte("m"))
		}
		sent := make(chan error, 1)
		go func() { sent <- first.Send(t.Context(), three) }()
		synctest.Wait() // it has sent two of them, and waits
		second, accepted := resume("second", "s")
		if accepted != 2 || i.messages.Load() != 2 {
			t.Errorf("%d messages are accepted, %d counted; want 2", accepted, i.messages.Load())
		}
		if err := <-sent; !errors.Is(err, connector.ErrSuperseded) {
			t.Errorf("the first connection: %v", err)
		}
		i.free(0)
		if err := second.Send(t.Context(), connector.Batch{Sizes: []uint32{1}, Payload: []byte("m")}); err != nil {
			t.Error(err)
		}
		i.free(0)
		if err := first.Send(t.Context(), connector.Batch{Sizes: []uint32{1}, Payload: []byte("m")}); !errors.Is(err, connector.ErrSuperseded) {
			t.Errorf("the first connection, again: %v", err)
		}
		first.Close()
		second.Close()
		if _, accepted := resume("third", "s"); accepted != 3 {
			t.Errorf("%d messages are accepted; want 3", accepted)
		}
		if _, accepted := resume("third", "another"); accepted != 0 {
			t.Errorf("%d messages of another stream are accepted", accepted)
		}
	})
}

// TestOneMoreStreamThanIsRememberedIsRefused opens them, and goes on with one that is known.
func TestOneMoreStreamThanIsRememberedIsRefused(t *testing.T) {
	i := newInlet(1, 2)
	i.worker.config.Limits.Streams = 2
	for _, stream := range []string{"a", "b", "a"} {
		if _, _, err := i.Resume(t.Context(), "peer", stream); err != nil {
			t.Errorf("stream %s: %v", stream, err)
		}
	}
	if _, _, err := i.Resume(t.Context(), "peer", "c"); err == nil || !strings.Contains(err.Error(), "--max-streams") {
		t.Errorf("a third stream: %v", err)
	}
	if len(i.streams) != 2 {
		t.Errorf("%d streams are remembered", len(i.streams))
	}
}
