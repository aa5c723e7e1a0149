package peer

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// refresh is how often the live line changes.
const refresh = 200 * time.Millisecond

// meter counts messages and bytes, which are those on the connections, framing included. It is the only writer to the status, so that the
// live line and the others do not run into each other. It is safe for many goroutines.
type meter struct {
	verb   string // what happened to the messages: "sent", "received"
	raw    bool   // there are no messages, only bytes
	status io.Writer
	live   bool // status is a terminal

	mu       sync.Mutex
	messages int64
	bytes    int64
	start    time.Time // the first mark
	last     time.Time // the last
	shown    bool      // the live line is on the screen

	quit    chan struct{} // closed to end the goroutine that shows the live line
	stopped sync.WaitGroup
}

func newMeter(verb string, kind framing.Kind, status io.Writer, live bool) *meter {
	return &meter{verb: verb, raw: kind == framing.Raw, status: status, live: live, quit: make(chan struct{})}
}

// show starts the live line, if there is one. halt must follow.
func (m *meter) show() {
	if m.live {
		m.stopped.Go(m.run)
	}
}

// mark notes the time, at the first message and at the end. The summary speaks of the time from the first mark to the last.
func (m *meter) mark() { m.add(0, 0) }

// add counts, and marks.
func (m *meter) add(messages, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages += messages
	m.bytes += bytes
	m.last = time.Now()
	if m.start.IsZero() {
		m.start = m.last
	}
}

// total is how many messages there were so far, if there are any, and bytes.
func (m *meter) total() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.amount()
}

// amount is messages, if there are any, and bytes.
func (m *meter) amount() string {
	if m.raw {
		return fmt.Sprint(m.bytes, " bytes")
	}
	return fmt.Sprint(m.messages, " messages, ", m.bytes, " bytes")
}

func (m *meter) counted() (count int64, unit string) {
	if m.raw {
		return m.bytes, "bytes"
	}
	return m.messages, "messages"
}

// note writes a line of its own.
func (m *meter) note(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	fmt.Fprintf(m.status, format+"\n", args...)
}

// halt ends the live line.
func (m *meter) halt() {
	close(m.quit)
	m.stopped.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
}

// summary is messages, if there are any, bytes, seconds and rate in one line.
func (m *meter) summary() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.line(m.last.Sub(m.start))
}

func (m *meter) line(elapsed time.Duration) string {
	text := fmt.Sprintf("%s %s in %.3f s", m.verb, m.amount(), elapsed.Seconds())
	if elapsed == 0 {
		return text // all came at once, which is no rate
	}
	count, unit := m.counted()
	return text + fmt.Sprintf(" (%.0f %s/s)", float64(count)/elapsed.Seconds(), unit)
}

// run rewrites the live line until halt.
func (m *meter) run() {
	ticker := time.NewTicker(refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.redraw()
		case <-m.quit:
			return
		}
	}
}

func (m *meter) redraw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	if m.start.IsZero() {
		return
	}
	fmt.Fprint(m.status, m.line(time.Since(m.start)))
	m.shown = true
}

// clear takes the live line off the screen.
func (m *meter) clear() {
	if m.shown {
		fmt.Fprint(m.status, "\r\x1b[K")
		m.shown = false
	}
}
