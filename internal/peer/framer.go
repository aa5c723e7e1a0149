package peer

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// writeSize is how many bytes are gathered before they are written.
const writeSize = 64 << 10

// framer frames messages and writes them. What it has gathered is whole messages; in the raw framing there are none, and none is counted.
type framer struct {
	to       io.Writer
	kind     framing.Kind
	meter    *meter
	gathered []byte
	messages int64 // that end in gathered
}

func newFramer(to io.Writer, kind framing.Kind, meter *meter) *framer {
	return &framer{to: to, kind: kind, meter: meter, gathered: make([]byte, 0, 2*writeSize)}
}

// message adds a message, or, in the raw framing, bytes. The error is that of a write, or of a message that the framing cannot hold.
func (f *framer) message(payload []byte) error {
	switch {
	case f.kind == framing.Prefixed && int64(len(payload)) > framing.U32BE.Max():
		return fmt.Errorf("a message of %d bytes is longer than %s can say, which is %d bytes", len(payload), f.kind, framing.U32BE.Max())
	case f.kind == framing.Prefixed:
		f.gathered = framing.U32BE.AppendHeader(f.gathered, len(payload))
	case f.kind == framing.Lines && bytes.IndexByte(payload, '\n') >= 0:
		return fmt.Errorf("a message with a newline in it cannot be sent in framing %s: want framing %s", f.kind, framing.Prefixed)
	}
	if err := f.add(payload); err != nil {
		return err
	}
	if f.kind == framing.Lines {
		f.gathered = append(f.gathered, '\n')
	}
	if f.kind != framing.Raw {
		f.messages++
	}
	return f.flushFull()
}

// add gathers bytes, or writes them at once if they are too many to copy.
func (f *framer) add(b []byte) error {
	if len(b) < writeSize {
		f.gathered = append(f.gathered, b...)
		return nil
	}
	if err := f.flush(); err != nil {
		return err
	}
	n, err := f.to.Write(b)
	f.meter.add(0, int64(n))
	return err
}

// flushFull writes what is gathered if it is enough, and counts a message that was written at once.
func (f *framer) flushFull() error {
	if n := len(f.gathered); n > 0 && n < writeSize {
		return nil
	}
	return f.flush()
}

// flush writes what is gathered. If that fails, the messages that were written whole still count.
func (f *framer) flush() error {
	if len(f.gathered) == 0 {
		if f.messages > 0 {
			f.meter.add(f.messages, 0)
			f.messages = 0
		}
		return nil
	}
	n, err := f.to.Write(f.gathered)
	if err != nil {
		f.messages = wholeMessages(f.kind, f.gathered[:n])
	}
	f.meter.add(f.messages, int64(n))
	f.gathered, f.messages = f.gathered[:0], 0
	return err
}

// wholeMessages counts the messages that end in bytes which begin with a message or, in lines, within one.
func wholeMessages(kind framing.Kind, b []byte) (count int64) {
	if kind == framing.Raw {
		return 0
	}
	if kind == framing.Lines {
		return int64(bytes.Count(b, newline))
	}
	cutter := framing.NewCutter(framing.U32BE, math.MaxInt)
	for {
		_, used, err := cutter.Cut(b)
		if used == 0 || err != nil {
			return count
		}
		b = b[used:]
		count++
	}
}
