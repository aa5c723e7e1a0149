// Package application runs one application on this worker, from its file to its end: it finds Python, has the application loaded, makes its
// sources and sinks, and runs the worker that joins them.
package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/keep"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// StopWithin is how long an application may take from the signal to its end.
const StopWithin = 10 * time.Second

// Options says what to run and how.
type Options struct {
	// Load brings the application up: Python, or a Native's.
	Load       Loader
	App        string   // a path that ends in .py, or a module; what it is called in the log
	Args       []string // what application_setup gets
	Name       string   // of this worker
	Python     string   // the interpreter; "" for the usual one
	HTTP       HTTP
	Executors  int // how many Python processes at first
	Partitions int // of the keys; a power of two
	// Employed, if there is one, is told how many Python processes there are, before they start and when their number changes.
	Employed       func(executors int)
	MaxFrame       int
	MaxConnections int
	MaxStreams     int // that a source remembers
	SinkBuffer     int
	MoveBuffer     int
	MaxInFlight    time.Duration
	MaxOutput      Output        // of one message
	Chaos          *worker.Chaos // nil for peace
	Credit         int           // messages in an edge; 0 for as many as MaxInFlight allows
	DrainTimeout   time.Duration
	// StepTimeout is how long a call of user code may take before its process is killed; 0 for ever. It is for processes: a goroutine
	// cannot be killed.
	StepTimeout time.Duration
	// DataDir is where to keep what outlives the process; "" for nowhere.
	DataDir string
	// Keep says how it is kept.
	Keep Keep
	// DeadLetters bounds what dead letters take there, in bytes.
	DeadLetters int
	// StopOnError has the first message that fails end the application, in order and with an error.
	StopOnError bool
	// CheckOwnership has what steps hand on pass through its encoding, and reported what would differ.
	CheckOwnership bool
	LogLevel       slog.Level
	LogJSON        bool
	Log            *slog.Logger
	Always         *slog.Logger // for what is logged whatever the level
	// Listening, if there is one, is told where sources listen, by pipeline, when messages may come.
	Listening func(addresses map[string]string)

	connections *status.Connections // those of the sinks
	home        *keep.Home          // of the history that the data directory keeps; nil without one
	origin      *keep.Origin        // what it begins with; nil if with nothing, or if it goes on
}

// Keep says how state is kept in the data directory.
type Keep struct {
	// Interval is the least time between the beginnings of two checkpoints.
	Interval time.Duration
	// Sync has messages on disk before they count as accepted; without it they are with the operating system then.
	Sync bool
	// Retain is how many checkpoints are kept.
	Retain int
	// JournalFree is how many bytes the journal leaves free on its disk.
	JournalFree int64
	// Fresh sets aside what is there, and begins anew.
	Fresh bool
	// AllowChanged goes on with what fits of the state of an application that was another.
	AllowChanged bool
	// AcceptRepeats goes on from an older checkpoint if the last cannot be read, although a receiver may have counted what came before it.
	AcceptRepeats bool
	// Store is where checkpoints lie; its zero value is where they did before, or the data directory.
	Store bucket.Place
	// Restore goes on from the newest checkpoint in Store, whose data directory is lost.
	Restore bool
	// From is a savepoint to begin with; its zero value is none. Trust says that it may be one of another history.
	From  bucket.Place
	Trust bool
}

// durability is what a message survives once it is accepted, as the flag says it.
func (k *Keep) durability() string {
	if k.Sync {
		return "sync"
	}
	return "async"
}

// Output bounds what one message may become in one step: messages; and, for a sink or another executor, bytes.
type Output struct{ Messages, Bytes int }

// mostLetter is the most that is kept of a message, whatever there is room for.
const mostLetter = 64 << 20

// letter is how many bytes of a message that fails are kept; 0 if none is.
func (o *Options) letter() int {
	if o.DataDir == "" {
		return 0
	}
	return min(o.DeadLetters/8, mostLetter)
}

// onError is what a failure does, as the flag says it.
func (o *Options) onError() string {
	if o.StopOnError {
		return "stop"
	}
	return "dead-letter"
}

// piece is how many messages stay together on their way from one executor to another.
func (o *Options) piece() int {
	if o.Credit > 0 {
		return min(o.Credit, piece)
	}
	return piece
}

// settings are what the log tells of the options, named as the flags are.
func (o *Options) settings() []any {
	return []any{
		"executors", o.Executors, "partitions", o.Partitions, "max-frame", o.MaxFrame, "max-connections", o.MaxConnections,
		"max-streams", o.MaxStreams, "sink-buffer", o.SinkBuffer, "max-in-flight", o.MaxInFlight,
		"max-call-output", fmt.Sprintf("%d,%d", o.MaxOutput.Messages, o.MaxOutput.Bytes),
		"move-buffer", o.MoveBuffer, "drain-timeout", o.DrainTimeout, "data-dir", o.DataDir, "dead-letters", o.DeadLetters,
		"checkpoint-interval", o.Keep.Interval, "durability", o.Keep.durability(), "retain", o.Keep.Retain, "journal-free", o.Keep.JournalFree,
		"on-error", o.onError(), "args", o.Args,
	}
}

// HTTP says where the worker answers: nowhere if Off, at Address, or, where that is nil, at the default one or the next free port.
type HTTP struct {
	Off     bool
	Address *address.Address
}

// ConfigError is an application that cannot run as it is asked to: nothing has run yet, and what is asked must change.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

// Check loads an application and returns its plan. What is wrong with it is a *ConfigError or a *pyhost.LoadError.
func Check(ctx context.Context, o Options) (*plan.Plan, error) {
	o.Executors = 1
	program, err := o.Load(ctx, o)
	if err != nil {
		return nil, err
	}
	defer program.Close(ctx)
	_, _, err = program.BringUp(ctx)
	return program.Plan(), err
}

// Run runs an application until stop is done, and then until what has arrived is processed and delivered, StopWithin at most. It ends at
// once when ctx is done. Errors of what was asked for are *ConfigError or *pyhost.LoadError; all others are failures while running.
func Run(ctx, stop context.Context, o Options) error {
	about := &control.Application{Worker: o.Name}
	o.connections = &about.Connections
	about.Set(status.Starting, "starting")
	kept, err := openLetters(ctx, &o, about)
	if err != nil {
		return ofKept(err)
	}
	defer kept.close()
	var listener net.Listener
	if !o.HTTP.Off {
		if listener, err = control.Listen(o.HTTP.Address); err != nil {
			return &ConfigError{err}
		}
		o.Log.Debug("http listens", "address", listener.Addr().String())
	}
	o.Log.Info("starting", "app", o.App, "worker", o.Name)
	o.Log.Debug("settings", o.settings()...)
	kept.tell()
	serving, cancel := context.WithCancel(ctx)
	group, serving := errgroup.WithContext(serving)
	if listener != nil {
		group.Go(func() error { return control.Serve(serving, listener, about) })
	}
	stop, halt := context.WithCancel(stop)
	defer halt()
	r := newReporter(o, about, listener, kept, halt)
	group.Go(func() error {
		defer cancel()
		return run(serving, stop, o, r)
	})
	err = group.Wait()
	if err == nil && r.plan == nil {
		o.Log.Info("stopped before the application was loaded")
	}
	return r.ended(err)
}

// ofKept makes an error of what is kept one of what was asked for, unless something is damaged, which nobody has asked for.
func ofKept(err error) error {
	if keep.IsDamage(err) {
		return err
	}
	return &ConfigError{err}
}

// run loads the application and runs its worker.
func run(ctx, stop context.Context, o Options, r *reporter) error {
	loading, loaded := context.WithCancel(ctx)
	defer loaded()
	defer context.AfterFunc(stop, loaded)()
	r.Waiting("loading the application")
	program, err := o.Load(loading, o)
	if err != nil {
		return unlessStopped(stop, err)
	}
	closing, atOnce := context.WithCancel(ctx)
	defer atOnce()
	defer program.Close(closing)
	if o.Employed != nil {
		o.Employed(o.Executors)
	}
	table, executors, err := program.BringUp(loading)
	if err != nil {
		atOnce()
		return unlessStopped(stop, err)
	}
	r.loaded(program.Plan())
	config, err := configure(program, o, r)
	if err != nil {
		atOnce()
		return err
	}
	kept, err := openKeep(ctx, &config, o, r)
	if err != nil {
		atOnce()
		return ofKept(err)
	}
	defer kept.close()
	w := worker.New(config, table, executors)
	r.letters.runs(r.plan, w)
	kept.serve(r.about, w, o)
	r.about.Load(control.Loaded{
		Plan: r.plan, Partitions: o.Partitions, Worker: w, DataDir: r.letters.folder(), Durability: o.Keep.durability(),
	})
	err = runWorker(ctx, stop, w, r)
	if err != nil {
		atOnce() // time is over, or there is nothing to wait for
	}
	return r.unlessKept(err)
}

// unlessStopped drops the error of what was not finished because the application was asked to stop before it had begun.
func unlessStopped(stop context.Context, err error) error {
	if stop.Err() != nil {
		return nil //nolint:nilerr // it is an error only of what nobody wants any more
	}
	return err
}

// runWorker runs the data plane.
func runWorker(ctx, stop context.Context, w *worker.Worker, r *reporter) error {
	var looking sync.WaitGroup
	running, ended := context.WithCancel(ctx)
	looking.Go(func() { r.lookAt(running, w) })
	err := w.Run(ctx, stop)
	ended()
	looking.Wait()
	r.stopped(w.Summary())
	if _, taken := errors.AsType[*connector.ListenError](err); taken {
		return &ConfigError{err}
	}
	if err != nil {
		return fmt.Errorf("application %q: %w", r.plan.Application, err)
	}
	return nil
}

// configure says what the worker runs.
func configure(p Program, o Options, r *reporter) (worker.Config, error) {
	sources, sinks, err := p.Connectors()
	return worker.Config{
		Sources: sources,
		Sinks:   sinks,
		Stages:  Stages(p.Plan()),
		Crew:    p,
		Report:  r,
		Limits: worker.Limits{
			SinkBuffer: o.SinkBuffer, MoveBuffer: o.MoveBuffer, InFlight: o.MaxInFlight, Credit: o.Credit, Streams: o.MaxStreams,
		},
		StopWithin: StopWithin,
		Chaos:      o.Chaos,
	}, err
}

// Stages are those of a plan as the worker knows them.
func Stages(p *plan.Plan) []worker.Stage {
	var list []worker.Stage
	for _, s := range p.Stages() {
		list = append(list, worker.Stage{
			Entry: s.Entry, Before: s.Before, Sinks: s.Sinks, Island: s.Island, Keyed: s.Input == plan.Keyed, Spread: s.Input == plan.Spread,
		})
	}
	return list
}
