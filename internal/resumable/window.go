package resumable

import (
	"fmt"

	"github.com/wallaroo-stream/wallaroo/connector"
)

// Window is the near end of a lane or a stream: what was numbered and is not acknowledged, and how much of it was written on the current
// connection.
type Window struct {
	run    uint64 // 0 for a stream
	acked  uint64 // the number of the last message that is acknowledged
	last   uint64 // the number of the last message
	marker uint64 // the last marker that was added
	staged uint64 // the last marker that is acknowledged
	items  []item
	sent   int // how many items were written
	bytes  int // of messages in items
}

// item is messages, or a marker.
type item struct {
	messages *Messages
	marker   *Marker
}

// NewSinkWindow is that of a sink's lane in a run.
func NewSinkWindow(run uint64) *Window { return &Window{run: run} }

// NewStreamWindow is that of a stream, of which so many messages were taken from elsewhere: the next one added is the one behind.
func NewStreamWindow(acknowledged uint64) *Window {
	return &Window{acked: acknowledged, last: acknowledged}
}

// Run is the run that it is in.
func (w *Window) Run() uint64 { return w.run }

// Last is the number of the last message added.
func (w *Window) Last() uint64 { return w.last }

// Acked is the number of the last message that is acknowledged.
func (w *Window) Acked() uint64 { return w.acked }

// Staged is the epoch of the last marker that is acknowledged.
func (w *Window) Staged() uint64 { return w.staged }

// Bytes is how many bytes of messages are not acknowledged.
func (w *Window) Bytes() int { return w.bytes }

// Empty reports whether all is acknowledged.
func (w *Window) Empty() bool { return len(w.items) == 0 }

// Add numbers messages of an epoch, in frames that are not too long. It keeps them.
func (w *Window) Add(epoch uint64, b connector.Batch) {
	for b.Count() > 0 {
		n, size := 1, int(b.Sizes[0])
		for n < min(b.Count(), frameCount) && size+int(b.Sizes[n]) <= frameBytes {
			size += int(b.Sizes[n])
			n++
		}
		w.items = append(w.items, item{messages: &Messages{Run: w.run, Epoch: epoch, Number: w.last + 1, Batch: b.Take(n)}})
		w.last += uint64(n)
		w.bytes += size
	}
}

// Mark adds a marker behind what was added, if it is a later one than the last.
func (w *Window) Mark(epoch uint64) {
	if epoch > w.marker {
		w.marker = epoch
		w.items = append(w.items, item{marker: &Marker{Run: w.run, Epoch: epoch, Number: w.last}})
	}
}

// Next is the next frame to write on this connection; nil if there is none.
func (w *Window) Next() Frame {
	if w.sent == len(w.items) {
		return nil
	}
	next := w.items[w.sent]
	w.sent++
	if next.marker != nil {
		return next.marker
	}
	return next.messages
}

// Resume begins a connection on which the other side has welcomed the hello. It returns, as Ack does, how many messages are acknowledged by
// that, and their bytes. The error is *OldRunError, or as Ack's.
func (w *Window) Resume(welcome *Welcome) (messages, bytes int, err error) {
	if welcome.Said.Run > w.run {
		return 0, 0, &OldRunError{Run: w.run, Known: welcome.Said.Run}
	}
	w.sent = 0
	return w.Ack(&Ack{Said: welcome.Said, Number: welcome.Number, Marker: w.staged})
}

// Ack lets go of what the other side has. What it says of a run before this one means nothing now. The error is that of a number that was
// never sent, or was acknowledged and is lost.
func (w *Window) Ack(a *Ack) (messages, bytes int, err error) {
	number, marker := a.Number, a.Marker
	switch {
	case a.Said.Run != w.run:
		return 0, 0, nil
	case number < w.acked:
		return 0, 0, fmt.Errorf("the other side had acknowledged %d messages and now has %d: it has lost what it said was safe", w.acked, number)
	case number > w.last:
		return 0, 0, fmt.Errorf("the other side has %d messages, of which only %d were sent", number, w.last)
	}
	for len(w.items) > 0 && w.items[0].done(number, marker) {
		if m := w.items[0].messages; m != nil {
			messages += m.Batch.Count()
			bytes += len(m.Batch.Payload)
		} else {
			w.staged = w.items[0].marker.Epoch
		}
		w.items[0] = item{}
		w.items = w.items[1:]
		w.sent = max(w.sent-1, 0)
	}
	if len(w.items) > 0 && w.items[0].messages != nil {
		n, size := w.items[0].messages.cut(number)
		messages, bytes = messages+n, bytes+size
	}
	w.acked = number
	w.bytes -= bytes
	return messages, bytes, nil
}

// done reports whether an item is acknowledged.
func (i item) done(number, marker uint64) bool {
	if i.marker != nil {
		return i.marker.Epoch <= marker && i.marker.Number <= number
	}
	return i.messages.Last() <= number
}

// cut drops the messages up to a number, of which the last is not one.
func (m *Messages) cut(number uint64) (messages, bytes int) {
	if number < m.Number {
		return 0, 0
	}
	first := m.Batch.Take(int(number - m.Number + 1))
	m.Number = number + 1
	return first.Count(), len(first.Payload)
}

// Rerun begins a new run, in which numbers begin again. What was not acknowledged is void: how many messages that were, and their bytes.
func (w *Window) Rerun(run uint64) (messages, bytes int) {
	messages, bytes = int(w.last-w.acked), w.bytes
	*w = Window{run: run}
	return messages, bytes
}
