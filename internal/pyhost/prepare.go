package pyhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

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
//
// When Serve has ended it may be called again, to begin anew: the process drops its state and its queues, and nobody is told any more what
// comes of calls that were begun. A process that does not answer before ctx is done is killed.
func (h *Host) Prepare(ctx context.Context, part Part) error {
	if err := part.validate(); err != nil {
		return err
	}
	body := start{
		Executor: part.Executor, Owners: part.Table.Owners,
		Piece: part.Piece, MaxMessages: part.MaxMessages, MaxBytes: part.MaxBytes, StepTimeout: part.StepTimeout.Seconds(),
		CheckOwnership: part.CheckOwnership, MaxLetter: part.MaxLetter,
	}
	h.process.resume()
	h.pulse.begun.Store(0)
	h.pulse.done.Store(0)
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

// ask sends a command and returns the answer that it has; log records come meanwhile. If ctx is done first, the process is killed. The
// command is written while answers are read: a process may first have to get rid of those to calls of before.
func (h *Host) ask(ctx context.Context, command kind, value any, want kind) ([]byte, error) {
	defer context.AfterFunc(ctx, h.process.kill)()
	frame, err := appendJSON(h.unfinished(), command, value)
	if err != nil {
		return nil, err
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = h.process.commands.Write(frame) // that the process is gone is seen where it is read from
	}()
	body, err := h.answer(ctx, want)
	if err != nil {
		h.process.interrupt() // it need not read any more
	}
	<-written
	return body, err
}

// unfinished is what is missing of a command of which the process has the beginning. All others that wait are given up.
func (h *Host) unfinished() []byte {
	cut := h.cut
	h.cut = nil
	for {
		select {
		case r := <-h.rests:
			if r.begun {
				cut = r.frame
			}
		default:
			h.behind.Store(0)
			return cut
		}
	}
}

// answer reads until an answer comes.
func (h *Host) answer(ctx context.Context, want kind) ([]byte, error) {
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
		case !h.served:
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
