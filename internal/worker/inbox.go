package worker

import "sync"

// inbox is what other goroutines tell the loop. Its bound is that of what they may have under way: lanes stand in it once each, and
// events are those of CallsAhead calls.
type inbox struct {
	mu     sync.Mutex
	ready  []*Lane // guarded by mu, as are those below: lanes that hold something and are not in the loop's queues yet
	events []Event
	ended  bool // no lane will hold anything any more
}

// deliver puts events in, in their order.
func (i *inbox) deliver(events []Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.events = append(i.events, events...)
}

// arrived puts a lane that holds something in. What it held when its producer noticed may have been taken meanwhile.
func (i *inbox) arrived(l *Lane) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !l.ready && !l.edge.empty() {
		l.ready = true
		i.ready = append(i.ready, l)
	}
}

// end says that all sources have closed their lanes.
func (i *inbox) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = true
}

// take removes all that is in the inbox.
func (i *inbox) take() (ready []*Lane, events []Event, ended bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	ready, events = i.ready, i.events
	i.ready, i.events = nil, nil
	return ready, events, i.ended
}

// rest takes a lane out of the loop's queue if it is empty; false when more has come meanwhile.
func (i *inbox) rest(l *Lane) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	l.ready = !l.edge.empty()
	return !l.ready
}
