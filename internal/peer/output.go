package peer

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// errEnough ends a Receiver that has as many messages as it was to take.
var errEnough = errors.New("all messages have come")

// output is where the messages of all connections come together, each whole. It is written when it is full and when no connection is
// busy, so that nothing waits in it that nothing follows. Its mutex is held while it is written: whoever has a message then waits, reads
// no more, and so holds its sender back.
type output struct {
	format Format
	meter  *meter
	stop   func(error) // called with the first error, and with errEnough

	mu      sync.Mutex
	writer  *bufio.Writer
	hex     io.Writer // writes hexadecimal digits to writer
	wanted  int64     // messages still to come
	several int64     // messages that stand on several lines, for the newlines in them
	busy    int       // connections that are not waiting for their sender
	failure error
}

func newOutput(w io.Writer, format Format, wanted int64, meter *meter, stop func(error)) *output {
	o := &output{format: format, writer: bufio.NewWriterSize(w, writeSize), wanted: wanted, meter: meter, stop: stop}
	o.hex = hex.NewEncoder(o.writer)
	return o
}

// enter says that a connection is busy.
func (o *output) enter() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy++
}

// leave says that a connection is not busy any more.
func (o *output) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy--
	if o.busy == 0 && o.failure == nil {
		o.settle(o.writer.Flush())
	}
}

// lines takes messages that are count whole lines of text, or as many of them as are wanted, where that is the format. The error, as that
// of all takes, is errEnough or what keeps the output from being written; no take succeeds after it.
func (o *output) lines(text []byte, count int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure != nil {
		return o.failure
	}
	if count > o.wanted {
		count = o.wanted
		text = firstLines(text, count)
	}
	_, err := o.writer.Write(text)
	return o.took(count, len(text), err)
}

// firstLines is the first count lines of text.
func firstLines(text []byte, count int64) []byte {
	end := 0
	for range count {
		end += bytes.IndexByte(text[end:], '\n') + 1
	}
	return text[:end]
}

// messages takes the messages that next gives until it gives none, or as many as are wanted.
func (o *output) messages(next func() (payload []byte, size int)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure != nil {
		return o.failure
	}
	count, total := int64(0), 0
	var err error
	for count < o.wanted && err == nil {
		payload, size := next()
		if size == 0 {
			break
		}
		err = o.put(payload)
		count++
		total += size
	}
	return o.took(count, total, err)
}

// put writes a message in the format of the output. An error of its first write stays and comes back from the last.
func (o *output) put(payload []byte) error {
	switch o.format {
	case FormatFrames:
		_, _ = o.writer.Write(framing.U32BE.AppendHeader(o.writer.AvailableBuffer(), len(payload)))
		_, err := o.writer.Write(payload)
		return err
	case FormatHex:
		_, _ = o.hex.Write(payload)
	default:
		_, _ = o.writer.Write(payload)
		if bytes.IndexByte(payload, '\n') >= 0 {
			o.several++
		}
	}
	return o.writer.WriteByte('\n')
}

// bytes takes bytes as they are.
func (o *output) bytes(b []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure != nil {
		return o.failure
	}
	_, err := o.writer.Write(b)
	return o.took(0, len(b), err)
}

// took counts what was taken and notices the end.
func (o *output) took(count int64, size int, err error) error {
	o.meter.add(count, int64(size))
	o.wanted -= count
	if err == nil && o.wanted == 0 {
		err = errEnough
	}
	o.settle(err)
	return o.failure
}

// settle keeps the first error and tells it.
func (o *output) settle(err error) {
	if err == nil || o.failure != nil {
		return
	}
	o.failure = err
	if !errors.Is(err, errEnough) {
		o.failure = fmt.Errorf("write the output: %w", err)
	}
	o.stop(o.failure)
}

// failed is why the output takes no more; nil if it does.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failure
}

// finish writes what is left, after the last connection has left.
func (o *output) finish() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failure == nil || errors.Is(o.failure, errEnough) {
		if err := o.writer.Flush(); err != nil {
			return fmt.Errorf("write the output: %w", err)
		}
	}
	if errors.Is(o.failure, errEnough) {
		return nil
	}
	return o.failure
}
