package pyhost

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// HungError is a call of user code that did not come back in time, for which its process was killed.
type HungError struct {
	Step      string // its identity; "" if the process could not tell
	Key       string // as Python writes it; "" if there was none
	Within    time.Duration
	Traceback string // where the user's code was, or ""
}

func (e *HungError) Error() string {
	if e.Step == "" {
		return fmt.Sprintf("the Python process has shown no sign of life for %s, and was killed: where its code was stands above, on standard "+
			"error. If a call may take so long, raise --step-timeout", e.Within)
	}
	text := fmt.Sprintf("step %q", e.Step)
	if e.Key != "" {
		text += ", key " + e.Key
	}
	text += fmt.Sprintf(": a call has not come back within %s, and its Python process was killed. If a call may take so long, raise "+
		"--step-timeout", e.Within)
	if e.Traceback != "" {
		text += "\n" + e.Traceback
	}
	return text
}

// parseHung reads the body of a HUNG frame.
func parseHung(body []byte, within time.Duration) error {
	var told struct{ Step, Key, Traceback string }
	if err := json.Unmarshal(body, &told); err != nil {
		return fmt.Errorf("a hung call: %w", err)
	}
	return &HungError{Step: told.Step, Key: strings.TrimSpace(told.Key), Within: within, Traceback: told.Traceback}
}

// silence is how much longer than a call of user code may take the process may say nothing: a thread of its own says several times in
// that time that it is alive, unless code that is not Python's lets no thread run.
func silence(timeout time.Duration) time.Duration { return timeout + max(timeout/2, time.Second) }

// pulse is what tells whether a process that has calls to carry out shows signs of life.
type pulse struct {
	begun, done atomic.Uint32 // calls
	heard       atomic.Uint64 // frames
}

// watch ends the process when it has had calls to carry out and said nothing for too long; the error says so. It returns nil when ctx is
// done.
func (h *Host) watch(ctx context.Context) error {
	if h.timeout == 0 {
		return nil
	}
	most := silence(h.timeout)
	tick := time.NewTicker(most / 8)
	defer tick.Stop()
	heard, since := h.pulse.heard.Load(), time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if now := h.pulse.heard.Load(); now != heard || h.pulse.begun.Load() == h.pulse.done.Load() {
			heard, since = now, time.Now()
		}
		if time.Since(since) >= most {
			hung := &HungError{Within: time.Since(since).Round(time.Millisecond)}
			h.silent.Store(hung)                         // whoever sees the end first
			_ = h.process.handle.Signal(syscall.SIGABRT) // it writes on standard error where it is
			_ = h.process.endError()
			return hung
		}
	}
}
