package worker

import (
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/protocol/checkpoint"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
)

const (
	// sliceTime is how long an executor encodes at once of what is to be saved: a message that comes then waits for that, and for no more.
	// While messages wait, slices get 1/savingPart of the time that messages get, so that a checkpoint comes to its end under load too; what
	// messages encode ahead is time of slices. The account of that, where what slices had while none waited is a debt, is mostDue at most.
	sliceTime  = time.Millisecond
	savingPart = 2
	mostDue    = 20 * sliceTime
	// firstSlice is how many bytes the first slice has, of which is not known yet how long it takes; leastSlice and mostSlice bound all. What
	// could not wait for its slice comes with it and does not count.
	firstSlice, leastSlice, mostSlice = 32 << 10, 16 << 10, 64 << 10
	// mostSaved bounds what has been encoded and is not written: executors encode no more until it is, except what cannot wait.
	mostSaved = 16 << 20
)

// saved is what executors have given out for the open checkpoint, and what else has been reported of it.
type saved struct {
	news   signal
	mu     sync.Mutex
	open   checkpoint.Machine // guarded by mu, as are those below
	pieces [][]byte           // not written
	bytes  int                // of these
	spent  time.Duration      // by the executor that spent most on it
}

// begin opens the checkpoint of an epoch.
func (s *saved) begin(e door.Epoch, executors, sinks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.Begin(uint64(e), executors, sinks)
	s.pieces, s.bytes, s.spent = nil, 0, 0
}

// restart gives an open checkpoint up.
func (s *saved) restart(last door.Epoch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.Restart(uint64(last))
	s.pieces, s.bytes = nil, 0
}

func (s *saved) isFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes >= mostSaved
}

// add takes in what an executor has encoded.
func (s *saved) add(piece []byte) {
	if len(piece) == 0 {
		return
	}
	s.mu.Lock()
	s.pieces = append(s.pieces, piece)
	s.bytes += len(piece)
	s.mu.Unlock()
	s.news.notify()
}

// done says that an executor has given out all that is to be saved.
func (s *saved) done(executor int, e door.Epoch, spent time.Duration) {
	s.mu.Lock()
	s.open.Saved(executor, uint64(e))
	s.spent = max(s.spent, spent)
	s.mu.Unlock()
	s.news.notify()
}

// awaits reports whether the open checkpoint waits for an executor.
func (s *saved) awaits(executor int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open.Awaits(executor)
}

// take returns what is to be written, what the open checkpoint waits for beside, and whether that is all.
func (s *saved) take(outlets []*Outlet) (pieces [][]byte, waits Awaited, complete bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, o := range outlets {
		s.open.HandedOver(n, uint64(o.handedOver()))
	}
	pieces = s.pieces
	s.pieces = nil
	waits.Executors, waits.Sinks = s.open.Awaited()
	return pieces, waits, s.open.Complete()
}

// awaited is what the open checkpoint waits for.
func (s *saved) awaited() (a Awaited) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Executors, a.Sinks = s.open.Awaited()
	return a
}

// wrote says that a piece is written; it reports whether executors may encode again that could not.
func (s *saved) wrote(piece []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.bytes >= mostSaved
	s.bytes -= len(piece)
	return was && s.bytes < mostSaved
}

// committed closes the open checkpoint; it returns how long the executor that spent most on it has spent.
func (s *saved) committed() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.Committed()
	return s.spent
}

// saving is what a loop knows of the checkpoint for which its executor saves state.
type saving struct {
	epoch   door.Epoch // 0 if there is none
	islands int        // that have not passed its marker here, or whose Mark is not done
	marked  bool       // an island has: there may be something to save
	left    bool       // there is more, as far as is known
	spent   time.Duration
	ahead   time.Duration // that it took to encode what a call gave out and others had encoded
	under   bool          // a call of it has begun and is not done
	due     time.Duration // that slices may take before messages that wait; below zero, what they have had too much
}

// markIsland notes what is to be saved of an island that has passed the marker of a checkpoint.
func (l *loop) markIsland(island int) {
	if !l.worker.hasState(island) {
		l.saving.islands--
		l.isSaved()
		return
	}
	l.moving.order(order{island: island, begin: func(id uint32) { l.executor.Mark(id, island) }, done: func() {
		l.saving.islands--
		l.saving.marked, l.saving.left = true, true
		l.isSaved()
	}})
}

// beginSave begins a call that encodes some of what is to be saved, if there is anything.
func (l *loop) beginSave() bool {
	s := &l.saving
	if !s.marked || !s.left || s.under || l.worker.saved.isFull() {
		return false
	}
	s.under, s.left = true, false
	c := l.newCall(0, &order{saves: true, done: func() {
		s.under = false
		l.isSaved()
	}})
	l.executor.Save(c.id, l.sliceBytes())
	return true
}

// sliceBytes is how much is encoded at once.
func (l *loop) sliceBytes() int {
	if l.perSaved == 0 {
		return firstSlice
	}
	return min(max(int(float64(sliceTime.Nanoseconds())/float64(l.perSaved)), leastSlice), mostSlice)
}

// saved takes note of a call that has encoded some of what was to be saved.
func (l *loop) saved(c *call, took time.Duration) {
	s := &l.saving
	took, s.ahead = took+s.ahead, 0
	s.spent += took
	s.due = max(s.due-took, -mostDue)
	if c.output > 0 {
		l.perSaved.follow(float64(took.Nanoseconds()) / float64(c.output))
	}
}

// isSaved tells the worker if all is given out that is to be saved.
func (l *loop) isSaved() {
	s := &l.saving
	if s.epoch == 0 || s.islands > 0 || s.left || s.under {
		return
	}
	l.worker.saved.done(l.number, s.epoch, s.spent)
	l.worker.progress.notify() // one that leaves waits for it
	*s = saving{}
}

// gave takes in what a call of beginSave has encoded.
func (s *saving) gave(e *Event, to *saved) {
	s.left = e.Left
	s.ahead += e.Ahead
	to.add(e.Saved)
}
