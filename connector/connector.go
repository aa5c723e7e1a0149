// Package connector is what a source or a sink of one's own has to be: the two interfaces that carry messages into a worker and out of it.
// The TCP connectors that come with Wallaroo are written on it.
//
// A connector moves bytes. How bytes become messages of an application, and messages bytes, is a function that is given beside it, so that
// it runs where the application's other functions run: an Origin and a decoder are a wallaroo.Source, a Destination and an encoder a
// wallaroo.Sink.
//
// The order in which things happen: all Destinations and Origins are opened; sinks connect; sources listen; sources and sinks run. At the
// end sources end first, then what they brought is processed and written, then sinks end.
package connector

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Origin says where messages come from. It may be opened any number of times.
type Origin struct {
	// Kind is a word for it, which stands in logs and graphs: "tcp".
	Kind string
	// Address is where it listens, HOST:PORT; see Addressed.
	Address string
	// Addressed says that it needs an address: where Address is "", it gets the next of --in.
	Addressed bool
	// Wrong is a mistake in how it was made, which is told with the application's others; nil if there is none.
	Wrong error
	// Open makes the source. It does nothing outside yet; an error is one of what is asked for.
	Open func(Setup) (Source, error)
}

// Destination says where messages go. It may be opened any number of times.
type Destination struct {
	// Kind is a word for it, which stands in logs and graphs: "tcp".
	Kind string
	// Address is where it connects to, HOST:PORT; see Addressed.
	Address string
	// Addressed says that it needs an address: where Address is "", it gets the next of --out.
	Addressed bool
	// Wrong is a mistake in how it was made, which is told with the application's others; nil if there is none.
	Wrong error
	// Open makes the sink. It does nothing outside yet; an error is one of what is asked for.
	Open func(Setup) (Sink, error)
}

// Setup is what a connector is told when it is opened.
type Setup struct {
	ID      string // of the source or sink, PIPELINE/NAME, as it stands in logs
	Cluster string // the cluster's id, which with a sink's ID tells its output from any other's; "" if the cluster has none
	Address string // if it is Addressed
	// MaxMessage is how many bytes a message may have; a longer one is refused.
	MaxMessage int
	// MaxConnections is how many connections a source may have open.
	MaxConnections int
	// DrainTimeout is how long a source's connections may go on after it was asked to stop.
	DrainTimeout time.Duration
	// Connected is for connectors that keep a connection, as sinks do: they say nil whenever there is one, and why there is none when it has
	// gone or none comes about. Operators are shown it. It may be called from any goroutine, and is not nil when the engine opens it.
	Connected func(lost error)
	Log       *slog.Logger
}

// Source brings messages in from outside.
type Source interface {
	// ID is the source's identity, PIPELINE/NAME.
	ID() string
	// Listen claims the source's address and returns it as it is, the port that the system chose in it; or what else tells where it reads
	// from. Nothing is accepted yet. A *ListenError is one of what is asked for.
	Listen() (string, error)
	// Close gives up the address. It does no harm when Run has done it, or Listen has not succeeded.
	Close()
	// Run accepts messages and hands them on until stop is done; then it ends politely, in a time of its own, and returns when its
	// connections are closed. A source that has come to its end waits for stop. It gives up at once when ctx is done. An error is a failure
	// of the source as a whole, not of a connection, and ends the application.
	Run(ctx, stop context.Context, inlet Inlet) error
}

// Sink takes results outside.
type Sink interface {
	// ID is the sink's identity, PIPELINE/NAME.
	ID() string
	// Connect returns when the sink has connected for the first time; it tries until ctx is done.
	Connect(ctx context.Context) error
	// Run writes what comes through the outlet until that is closed and all of it is delivered, or ctx is done.
	Run(ctx context.Context, outlet Outlet) error
	// Close gives up the connection. It does no harm when there is none.
	Close()
}

// Stager is a Sink that keeps output apart until it is told that it is committed. A checkpoint waits for what it says by Outlet.Staged.
type Stager interface {
	Sink
	// Stages does nothing: it marks the sink.
	Stages()
}

// ListenError is an address that cannot be listened at: in use, not this machine's, or not allowed.
type ListenError struct {
	Source string // its identity
	Err    error
}

// Error names the source.
func (e *ListenError) Error() string { return "source \"" + e.Source + "\": " + e.Err.Error() }

// Unwrap is the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// ErrSuperseded is the error of a connection whose stream goes on by another one. What it sent last may have been accepted in part; Resume
// has told the other how much of it.
var ErrSuperseded = errors.New("another connection goes on with the stream")

// Inlet is where a source hands on. Its methods may be called from any goroutine.
type Inlet interface {
	// Connect opens a connection to the peer of that name, as it stands in logs. It must be closed.
	Connect(peer string) Connection
	// Resume opens a connection that goes on with a stream of numbered messages, known by its name to the source and its sender, and returns
	// how many of its messages have been accepted, also by connections before and before a restart: the next message that is sent by it is the
	// one of that number. An older connection of the stream that is still open sends no more: its Send returns ErrSuperseded. The connection
	// must be closed. An error is one of the journal, and ends the application, or ctx's, or says that there are too many streams.
	Resume(ctx context.Context, peer, stream string) (Connection, uint64, error)
	// Refused counts a connection, or a message, that was refused for what it brought.
	Refused()
}

// Connection is one of a source's: what it brings is handed on in order, and has a position, its number in the connection. It is for one
// goroutine.
type Connection interface {
	// Send hands messages on as soon as there is credit, which may take as long as what is behind stands still. Their memory is the engine's
	// from then on. When it returns nil they are accepted. An error is ctx's, ErrSuperseded, or one that ends the application.
	Send(ctx context.Context, b Batch) error
	// Close ends the connection. What it has sent is the engine's.
	Close()
}

// Outlet is where a sink gets its messages. It is for one goroutine.
type Outlet interface {
	// Items is notified when there may be something to Take, the outlet was closed, or Run or Committed may have grown.
	Items() <-chan struct{}
	// Take returns the next batch; false when there is none now. It counts as undelivered until Delivered says otherwise.
	Take() (Batch, bool)
	// Epoch is the number of the marker that will follow what Take has returned last: what was accepted before a marker comes out before it,
	// of all executors, and what was accepted behind it, after. It is 1 at first, and grows.
	Epoch() uint64
	// Run is the number of the run that what Take has returned last is of: each return to a checkpoint begins another, with a greater number.
	// What was taken in one before and is not delivered is void for a Stager, which still says Delivered of it.
	Run() uint64
	// Committed is the epoch of the last checkpoint: all output in front of its marker counts; 0 if there is none. Items is notified when it
	// or Run grows.
	Committed() uint64
	// Staged says that all in front of the marker of an epoch, in the run of what Take has returned last, is safe with the receiver, which has
	// heard of the run. A Stager says it of each marker, which Epoch tells, also of one with nothing in front of it; its checkpoint waits for
	// that.
	Staged(epoch uint64)
	// Delivered says that the next messages, of so many bytes, have left for good. They leave in the order in which they were taken.
	Delivered(messages, bytes int)
	// Full reports whether sources wait for what is not delivered.
	Full() bool
	// Closed reports whether nothing is left to take and nothing more will come.
	Closed() bool
}

// Batch is messages one behind another. It belongs to whoever holds it.
type Batch struct {
	// Sizes holds the length in bytes of each message.
	Sizes []uint32
	// Payload holds the messages, one after another.
	Payload []byte
	// Ingest is when they were read, in nanoseconds since 1970; 0 for when they are sent.
	Ingest int64
}

// Count is the number of messages.
func (b *Batch) Count() int { return len(b.Sizes) }

// Append adds a message, copying it.
func (b *Batch) Append(message []byte) {
	b.Sizes = append(b.Sizes, uint32(len(message)))
	b.Payload = append(b.Payload, message...)
}

// Take splits off the first n messages, or all if there are fewer. They share the memory of the rest.
func (b *Batch) Take(n int) Batch {
	n, end := min(n, len(b.Sizes)), 0
	for _, size := range b.Sizes[:n] {
		end += int(size)
	}
	first := Batch{Sizes: b.Sizes[:n:n], Payload: b.Payload[:end:end], Ingest: b.Ingest}
	b.Sizes, b.Payload = b.Sizes[n:], b.Payload[end:]
	return first
}
