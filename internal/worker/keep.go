package worker

import (
	"context"
	"iter"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
)

// Keep is where what outlives a worker is kept.
type Keep struct {
	// Journal gets what sources accept.
	Journal *journal.Journal
	// Sync has messages on disk before they are handed on; without it they are with the operating system then.
	Sync bool
	// Checkpoints get the state.
	Checkpoints Checkpoints
	// Interval is the least time between the beginnings of two checkpoints.
	Interval time.Duration
	// DropsUnknown has messages dropped that the journal holds of sources which there are no more; else they are an error.
	DropsUnknown bool
}

// UnreachableError is a place of checkpoints that cannot be read or written now, as one that is away; it may be tried again.
type UnreachableError struct{ Err error }

func (u *UnreachableError) Error() string { return u.Err.Error() }

// Unwrap is why.
func (u *UnreachableError) Unwrap() error { return u.Err }

// SupersededError is another process that goes on with the history: nothing that comes to this one counts any more.
type SupersededError struct{ Err error }

func (s *SupersededError) Error() string { return s.Err.Error() }

// Unwrap is who that is.
func (s *SupersededError) Unwrap() error { return s.Err }

// Checkpoints is where checkpoints go, and where they come from. It is for one goroutine at a time.
type Checkpoints interface {
	// Last is what the last checkpoint holds beside state; the zero value if there is none, and everything begins at the beginning.
	Last() Manifest
	// Entities are the state of the last checkpoint. Their memory is good until the next. An error is the last thing it yields; it may be an
	// *UnreachableError.
	Entities(ctx context.Context) iter.Seq2[entity.Entity, error]
	// NewRun begins a run that goes on from the last checkpoint, and returns its number: one more than that of any before. What was added to a
	// checkpoint that is not committed is dropped. The messages to skip are kept until the next one is. An error may be an
	// *UnreachableError.
	NewRun(ctx context.Context, skips []Skip) (uint64, error)
	// Skips are those that were kept and still count.
	Skips() []Skip
	// Add adds entities to the checkpoint of an epoch, which is committed next: changes since the last. After an error nothing has changed.
	Add(ctx context.Context, epoch uint64, entities []byte) error
	// Commit makes the checkpoint the last one. After an error the former one is, and it may be tried again.
	Commit(ctx context.Context, m Manifest) error
	// Tidy does some of what makes checkpoints smaller and removes those that nobody needs.
	Tidy(ctx context.Context) error
}

// Manifest is what a checkpoint holds beside state.
type Manifest struct {
	Run, Epoch uint64
	Sources    []Position
	// Commit is not told the rest. Entities and Bytes are how much state there is, about; Changed and Written how much of that is new in the
	// checkpoint; and Time is when it was committed.
	Entities, Bytes  uint64
	Changed, Written uint64
	Time             time.Time
}

// Position is how far a source has come.
type Position struct {
	Source string `json:"source"` // its identity
	// Next is the number of the first record of the journal whose messages were not handed on, if they are this source's.
	Next uint64 `json:"next"`
	// Accepted is how many messages were accepted in front of that, since the application began, and Bytes how many bytes they had.
	Accepted uint64 `json:"accepted"`
	Bytes    uint64 `json:"bytes,omitempty"`
	// Streams are those that their senders may go on with, by name: how many of their messages were accepted.
	Streams map[string]uint64 `json:"streams,omitempty"`
}

// of is the position of a source. That of one that was not there when the checkpoint was made is where the others were: what there is of it
// in the journal came after that.
func (m *Manifest) of(source string) Position {
	begin := Position{Source: source, Next: 1}
	for n, p := range m.Sources {
		if p.Source == source {
			return p
		}
		if n == 0 || p.Next < begin.Next {
			begin.Next = p.Next
		}
	}
	return begin
}
