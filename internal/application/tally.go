package application

import (
	"sync"
	"time"
)

// tally counts what comes too often to be told each time, and tells how many there were: once a second at most.
type tally struct {
	tell   func(n int)
	mu     sync.Mutex
	n      int         // guarded by mu, as is second: those not told yet
	second *time.Timer // ends the second in which they are counted; nil while nothing is
}

// add counts some.
func (t *tally) add(n int) {
	if n == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n += n
	if t.second == nil {
		t.second = time.AfterFunc(time.Second, t.finish)
	}
}

// finish tells what is not told yet.
func (t *tally) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.second != nil {
		t.second.Stop()
		t.second = nil
	}
	if t.n > 0 {
		t.tell(t.n)
		t.n = 0
	}
}
