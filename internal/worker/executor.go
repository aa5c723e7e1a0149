package worker

import (
	"context"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// Executor runs the stages of an application for the messages it is given, and keeps the state of its partitions. It carries out calls in
// the order in which they begin, and decides nothing. A loop begins them and is told what came of each.
//
// Process, Replay, Switch, Load, Open, Probe, Mark, Save and Restore begin a call: they do not block, and come from one goroutine at a time
// while Serve runs. At most CallsAhead calls are begun and not done. Each call ends with an Event that says Done.
type Executor interface {
	// Serve carries calls out and tells deliver what came of them, in order and from one goroutine, until ctx is done, which is nil. An error
	// is the end of the executor. It does not wait for a call that goes on when ctx is done, or not for long; deliver is not called any more
	// when it has returned.
	Serve(ctx context.Context, deliver func([]Event)) error
	// Process runs messages through a stage and the later ones that are here. It takes over the batch's memory.
	Process(Call)
	// Replay has one message enter at a step, as one that an earlier step here has given, and goes on with it as with any other.
	Replay(id uint32, r Replay)
	// Switch gives an island another table: from now on its stages route by it, the state of the partitions that are another's is given out,
	// by events with a State, and is no longer here, and the queues of the partitions that come are shut.
	Switch(Switch)
	// Load puts in state of a partition that has come; its queues stay shut.
	Load(Load)
	// Open opens queues.
	Open(Open)
	// Probe finds out whether state can move, by an entity of each kind; what cannot is told by events that are Stuck.
	Probe(id uint32)
	// Mark notes what is to be saved of an island: what has changed since its last Mark. It is quick; all that was to be saved before is. What
	// is to be saved is saved as it is now, whatever comes before Save.
	Mark(id uint32, island int)
	// Save encodes entities that are to be saved, of any island, until they have about so many bytes: an event with Saved.
	Save(id uint32, bytes int)
	// Restore puts in entities that were saved, of any islands and partitions that are this executor's and whose queues are open. Their memory
	// is the executor's.
	Restore(id uint32, entities []byte)
	// Care has it note what it is about to do, or no more, and skip messages. Executors that do not die of messages need not.
	Care(id uint32, c Care)
	// Noted is the message that it has noted last, nil if none. It is asked for when Serve has returned.
	Noted() *Noted
}

// Care is what an executor does after one has died, that may have died of a message.
type Care struct {
	// Notes has it note each message before it enters a step.
	Notes bool `json:"notes"`
	// Skips are messages that fail at a step instead of entering it, each once: of equal messages as many as there are skips.
	Skips []Skip `json:"skips"`
}

// Noted is a message at a step.
type Noted struct {
	Step string `json:"step"` // the step's identity
	// FindingKey says that it is about to meet the function that finds its key.
	FindingKey bool   `json:"finding_key"`
	Digest     string `json:"digest"` // of the message
}

// Skip is a message that is kept from a step.
type Skip struct {
	Noted

	Why string `json:"why"` // what it has done
}

// Call is a batch of messages to run through a stage, and through the later ones that are this executor's too.
type Call struct {
	ID    uint32
	Stage int
	// Settles says that the messages come from the queue of a partition that is here: they meet its state although the queue is shut.
	Settles bool
	Batch   message.Batch
}

// Replay is a message to be sent again to the step that could not process it.
type Replay struct {
	// Stage is the one whose call this is, as far as edges and markers are concerned: one that has the step in it or, if the step has state,
	// one that hands on to it.
	Stage  int
	Step   int // its number in the application
	Letter message.Letter
	// Origin is where it came from, for the report if it fails again.
	Origin Origin
}

// Switch is a table for an island, as what changes in it.
type Switch struct {
	ID     uint32
	Island int
	Moves  []partition.Move
}

// Load is state of a partition, a part of all that was given out of it.
type Load struct {
	ID     uint32
	Island int
	State  State
}

// Open names the queues, of these partitions at a stage, that are no longer shut.
type Open struct {
	ID         uint32
	Stage      int
	Partitions []int
}

// State is entities of one partition: as bytes, or as they are, which only executors can read.
type State struct {
	Partition int
	Entities  int // how many
	Bytes     []byte
	// Live is the entities themselves, where they need not become bytes; it is whoever's the state is.
	Live any
}

// Event is something that came of a call. The events of a call end with one that says Done; those of different calls come in the order
// of the calls.
type Event struct {
	Call    uint32
	To      Target
	Output  message.Batch // messages for To, if there are any
	Failure *Failure      // a message that a step could not process, or nil
	State   *State        // of a partition that leaves, or nil
	Stuck   error         // why state could not move, or be saved or restored, or nil
	// Saved is entities that were to be saved, one behind another (docs/format/entities.md), or nil; Left says that there are more.
	Saved []byte
	Left  bool
	// Ahead is how long it took, in other calls, to encode those of Saved that could not wait, about.
	Ahead   time.Duration
	Done    bool
	Entered []Entered // with Done, by step
}

// Entered is how many messages of a call have come to a step here.
type Entered struct {
	Step     int // its number in the application
	Messages int
	// Seen is how much of the call's time the step had, against the other steps and in any unit, if the executor has looked: it need not at
	// each call.
	Seen int
}

// Target is where messages go that a call does not take further: to a sink, to a stage on another executor, or, since the
// queue of their partition is shut here, into that queue.
type Target struct {
	Kind      TargetKind
	Sink      int // its number, if it is a sink
	Stage     int // unless it is a sink
	Executor  int // if it is an executor
	Partition int // if it is a queue
}

// TargetKind is one of the three kinds of targets.
type TargetKind uint8

// The kinds of targets.
const (
	ToSink TargetKind = iota
	ToExecutor
	ToQueue
)

// Failure is what user code raised for one message, which goes no further.
type Failure struct {
	Index int    // of the message in the batch of its call
	Step  string // identity of the step, as in "Split and Count/split into words"
	// FindingKey says that it was not the step itself but the function that finds the key of its messages.
	FindingKey bool
	Error      string         // what was raised, in a line
	Traceback  string         // the user's own lines, or ""
	Key        string         // what the key was, if there was one
	Letter     message.Letter // what entered the step
	// Shown is what entered the step as people read it, in short, if there is no letter.
	Shown string
}

// Where is whose code it was: the step's identity, and " key" behind it if that was the function that finds the key.
func (f *Failure) Where() string {
	if f.FindingKey {
		return f.Step + " key"
	}
	return f.Step
}
