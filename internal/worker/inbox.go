package worker

import "sync"

// inbox is what other goroutines tell the loop. Its bound is that of what they may have under way: inputs stand in it once each, and
// events are those of CallsAhead calls.
type inbox struct {
	mu     sync.Mutex
	ready  []*input // guarded by mu, as is events: inputs that hold something and are not in the loop's queues yet
	events []Event
}

// deliver puts events in, in their order.
func (i *inbox) deliver(events []Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.events = append(i.events, events...)
}

// arrived puts an input that holds something in. What it held when its producer noticed may have been taken meanwhile.
func (i *inbox) arrived(in *input) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !in.ready && !in.edge.empty() {
		in.ready = true
		i.ready = append(i.ready, in)
	}
}

// take removes all that is in the inbox.
func (i *inbox) take() (ready []*input, events []Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	ready, events = i.ready, i.events
	i.ready, i.events = nil, nil
	return ready, events
}

// rest takes an input out of the loop's queue if it is empty; false when more has come meanwhile.
func (i *inbox) rest(in *input) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	in.ready = !in.edge.empty()
	return !in.ready
}
