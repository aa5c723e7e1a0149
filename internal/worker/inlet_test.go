package worker

import (
	"testing"
	"testing/synctest"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// idle is a worker of so many executors that do nothing, with an edge of one message to each.
func idle(t *testing.T, executors int) *Worker {
	t.Helper()
	var list []Executor
	for range executors {
		list = append(list, newTestExecutor(t))
	}
	config := Config{Pipelines: []Pipeline{{}}, Stages: []Stage{{}}, Limits: Limits{Credit: 1}}
	w := New(config, partition.Even(16, executors), list)
	for _, lane := range w.inlets[0].lanes {
		lane.edge.items = func() {}
	}
	return w
}

func TestConnectionsAreSpreadAndFewMove(t *testing.T) {
	i := idle(t, 4).inlets[0]
	i.takers = 2
	var connections []*Connection
	at := map[int]int{}
	for range 8 {
		c := i.Connect("peer")
		connections = append(connections, c)
		at[c.at]++
	}
	if at[0] != 4 || at[1] != 4 {
		t.Fatalf("connections by executor %v", at)
	}
	for _, executors := range []int{4, 1, 3} {
		before := map[*Connection]int{}
		for _, c := range connections {
			before[c] = c.at
		}
		i.inject(1, executors)
		at, moved := map[int]int{}, 0
		for _, c := range connections {
			at[c.at]++
			if c.at != before[c] {
				moved++
			}
		}
		most := map[int]int{4: 4, 1: 6, 3: 5}[executors]
		if len(at) != executors || moved > most {
			t.Errorf("%d executors: connections %v, %d moved", executors, at, moved)
		}
	}
}

// TestConnectionsTakeTurns has five wait for one credit: each gets it, in the order in which they began to wait.
func TestConnectionsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := idle(t, 1)
		lane := w.inlets[0].lanes[0]
		b := message.Batch{}
		b.Append([]byte("m"))
		lane.edge.put(item{batch: b}) // the credit is used
		sent := make(chan int, 5)
		for n := range 5 {
			c := w.inlets[0].Connect("peer")
			go func() {
				own := message.Batch{}
				own.Append([]byte("m"))
				if c.Send(t.Context(), own) == nil {
					sent <- n
				}
			}()
			synctest.Wait()
		}
		for n := range 5 {
			taken, _ := lane.edge.take(1)
			lane.edge.giveBack(creditOf(&taken))
			synctest.Wait()
			if len(sent) != 1 || <-sent != n {
				t.Fatalf("it was not the turn of number %d alone", n)
			}
		}
	})
}
