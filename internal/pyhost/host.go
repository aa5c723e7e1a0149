package pyhost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// eventsAtOnce bounds how many events the worker is told of together.
const eventsAtOnce = 256

// Config is what a host needs.
type Config struct {
	Interpreter Interpreter
	PackagePath string // of PackagePath
	Log         *slog.Logger
}

// Application says what to load.
type Application struct {
	App  string   // as the user wrote it: a path that ends in .py, or a module
	Args []string // what its application_setup gets
	// Quiet keeps what loading prints to itself: another process has shown it.
	Quiet bool
	// LogLevel is the least level of the application's log records that are of interest.
	LogLevel slog.Level
}

// LoadError is an application that cannot be loaded. Code is the exit code that it asks for: 0 if it ended itself as done.
type LoadError struct {
	Message   string
	Traceback string // the user's own lines, or ""
	Code      int
}

func (e *LoadError) Error() string {
	if e.Traceback == "" {
		return e.Message
	}
	return e.Message + "\n" + e.Traceback
}

// Host is one executor: a Python process and the conversation with it. It is a worker.Executor while Serve runs.
type Host struct {
	process *process
	log     *slog.Logger
	frame   []byte       // of the call that Process begins
	rests   chan []byte  // what of calls the pipe did not take, in order
	behind  atomic.Int32 // how many rests are not written
}

// Start starts the Python process. The host must be closed.
func Start(config Config) (*Host, error) {
	p, err := startProcess(config.Interpreter, config.PackagePath)
	if err != nil {
		return nil, err
	}
	return &Host{process: p, log: config.Log, rests: make(chan []byte, worker.CallsAhead)}, nil
}

// Close ends the Python process and returns when it is gone; at once if ctx is done. What the application logs at its end is still logged.
func (h *Host) Close(ctx context.Context) {
	h.process.close(ctx, func() {
		for {
			k, body, err := readFrame(h.process.results)
			if err != nil {
				return
			}
			if k == kindLog {
				h.record(body)
			}
		}
	})
}

// Load has the process load the application and returns its plan. What is wrong with the application is a *LoadError.
func (h *Host) Load(ctx context.Context, a Application) (*plan.Plan, error) {
	hello := struct {
		Version  int      `json:"version"`
		App      string   `json:"app"`
		Args     []string `json:"args"`
		Quiet    bool     `json:"quiet"`
		LogLevel int      `json:"log_level"`
	}{protocolVersion, a.App, append([]string{}, a.Args...), a.Quiet, pythonLevel(a.LogLevel)}
	body, err := h.ask(ctx, kindHello, hello, kindPlan)
	if err != nil {
		return nil, err
	}
	return plan.Parse(body)
}

// Part is what one executor of several has to know.
type Part struct {
	Executor int // its number
	Stages   []plan.Stage
	Table    *partition.Table
}

// Prepare has the process make its stages, and those entities that the application names which are this executor's. What goes wrong in user
// code is a *LoadError.
func (h *Host) Prepare(ctx context.Context, part Part) error {
	type stage struct {
		Pipeline int  `json:"pipeline"`
		First    int  `json:"first"`
		Keyed    bool `json:"keyed"`
	}
	start := struct {
		Executor int     `json:"executor"`
		Owners   []int   `json:"owners"`
		Stages   []stage `json:"stages"`
	}{Executor: part.Executor, Owners: part.Table.Owners}
	for _, s := range part.Stages {
		start.Stages = append(start.Stages, stage{s.Pipeline, s.First, s.Input == plan.Keyed})
	}
	_, err := h.ask(ctx, kindStart, start, kindReady)
	return err
}

// ask sends a command and returns the answer that it has; log records come meanwhile. If ctx is done first, the process is killed.
func (h *Host) ask(ctx context.Context, command kind, value any, want kind) ([]byte, error) {
	defer context.AfterFunc(ctx, h.process.kill)()
	frame, err := appendJSON(nil, command, value)
	if err != nil {
		return nil, err
	}
	if _, err := h.process.commands.Write(frame); err != nil {
		return nil, h.process.endError(endGrace)
	}
	for {
		k, body, err := h.process.read()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, err
		case k == want:
			return body, nil
		case k == kindLog:
			h.record(body)
		case k == kindLoadFailed:
			return nil, parseLoadError(body)
		default:
			return nil, fmt.Errorf("the Python process answered with a frame of kind %d", k)
		}
	}
}

func parseLoadError(body []byte) error {
	var e LoadError
	if err := json.Unmarshal(body, &e); err != nil {
		return fmt.Errorf("read why loading failed: %w", err)
	}
	return &e
}

// Process begins a call. Only while Serve runs, and from one goroutine at a time. What the pipe does not take at once Serve writes.
func (h *Host) Process(c worker.Call) {
	h.frame = appendBatch(h.frame[:0], kindBatch, c.ID, c.Stage, &c.Batch)
	written := 0
	if h.behind.Load() == 0 {
		written = h.process.tryWrite(h.frame)
	}
	if written < len(h.frame) {
		h.behind.Add(1)
		h.rests <- bytes.Clone(h.frame[written:])
	}
}

// Serve carries calls to the process and what comes of them to deliver, until ctx is done, which is nil, or the process dies.
func (h *Host) Serve(ctx context.Context, deliver func([]worker.Event)) error {
	stop := ctx
	group, ctx := errgroup.WithContext(ctx)
	// A read or a write that waits for the process ends with ctx.
	defer context.AfterFunc(ctx, func() {
		_ = h.process.answers.SetReadDeadline(past)
		_ = h.process.commands.SetWriteDeadline(past)
	})()
	group.Go(func() error { return h.write(ctx) })
	group.Go(func() error { return h.read(deliver) })
	err := group.Wait()
	if stop.Err() != nil {
		return nil
	}
	return err
}

// write writes what Process could not.
func (h *Host) write(ctx context.Context) error {
	for {
		select {
		case rest := <-h.rests:
			if _, err := h.process.commands.Write(rest); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return h.process.endError(endGrace)
			}
			h.behind.Add(-1)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read takes in what the process answers, always: a process whose answers nobody reads stands still.
func (h *Host) read(deliver func([]worker.Event)) error {
	for {
		events, err := h.events()
		if len(events) > 0 {
			deliver(events)
		}
		if err != nil {
			return err
		}
	}
}

// events is what the next frame tells the worker, and the frames that came with it.
func (h *Host) events() ([]worker.Event, error) {
	var events []worker.Event
	for {
		k, body, err := h.process.read()
		if err != nil {
			return events, err
		}
		event, err := h.event(k, body)
		if err != nil {
			return events, fmt.Errorf("the Python process sent what the protocol does not know: %w", err)
		}
		if event != nil {
			events = append(events, *event)
		}
		if !h.process.more() || len(events) == eventsAtOnce {
			return events, nil
		}
	}
}

// event is what a frame tells the worker; nil if that is nothing.
func (h *Host) event(k kind, body []byte) (*worker.Event, error) {
	switch k {
	case kindOutput:
		call, _, batch, err := parseBatch(body)
		return &worker.Event{Call: call, To: worker.Target{Sink: true}, Output: batch}, err
	case kindExchange:
		call, to, batch, err := parseExchange(body)
		return &worker.Event{Call: call, To: to, Output: batch}, err
	case kindFailure:
		call, failure, err := parseFailure(body)
		return &worker.Event{Call: call, Failure: &failure}, err
	case kindDone:
		call, err := parseDone(body)
		return &worker.Event{Call: call, Done: true}, err
	case kindLog:
		h.record(body)
		return nil, nil
	default:
		return nil, fmt.Errorf("a frame of kind %d", k)
	}
}

// record writes a log record of user code into the worker's log.
func (h *Host) record(body []byte) {
	var r struct {
		Level     int
		Logger    string
		Message   string
		Traceback string
	}
	if err := json.Unmarshal(body, &r); err != nil {
		h.log.Error("a log record of the application cannot be read", "error", err)
		return
	}
	attributes := []slog.Attr{slog.String("logger", r.Logger)}
	if r.Traceback != "" {
		attributes = append(attributes, slog.String("traceback", r.Traceback))
	}
	h.log.LogAttrs(context.Background(), goLevel(r.Level), r.Message, attributes...)
}

// Python's levels are 10 debug, 20 info, 30 warning, 40 error, 50 critical; slog's -4, 0, 4, 8.
func goLevel(python int) slog.Level {
	switch {
	case python < 20:
		return slog.LevelDebug
	case python < 30:
		return slog.LevelInfo
	case python < 40:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

func pythonLevel(level slog.Level) int {
	switch {
	case level < slog.LevelInfo:
		return 10
	case level < slog.LevelWarn:
		return 20
	case level < slog.LevelError:
		return 30
	default:
		return 40
	}
}

// past is a deadline that is over.
var past = time.Unix(1, 0)
