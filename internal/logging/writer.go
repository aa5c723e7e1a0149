package logging

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// queuedRecords is how many records may wait to be written.
const queuedRecords = 4096

// Writer writes records from a goroutine of its own, so that whoever logs does not wait for a reader of the log that stands still. What
// its queue cannot hold is counted, and the count written in place of it.
type Writer struct {
	form  Options
	queue chan []byte
	done  chan struct{}
	mu    sync.Mutex
	lost  int  // guarded by mu, as is closed
	ended bool // the queue is closed
}

// NewWriter makes a writer of records of a form, whose goroutine ends when Close is called and all is written.
func NewWriter(to io.Writer, form Options) *Writer {
	w := &Writer{form: form, queue: make(chan []byte, queuedRecords), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for record := range w.queue {
			_, _ = to.Write(record) // a log that cannot be written cannot be complained about
		}
	}()
	return w
}

// Write takes in one record. It does not block, and always says that it has written.
func (w *Writer) Write(record []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return len(record), nil
	}
	if w.lost > 0 && len(w.queue) < queuedRecords-1 {
		var told bytes.Buffer
		Always(&told, w.form).Warn("log records were lost, since nobody read the log", "records", w.lost)
		w.queue <- told.Bytes()
		w.lost = 0
	}
	select {
	case w.queue <- bytes.Clone(record):
	default:
		w.lost++
	}
	return len(record), nil
}

// Close takes no more records and returns when all are written, or the time is over; then the goroutine is left to its write.
func (w *Writer) Close(within time.Duration) {
	w.mu.Lock()
	if !w.ended {
		w.ended = true
		close(w.queue)
	}
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-time.After(within):
	}
}
