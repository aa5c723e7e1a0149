package worker

import (
	"sync"

	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

// inbox is what other goroutines tell the loop. Its bound is that of what they may have under way: inputs stand in it once each, events are
// those of CallsAhead calls, and of arrivals and markers there are those of the last marker.
type inbox struct {
	mu   sync.Mutex
	news news // guarded by mu
}

// news is what is in an inbox.
type news struct {
	ready    []*input // inputs that hold something and are not in the loop's queues yet
	events   []Event
	arrivals []arrival
	taken    []taking
}

// arrival is a partition of an island that has been handed over.
type arrival struct {
	island int
	epoch  door.Epoch // the marker at which it left
	states []State    // in the order in which they were given out
	moved  movedPartition
}

// taking is a marker that a sink has taken from this executor.
type taking struct {
	sink  int
	epoch door.Epoch
}

// deliver puts events in, in their order.
func (i *inbox) deliver(events []Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.news.events = append(i.news.events, events...)
}

// arrived puts an input that holds something in. What it held when its producer noticed may have been taken meanwhile.
func (i *inbox) arrived(in *input) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !in.ready && !in.edge.empty() {
		in.ready = true
		i.news.ready = append(i.news.ready, in)
	}
}

// came puts a partition in.
func (i *inbox) came(a arrival) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.news.arrivals = append(i.news.arrivals, a)
}

// took puts a marker in that a sink has taken.
func (i *inbox) took(t taking) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.news.taken = append(i.news.taken, t)
}

// take removes all that is in the inbox.
func (i *inbox) take() news {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.news
	i.news = news{}
	return all
}

// rest takes an input out of the loop's queue if it is empty; false when more has come meanwhile.
func (i *inbox) rest(in *input) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	in.ready = !in.edge.empty()
	return !in.ready
}
