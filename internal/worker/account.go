package worker

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kept is how what outlives a worker stands.
type Kept struct {
	Run uint64 // the one that goes on; 0 before the first
	// Last is the last checkpoint; its Epoch is 0 if there is none. What it took is not known of one that an earlier process made.
	Last Checkpointed
	// Open is the checkpoint that is under way; nil if none is.
	Open *OpenCheckpoint
	// Restoring is what is taken in again; nil while nothing is.
	Restoring *Restoring
	// NoRoom says why nothing is accepted; nil if that is not so.
	NoRoom *Trouble
	// Untidy says why what nobody needs any more cannot be removed; nil if it can.
	Untidy     *Trouble
	Journal    JournalFigures
	Since      CheckpointTotals
	Recoveries uint64 // since the start
}

// CheckpointTotals are of the checkpoints since the start.
type CheckpointTotals struct {
	Aligned, Saved, Committed Durations
	Bytes, Changed            uint64
	Failures                  uint64 // attempts to write one that failed
}

// Part is a part of the making of a checkpoint.
type Part string

// The parts, in their order: until all have passed its marker, until executors have given out and sinks have handed over what is in front
// of it, and until it is written.
const (
	Aligning   Part = "aligning"
	Saving     Part = "saving"
	Committing Part = "committing"
)

// OpenCheckpoint is one that is under way.
type OpenCheckpoint struct {
	Epoch uint64 // 0 until its marker goes around
	Began time.Time
	Part  Part
	// Awaited is what the part waits for.
	Awaited Awaited
	// Trouble says why it cannot be written; nil if it can, as far as is known.
	Trouble *Trouble
}

// Awaited is what a checkpoint waits for: executors and sinks, by their numbers.
type Awaited struct{ Executors, Sinks []int }

func (a *Awaited) isNothing() bool { return len(a.Executors)+len(a.Sinks) == 0 }

// Trouble is what fails and is tried again.
type Trouble struct {
	Why      string
	Since    time.Time
	Tried    time.Time // the last time
	Attempts int
}

// again is the trouble after one more attempt that failed.
func (t *Trouble) again(why error) *Trouble {
	now := time.Now()
	if t == nil {
		return &Trouble{Why: why.Error(), Since: now, Tried: now, Attempts: 1}
	}
	return &Trouble{Why: why.Error(), Since: t.Since, Tried: now, Attempts: t.Attempts + 1}
}

// JournalFigures are those of the journal.
type JournalFigures struct {
	Bytes   int64
	Records uint64 // that it holds
	// SinceCheckpoint are those of them that would be replayed now.
	SinceCheckpoint uint64
	Appended        uint64 // since the application began
	// Syncs is how often it was brought to disk since the start, and Synced how many records that were.
	Syncs, Synced uint64
}

// account is what a worker knows of what it keeps.
type account struct {
	mu     sync.Mutex
	kept   Kept   // guarded by mu, as is needed; without what is looked at when it is asked for
	needed uint64 // the first record of the journal that the last checkpoint needs
	full   atomic.Bool
}

// change changes what is known. The pointers in it are replaced, and what they point to is not changed.
func (a *account) change(do func(*Kept)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	do(&a.kept)
}

// begin says which checkpoint everything goes on from.
func (a *account) begin(m *Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.needed = m.first()
	a.kept.Last = Checkpointed{Epoch: m.Epoch, Ended: m.Time, Bytes: int(m.Written), Marked: -1}
	a.kept.Last.holds(m)
}

// opened says that a checkpoint is under way; ended that it is no more.
func (a *account) opened(c *Checkpointed) {
	a.change(func(k *Kept) { k.Open = &OpenCheckpoint{Began: c.Began, Part: Aligning} })
}

func (a *account) ended() { a.change(func(k *Kept) { k.Open = nil }) }

// reached says which part of the open checkpoint has begun, and its epoch.
func (a *account) reached(part Part, epoch uint64) {
	a.change(func(k *Kept) {
		if k.Open != nil {
			k.Open = &OpenCheckpoint{Epoch: epoch, Began: k.Open.Began, Part: part}
		}
	})
}

// committed says that a checkpoint is the last one now.
func (a *account) committed(c *Checkpointed, m *Manifest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := &a.kept
	a.needed, k.Last, k.Open = m.first(), *c, nil
	k.Since.Aligned.take(c.Aligned)
	k.Since.Saved.take(c.Saved)
	k.Since.Committed.take(c.Committed)
	k.Since.Bytes += uint64(c.Bytes)
	k.Since.Changed += c.Changed
}

// failed says why the open checkpoint cannot be written; nil that a part of it was.
func (a *account) failed(why error) {
	a.change(func(k *Kept) {
		if why != nil {
			k.Since.Failures++
		}
		if k.Open == nil || why == nil && k.Open.Trouble == nil {
			return
		}
		open := *k.Open
		if why == nil {
			open.Trouble = nil
		} else {
			open.Trouble = open.Trouble.again(why)
		}
		k.Open = &open
	})
}

// tidied says why what nobody needs cannot be removed; nil that it was.
func (a *account) tidied(why error) {
	a.change(func(k *Kept) {
		if why == nil {
			k.Untidy = nil
			return
		}
		k.Since.Failures++
		k.Untidy = k.Untidy.again(why)
	})
}

// noRoom says why the journal takes nothing, and hasRoom that it took something.
func (a *account) noRoom(why error) {
	a.change(func(k *Kept) {
		k.NoRoom = k.NoRoom.again(why)
		a.full.Store(true)
	})
}

func (a *account) hasRoom() {
	if a.full.Load() {
		a.change(func(k *Kept) {
			k.NoRoom = nil
			a.full.Store(false)
		})
	}
}

// roomAsked is how long after the last attempt to append to a journal without room nobody is thought to have anything for it.
const roomAsked = 5 * roomPoll

// Kept is how what outlives the worker stands; nil if nothing does.
func (w *Worker) Kept() *Kept {
	if w.config.Keep == nil {
		return nil
	}
	journal := w.config.Keep.Journal
	a := &w.account
	a.mu.Lock()
	if none := a.kept.NoRoom; none != nil && time.Since(none.Tried) > roomAsked && journal.Room() == nil {
		a.kept.NoRoom = nil
		a.full.Store(false)
	}
	k, needed := a.kept, a.needed
	a.mu.Unlock()
	length, groups := journal.Length(), journal.Groups()
	k.Journal = JournalFigures{
		Bytes: length.Bytes, Records: length.Next - length.First, SinceCheckpoint: length.Next - min(needed, length.Next),
		Appended: length.Next - 1, Syncs: groups.Syncs, Synced: groups.Records,
	}
	if k.Open != nil {
		open := *k.Open
		open.Awaited = w.awaited(&open)
		k.Open = &open
	}
	return &k
}

// awaited is what the open checkpoint waits for.
func (w *Worker) awaited(open *OpenCheckpoint) (a Awaited) {
	switch open.Part {
	case Aligning:
		for _, l := range w.all() {
			if l.quiet.Load() < open.Epoch {
				a.Executors = append(a.Executors, l.number)
			}
		}
	case Saving:
		a = w.saved.awaited()
	case Committing:
	}
	return a
}

// first is the number of the first record of the journal that is not in the checkpoint.
func (m *Manifest) first() uint64 {
	if len(m.Sources) == 0 {
		return 1
	}
	return slices.MinFunc(m.Sources, func(a, b Position) int { return cmp.Compare(a.Next, b.Next) }).Next
}
