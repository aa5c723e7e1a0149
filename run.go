package wallaroo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// Config says how Run runs an application. The zero value of a field is its default.
type Config struct {
	// In and Out are the addresses of those sources and sinks that were given none, in the order in which these were added.
	In, Out []string
	// HTTP is where metrics and changes are answered, HOST:PORT; "" for nowhere.
	HTTP string
	// Executors is how many goroutines share the work; default: the number of cores.
	Executors int
	// Partitions are the parts into which keys are divided, a power of two up to 65536; default 1024.
	Partitions int
	// MaxMessage is how many bytes a message from outside may have; default 16 MiB.
	MaxMessage int
	// MaxConnections is how many connections a source takes; default 1024.
	MaxConnections int
	// MaxStreams is how many resumable streams a source remembers, for ever and in every checkpoint; default 4096.
	MaxStreams int
	// SinkBuffer is how many bytes a sink may hold undelivered before sources slow down; default 4 MiB.
	SinkBuffer int
	// MoveBuffer is how many bytes may wait in an executor for partitions on their way to it, before inputs are held; default 64 MiB.
	MoveBuffer int
	// MaxResults is how many messages a step may make of one, MaxOutput how many bytes one may be for a sink; default 1,048,576 and 64 MiB.
	MaxResults, MaxOutput int
	// MaxInFlight is how long an executor may take for what is under way to it; default 20 ms.
	MaxInFlight time.Duration
	// DrainTimeout is how long connections may go on after ctx is done; default 5 s.
	DrainTimeout time.Duration
	// DataDir is a directory for what outlives the process, made if it is missing: what was accepted, state, dead letters, and the token for
	// changes over HTTP, which are off without it; "" for none. Run with the directory of an earlier Run, the application goes on where that
	// one was.
	DataDir string
	// CheckpointInterval is the least time from one checkpoint to the next; default 1 s.
	CheckpointInterval time.Duration
	// Sync has messages on disk before they count as accepted; otherwise they outlive the process, but the last of them not a power cut.
	Sync bool
	// Retain is how many checkpoints are kept; default 3.
	Retain int
	// JournalFree is how many bytes are left free on the disk, before no more is accepted; default 256 MiB.
	JournalFree int64
	// Fresh sets aside what DataDir holds, and begins anew.
	Fresh bool
	// AllowChanged goes on with what still fits if steps or states have gone or changed.
	AllowChanged bool
	// AcceptRepeats goes on from an older checkpoint if the last cannot be read, although a receiver may have counted what came before it.
	AcceptRepeats bool
	// CheckpointStore is where checkpoints lie: a folder, file:///FOLDER, or s3://BUCKET/PREFIX?region=REGION&endpoint=URL; default: where
	// they did before, or a folder in DataDir.
	CheckpointStore string
	// Restore says that the data directory was lost: go on, with an empty one, from the newest checkpoint in CheckpointStore. What was
	// accepted after it is lost, unless its senders send it again.
	Restore bool
	// FromSavepoint begins a new history, with an empty DataDir or Fresh, with the state of a savepoint, which is named as CheckpointStore.
	FromSavepoint string
	// Trust allows a savepoint that was not made from DataDir: whoever wrote it has chosen the state.
	Trust bool
	// DeadLetters is how many bytes dead letters may take there before the oldest are dropped; default 256 MiB.
	DeadLetters int
	// StopOnError has the first message that fails end the application, in order; Run then returns what failed.
	StopOnError bool
	// CheckOwnership has what each step gives pass through its encoding, and reports a step whose results come back as others or change after
	// they were handed on. It is for tests: it is slow.
	CheckOwnership bool
	// Log gets what happens; default: nowhere.
	Log *slog.Logger
	// Ready, if it is there, is called when messages may come, with the addresses that the sources listen at, by pipeline.
	Ready func(addresses map[string]string)
}

// Run runs the application until ctx is done; then it takes no new connections, processes and delivers what has arrived, within 10 seconds,
// and returns nil, or what was not done; with a data directory that is kept, which the log tells, and is no error. All mistakes in the
// application and the config are told together, before anything runs. When it returns, no goroutine of it is left, but for one in which a
// function of the application goes on that does not return.
func (a *App) Run(ctx context.Context, c Config) error {
	o, err := a.options(c)
	if err != nil {
		return err
	}
	return application.Run(context.WithoutCancel(ctx), ctx, *o)
}

// options are those of the engine.
func (a *App) options(c Config) (*application.Options, error) {
	native, wrong := a.native(
		&application.Addresses{From: "Config.In", List: c.In}, &application.Addresses{From: "Config.Out", List: c.Out},
	)
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	o := &application.Options{
		Load: native.Load, App: a.name, Name: "worker1", HTTP: application.HTTP{Off: c.HTTP == ""},
		Executors: or(c.Executors, runtime.GOMAXPROCS(0)), Partitions: or(c.Partitions, application.DefaultPartitions),
		MaxFrame: or(c.MaxMessage, application.DefaultMaxFrame), MaxConnections: or(c.MaxConnections, application.DefaultMaxConnections),
		SinkBuffer: or(c.SinkBuffer, application.DefaultSinkBuffer), MoveBuffer: or(c.MoveBuffer, application.DefaultMoveBuffer),
		MaxStreams: or(c.MaxStreams, application.DefaultMaxStreams), MaxInFlight: or(c.MaxInFlight, application.DefaultMaxInFlight),
		MaxOutput: application.Output{
			Messages: or(c.MaxResults, application.DefaultMaxResults), Bytes: or(c.MaxOutput, application.DefaultMaxOutput),
		},
		DrainTimeout: or(c.DrainTimeout, application.DefaultDrainTimeout), Log: log, Always: log, Listening: c.Ready,
		CheckOwnership: c.CheckOwnership,
		DataDir:        c.DataDir, DeadLetters: or(c.DeadLetters, application.DefaultDeadLetters), StopOnError: c.StopOnError,
		Keep: application.Keep{
			Interval: or(c.CheckpointInterval, application.DefaultCheckpointInterval), Sync: c.Sync, Retain: or(c.Retain, application.DefaultRetain),
			JournalFree: or(c.JournalFree, application.DefaultJournalFree), Fresh: c.Fresh, AllowChanged: c.AllowChanged,
			AcceptRepeats: c.AcceptRepeats, Restore: c.Restore, Trust: c.Trust,
		},
	}
	wrong = append(wrong, c.places(&o.Keep)...)
	if !o.HTTP.Off {
		at, err := address.Parse(c.HTTP)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("Config.HTTP: %w", err))
		}
		o.HTTP.Address = &at
	}
	return o, a.cannotRun(append(wrong, c.check(o)...))
}

// places reads where checkpoints lie, and what to begin with.
func (c *Config) places(k *application.Keep) (wrong []error) {
	for _, p := range []struct {
		name, text string
		into       *bucket.Place
	}{{"Config.CheckpointStore", c.CheckpointStore, &k.Store}, {"Config.FromSavepoint", c.FromSavepoint, &k.From}} {
		var err error
		if p.text == "" {
			continue
		}
		if *p.into, err = bucket.Parse(p.text); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	switch {
	case c.Restore && c.CheckpointStore == "":
		wrong = append(wrong, errors.New("Config.Restore: Config.CheckpointStore does not say what to restore from"))
	case c.Restore && c.FromSavepoint != "":
		wrong = append(wrong, errors.New("Config.Restore and Config.FromSavepoint both say what to begin with"))
	}
	return wrong
}

// check reports numbers that cannot be.
func (c *Config) check(o *application.Options) (wrong []error) {
	for _, n := range []struct {
		name  string
		value int64
	}{
		{"Config.MaxMessage", int64(c.MaxMessage)},
		{"Config.MaxConnections", int64(c.MaxConnections)},
		{"Config.MaxStreams", int64(c.MaxStreams)},
		{"Config.SinkBuffer", int64(c.SinkBuffer)},
		{"Config.MoveBuffer", int64(c.MoveBuffer)},
		{"Config.MaxResults", int64(c.MaxResults)},
		{"Config.MaxOutput", int64(c.MaxOutput)},
		{"Config.CheckpointInterval", int64(c.CheckpointInterval)},
		{"Config.Retain", int64(c.Retain)},
		{"Config.JournalFree", c.JournalFree},
		{"Config.MaxInFlight", int64(c.MaxInFlight)},
		{"Config.DrainTimeout", int64(c.DrainTimeout)},
	} {
		if n.value < 0 {
			wrong = append(wrong, fmt.Errorf("%s is below 0", n.name))
		}
	}
	if err := partition.CheckCount(o.Partitions); err != nil {
		wrong = append(wrong, fmt.Errorf("Config.Partitions: %w", err))
	}
	if o.Executors < 1 || o.Executors > o.Partitions {
		wrong = append(wrong, fmt.Errorf("Config.Executors: %d: want 1 to the number of partitions, %d", o.Executors, o.Partitions))
	}
	return wrong
}

// Native is the application as Wallaroo's own packages take it, which its types are for; everybody else has Run and Main. An error is all
// mistakes in the application.
func (a *App) Native(listens, connects application.Addresses) (*application.Native, error) {
	native, wrong := a.native(&listens, &connects)
	return native, a.cannotRun(wrong)
}

// native is the application for the engine, and all mistakes in it.
func (a *App) native(listens, connects *application.Addresses) (*application.Native, []error) {
	p, wrong := a.plan(listens, connects)
	n := &application.Native{Plan: p, Unchecked: a.unchecked()}
	for i := range a.steps {
		switch s := &a.steps[i]; {
		case s.origin != nil:
			n.Origins = append(n.Origins, s.origin)
		case s.destination != nil:
			n.Destinations = append(n.Destinations, s.destination)
		}
	}
	n.Fuse = func(stages []plan.Stage, x *gohost.Executor) gohost.Program {
		return a.fuse(p, stages, x)
	}
	return n, wrong
}

// or is a value, or a default if it is zero.
func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
