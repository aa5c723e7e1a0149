package pyhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

const (
	// eventsAtOnce bounds how many events the worker is told of together.
	eventsAtOnce = 256
	// frameKept bounds the memory that is kept for the frames of calls.
	frameKept = 4 << 20
)

// Config is what a host needs.
type Config struct {
	Interpreter Interpreter
	PackagePath string // of PackagePath
	Log         *slog.Logger
	// Stderr, if there is one, gets a record of each line that the process writes to its standard error, which otherwise is this one's.
	Stderr *slog.Logger
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
	Traceback string // a line for each mistake, the user's own traceback, or both; or ""
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
	once    sync.Once     // for what ends the process
	sinks   []int         // by pipeline: its sink
	timeout time.Duration // of a call of user code; 0 for none
	pulse   pulse
	silent  atomic.Pointer[HungError] // why the process was ended, if it showed no sign of life
	frame   []byte                    // of the call that begins
	rests   chan []byte               // what of calls the pipe did not take, in order
	behind  atomic.Int32              // how many rests are not written
}

// Start starts the Python process. The host must be closed.
func Start(config Config) (*Host, error) {
	p, err := startProcess(config)
	if err != nil {
		return nil, err
	}
	return &Host{process: p, log: config.Log, rests: make(chan []byte, worker.CallsAhead)}, nil
}

// Close ends the Python process and returns when it is gone; at once if ctx is done. What the application logs at its end is still logged.
// Closing again does nothing.
func (h *Host) Close(ctx context.Context) {
	h.once.Do(func() { h.process.close(ctx, h.drain) })
}

// drain reads what the process still writes, for its log records. If the last read stopped inside a frame, it only reads.
func (h *Host) drain() {
	for {
		k, body, err := readFrame(h.process.results)
		if err != nil {
			_, _ = io.Copy(io.Discard, h.process.results)
			return
		}
		if k == kindLog {
			h.record(body)
		}
	}
}

// LoadApplication has the process load the application and returns its plan. What is wrong with the application is a *LoadError.
func (h *Host) LoadApplication(ctx context.Context, a Application) (*plan.Plan, error) {
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
	Plan     *plan.Plan
	Table    *partition.Table
	Piece    int // messages that stay together on their way to another executor, at most
	// MaxMessages bounds the results of a step for one message, MaxBytes all that comes of one for a sink, and one for another executor.
	MaxMessages int
	MaxBytes    int
	// StepTimeout is how long a call of user code may take; 0 for ever.
	StepTimeout time.Duration
	// CheckOwnership has what steps give pass through its encoding, and reported what would differ.
	CheckOwnership bool
	// MaxLetter bounds the bytes that are kept of a message that fails; 0 if none is kept.
	MaxLetter int
}

func (p *Part) validate() error {
	switch {
	case p.Piece < 1 || p.MaxMessages < 1 || p.MaxBytes < 1:
		return errors.New("a limit below 1")
	case p.MaxBytes > maxLimit:
		return fmt.Errorf("one message may give at most %d bytes; %d are too many", maxLimit, p.MaxBytes)
	case p.MaxLetter < 0 || p.MaxLetter > maxLimit/2: // it may be six times as long in JSON
		return fmt.Errorf("at most %d bytes of a message are kept; %d are too many", maxLimit/2, p.MaxLetter)
	}
	return nil
}

// start is the body of a START frame.
type start struct {
	Executor       int     `json:"executor"`
	Owners         []int   `json:"owners"`
	Stages         []stage `json:"stages"`
	Piece          int     `json:"piece"`
	MaxMessages    int     `json:"max_messages"`
	MaxBytes       int     `json:"max_bytes"`
	StepTimeout    float64 `json:"step_timeout"` // in seconds; 0 for none
	CheckOwnership bool    `json:"check_ownership"`
	MaxLetter      int     `json:"max_letter"` // 0 if no letter is wanted
}

type stage struct {
	Pipeline int  `json:"pipeline"`
	First    int  `json:"first"`
	Keyed    bool `json:"keyed"`
	Island   int  `json:"island"`
}

// Prepare has the process make its stages, and those entities that the application names which are this executor's. What goes wrong in user
// code is a *LoadError.
func (h *Host) Prepare(ctx context.Context, part Part) error {
	if err := part.validate(); err != nil {
		return err
	}
	body := start{
		Executor: part.Executor, Owners: part.Table.Owners,
		Piece: part.Piece, MaxMessages: part.MaxMessages, MaxBytes: part.MaxBytes, StepTimeout: part.StepTimeout.Seconds(),
		CheckOwnership: part.CheckOwnership, MaxLetter: part.MaxLetter,
	}
	h.timeout = part.StepTimeout
	h.sinks = nil
	pipeline, source := -1, 0
	for _, s := range part.Plan.Stages() {
		if s.Input != plan.Keyed {
			pipeline, source = pipeline+1, s.Entry
		}
		body.Stages = append(body.Stages, stage{pipeline, max(0, s.Entry-source-1), s.Input == plan.Keyed, s.Island})
		for _, sink := range s.Sinks {
			h.sinks = append(h.sinks, make([]int, pipeline+1-len(h.sinks))...)
			h.sinks[pipeline] = sink
		}
	}
	_, err := h.ask(ctx, kindStart, body, kindReady)
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
		return nil, h.process.endError()
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

// Process begins a call of messages. As all that begin one, it is called only while Serve runs, and from one goroutine at a time.
func (h *Host) Process(c worker.Call) { h.begin(appendCall(h.frame[:0], &c)) }

// Replay begins a call of one message that enters at a step.
func (h *Host) Replay(id uint32, r worker.Replay) {
	h.begin(appendReplay(h.frame[:0], id, &r, time.Now().UnixNano()))
}

// Switch begins a call that gives an island another table.
func (h *Host) Switch(s worker.Switch) { h.begin(appendSwitch(h.frame[:0], &s)) }

// Load begins a call that puts in state.
func (h *Host) Load(l worker.Load) { h.begin(appendLoad(h.frame[:0], &l)) }

// Open begins a call that opens queues.
func (h *Host) Open(o worker.Open) { h.begin(appendOpen(h.frame[:0], &o)) }

// Probe begins a call that finds out whether state can move.
func (h *Host) Probe(id uint32) { h.begin(appendProbe(h.frame[:0], id)) }

// begin sends the frame of a call. What the pipe does not take at once Serve writes.
func (h *Host) begin(frame []byte) {
	h.frame = frame
	h.pulse.begun.Add(1)
	written := 0
	if h.behind.Load() == 0 {
		written = h.process.tryWrite(frame)
	}
	if written < len(frame) {
		h.behind.Add(1)
		h.rests <- bytes.Clone(frame[written:])
	}
	if cap(frame) > frameKept {
		h.frame = nil
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
	group.Go(func() error { return h.watch(ctx) })
	group.Go(func() error { return h.read(deliver) })
	err := group.Wait()
	if stop.Err() != nil {
		return nil
	}
	if silent := h.silent.Load(); silent != nil {
		return silent
	}
	return err
}

// write writes what begin could not.
func (h *Host) write(ctx context.Context) error {
	for {
		select {
		case rest := <-h.rests:
			if _, err := h.process.commands.Write(rest); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return h.process.endError()
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
		h.pulse.heard.Add(1)
		event, err := h.event(k, body)
		_, stuck := errors.AsType[*MoveError](err)
		_, hung := errors.AsType[*HungError](err)
		if hung {
			h.process.kill()
		}
		if err != nil && !stuck && !hung {
			err = fmt.Errorf("the Python process sent what the protocol does not know: %w", err)
		}
		if err != nil {
			return events, err
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
	var err error
	e := &worker.Event{}
	switch k {
	case kindOutput:
		var pipeline int
		if e.Call, pipeline, e.Output, err = parseBatch(body); err == nil {
			e.To.Sink, err = h.sink(pipeline)
		}
	case kindExchange:
		e.Call, e.To, e.Output, err = parseExchange(body)
	case kindQueued:
		e.Call, e.To, e.Output, err = parseQueued(body)
	case kindFailure:
		e.Failure = &worker.Failure{}
		e.Call, *e.Failure, err = parseFailure(body)
	case kindState:
		e.State = &worker.State{}
		e.Call, *e.State, err = parseState(body)
	case kindDone:
		e.Done = true
		h.pulse.done.Add(1)
		e.Call, e.Entered, err = parseDone(body)
	case kindImmovable:
		e.Call, e.Stuck, err = stuck(body)
	case kindMoveFailed:
		if _, e.Stuck, err = stuck(body); err == nil {
			err = e.Stuck
		}
	case kindAlive:
		return nil, nil
	case kindHung:
		err = parseHung(body, h.timeout)
	case kindLog:
		h.record(body)
		return nil, nil
	default:
		err = fmt.Errorf("a frame of kind %d", k)
	}
	return e, err
}

// sink is the number of a pipeline's sink.
func (h *Host) sink(pipeline int) (int, error) {
	if pipeline >= len(h.sinks) {
		return 0, fmt.Errorf("output of pipeline %d", pipeline)
	}
	return h.sinks[pipeline], nil
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
