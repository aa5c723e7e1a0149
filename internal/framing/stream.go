package framing

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Framing says how messages lie in a stream of bytes: a LengthPrefix, Newline or Unframed.
type Framing interface {
	// Validate reports what makes it no framing.
	Validate() error
	// Splitter makes what finds the messages of a stream, which have at most so many bytes.
	Splitter(maxMessage int) Splitter
	// Begin appends what stands before a message in its frame.
	Begin(dst []byte) []byte
	// End completes the frame that began at a place in dst and now holds the message. An error is a message that the frame cannot hold.
	End(dst []byte, began int) ([]byte, error)
}

// Behind is dst with a message behind it that was appended to dst[len(dst):], which is empty, or is elsewhere: only then it is copied.
func Behind(dst, message []byte) []byte {
	n := len(dst)
	if len(message) > 0 && cap(dst)-n >= len(message) && &dst[:n+1][n] == &message[0] {
		return dst[:n+len(message)]
	}
	return append(dst, message...)
}

// Splitter finds the messages at the start of a stream's bytes. It is for one stream.
type Splitter interface {
	// Cut finds the first message in buf, which holds all that was not cut: the message, which is a part of buf, and the bytes that its frame
	// takes. If buf holds no whole one, used is 0. After an error nothing more can be cut.
	Cut(buf []byte) (payload []byte, used int, err error)
	// Ends reports whether what is left when a stream has ended is a message.
	Ends(rest []byte) bool
}

// Splitter makes what finds frames.
func (p LengthPrefix) Splitter(maxMessage int) Splitter { return NewCutter(p, maxMessage) }

// Begin appends room for the header.
func (p LengthPrefix) Begin(dst []byte) []byte { return append(dst, make([]byte, p.Header)...) }

// End writes the header.
func (p LengthPrefix) End(dst []byte, began int) ([]byte, error) {
	length := len(dst) - began - p.Header
	if int64(length) > p.Max() {
		return dst, fmt.Errorf("a message of %d bytes is longer than its header can say, which is %d bytes", length, p.Max())
	}
	p.AppendHeader(dst[:began], length)
	return dst, nil
}

// Ends is false: a frame that is not whole is none.
func (c *Cutter) Ends([]byte) bool { return false }

// Newline is messages that end with a newline, which is not a part of them; a stream's last one may lack it.
type Newline struct{}

// Validate is nil.
func (Newline) Validate() error { return nil }

// Splitter makes what finds lines.
func (Newline) Splitter(maxMessage int) Splitter { return &lines{max: maxMessage} }

var errNewline = errors.New("a message that holds a newline cannot be a line")

// Begin appends nothing.
func (Newline) Begin(dst []byte) []byte { return dst }

// End appends a newline. A message with one in it is an error.
func (Newline) End(dst []byte, began int) ([]byte, error) {
	if bytes.IndexByte(dst[began:], '\n') >= 0 {
		return dst, errNewline
	}
	return append(dst, '\n'), nil
}

// lines finds lines.
type lines struct {
	max  int
	seen int // bytes at the start that hold no newline
}

func (l *lines) Cut(buf []byte) (payload []byte, used int, err error) {
	end := bytes.IndexByte(buf[l.seen:], '\n')
	if end < 0 {
		l.seen = len(buf)
		if l.seen > l.max {
			return nil, 0, fmt.Errorf("a line that is longer than the limit of %d bytes: if it is meant, raise --max-frame", l.max)
		}
		return nil, 0, nil
	}
	end += l.seen
	l.seen = 0
	if end > l.max {
		return nil, 0, fmt.Errorf("a line of %d bytes is longer than the limit of %d bytes: if it is meant, raise --max-frame", end, l.max)
	}
	return buf[:end:end], end + 1, nil
}

// Ends is true: who sends the last line and goes may have left its newline out.
func (l *lines) Ends(rest []byte) bool { return len(rest) > 0 }

// Unframed is bytes as they come: each read is a message, and messages are written as they are.
type Unframed struct{}

// Validate is nil.
func (Unframed) Validate() error { return nil }

// Splitter makes what takes bytes as they come.
func (Unframed) Splitter(int) Splitter { return unframed{} }

// Begin appends nothing.
func (Unframed) Begin(dst []byte) []byte { return dst }

// End appends nothing.
func (Unframed) End(dst []byte, _ int) ([]byte, error) { return dst, nil }

type unframed struct{}

func (unframed) Cut(buf []byte) (payload []byte, used int, err error) {
	return slices.Clip(buf), len(buf), nil
}

func (unframed) Ends([]byte) bool { return false }
