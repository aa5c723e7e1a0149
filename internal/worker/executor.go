package worker

import "github.com/wallaroo-stream/wallaroo/internal/message"

// Executor runs the stages of an application for the messages it is given, in order. A loop feeds it and is told what came of it.
type Executor interface {
	// Process begins a call. It does not block and takes over the batch's memory; at most CallsAhead calls are begun and not done.
	Process(Call)
}

// Call is a batch of messages to run through a stage, and through the later ones that are this executor's too.
type Call struct {
	ID    uint32
	Stage int
	Batch message.Batch
}

// Event is something that came of a call. The events of a call end with one that says Done; those of different calls come in the order
// of the calls.
type Event struct {
	Call    uint32
	To      Target
	Output  message.Batch // messages for To, if there are any
	Failure *Failure      // a message that a step could not process, or nil
	Done    bool
}

// Target is where messages go that leave an executor: to its pipeline's sink, or to a stage on another executor.
type Target struct {
	Sink     bool
	Stage    int // unless Sink
	Executor int // unless Sink
}

// Failure is what user code raised for one message, which goes no further.
type Failure struct {
	Index     int    // of the message in the batch of its call
	Step      string // identity of the step, as in "Split and Count/split into words"
	Error     string // what was raised, in a line
	Traceback string // the user's own lines, or ""
	Key       string // what the key was, if there was one
}
