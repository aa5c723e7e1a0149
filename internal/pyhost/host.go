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

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/invariant"
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

// Host is one executor: a Python process and the conversation with it. It is a worker.Executor while Serve runs.
type Host struct {
	process *process
	log     *slog.Logger
	once    sync.Once     // for what ends the process
	sinks   []int         // by pipeline: its sink
	timeout time.Duration // of a call of user code; 0 for none
	pulse   pulse
	silent  atomic.Pointer[HungError] // why the process was ended, if it showed no sign of life
	noted   atomic.Pointer[worker.Noted]
	frame   []byte       // of the call that begins
	rests   chan rest    // what of calls the pipe did not take, in order
	behind  atomic.Int32 // how many rests are not written
	cut     []byte       // what is missing of a rest that could not be written to its end
	served  bool         // there may be answers to calls of before
}

// rest is what is missing of a command.
type rest struct {
	frame []byte
	begun bool // the process has the beginning
}

// Start starts the Python process. The host must be closed.
func Start(config Config) (*Host, error) {
	p, err := startProcess(config)
	if err != nil {
		return nil, err
	}
	return &Host{process: p, log: config.Log, rests: make(chan rest, worker.CallsAhead)}, nil
}

// Close ends the Python process and returns when it is gone; at once if ctx is done. What the application logs at its end is still logged.
// Closing again does nothing.
func (h *Host) Close(ctx context.Context) {
	h.once.Do(func() { h.process.close(ctx, h.drain) })
}

// drain reads what the process still writes, for its log records.
func (h *Host) drain() {
	for {
		k, body, err := h.process.results.next()
		if err != nil {
			_, _ = io.Copy(io.Discard, h.process.results.from)
			return
		}
		if k == kindLog {
			h.record(body)
		}
	}
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

// Mark begins a call from which on what has changed on an island since its last mark is to be saved.
func (h *Host) Mark(id uint32, island int) { h.begin(appendMark(h.frame[:0], id, island)) }

// Save begins a call that encodes about so many bytes of what is to be saved, at least one entity if there is any. Its events have them,
// and those that were encoded ahead, and say whether there is more.
func (h *Host) Save(id uint32, bytes int) { h.begin(appendSave(h.frame[:0], id, bytes)) }

// Restore begins a call that puts in state that was saved: whole entities of states that there are, of partitions that are this executor's
// and whose queues are open. It copies them.
func (h *Host) Restore(id uint32, entities []byte) {
	count := invariant.Must(entity.Count(entities))
	h.begin(appendRestore(h.frame[:0], id, count, entities))
}

// Care begins a call that has it take care, or no more.
func (h *Host) Care(id uint32, c worker.Care) {
	h.begin(invariant.Must(appendCare(h.frame[:0], id, c)))
}

// Noted is the message that was noted last since the process began to take care, nil if none was.
func (h *Host) Noted() *worker.Noted { return h.noted.Load() }

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
		h.rests <- rest{frame: bytes.Clone(frame[written:]), begun: written > 0}
	}
	if cap(frame) > frameKept {
		h.frame = nil
	}
}

// Serve carries calls to the process and what comes of them to deliver, until ctx is done, which is nil, or the process dies. It may be
// called again after Prepare.
func (h *Host) Serve(ctx context.Context, deliver func([]worker.Event)) error {
	stop := ctx
	group, ctx := errgroup.WithContext(ctx)
	h.served = true
	// A read or a write that waits for the process ends with ctx.
	interrupted := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(interrupted)
		h.process.interrupt()
	})
	group.Go(func() error { return h.write(ctx) })
	group.Go(func() error { return h.watch(ctx) })
	group.Go(func() error { return h.read(deliver) })
	err := group.Wait() // which ends ctx
	<-interrupted
	silent := h.silent.Load()
	switch {
	case stop.Err() != nil:
		err = nil
	case silent != nil:
		err = silent
	}
	return err
}

// write writes what begin could not.
func (h *Host) write(ctx context.Context) error {
	for {
		select {
		case r := <-h.rests:
			if n, err := h.process.commands.Write(r.frame); err != nil {
				if r.begun || n > 0 {
					h.cut = r.frame[n:]
				}
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
		_, stuck := errors.AsType[*EntityError](err)
		_, hung := errors.AsType[*HungError](err)
		if hung {
			h.process.kill()
		}
		switch {
		case err == nil:
		case stuck:
			err = &worker.StuckError{Err: err}
		case !hung:
			err = fmt.Errorf("the Python process sent what the protocol does not know: %w", err)
		}
		if err != nil {
			return events, err
		}
		if event != nil {
			events = append(events, *event)
		}
		if !h.process.results.more() || len(events) == eventsAtOnce {
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
	case kindSaved:
		err = parseSaved(body, e)
	case kindStuck:
		if _, e.Stuck, err = stuck(body); err == nil {
			err = e.Stuck
		}
	case kindAlive:
		return nil, nil
	case kindNoted:
		noted := &worker.Noted{}
		if err = json.Unmarshal(body, noted); err == nil {
			h.noted.Store(noted)
			return nil, nil
		}
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
