package framing

import (
	"encoding/binary"
	"fmt"
)

// FrameError refuses a frame for the length that its header announces. What follows the header in the stream cannot be cut any more.
type FrameError struct {
	Header string // the bytes of the length as they came
	Length int64  // what they say; negative if the length is, or, unless Signed, if it is above the largest int64
	Signed bool   // the header can hold a negative length
	Max    int    // the limit that Length is above; 0 if the length is senseless whatever the limit
}

// Error says what came and what may be done about it.
func (e *FrameError) Error() string {
	switch {
	case e.Length >= 0:
		return fmt.Sprintf("a frame of %d bytes (length bytes %q) is longer than the limit of %d bytes: if it is meant, raise --max-frame",
			e.Length, e.Header, e.Max)
	case e.Signed:
		return fmt.Sprintf("a frame with the negative length %d (length bytes %q): the sender's framing is another one", e.Length, e.Header)
	}
	return fmt.Sprintf("a frame of %d bytes (length bytes %q): the sender's framing is another one", uint64(e.Length), e.Header)
}

// Cutter finds the frames at the start of a stream's bytes. It keeps no bytes. It is for one goroutine at a time.
type Cutter struct {
	prefix   LengthPrefix
	maxFrame int
	u32be    bool // prefix is U32BE, which Cut reads in its fast path
}

// NewCutter makes a cutter of frames whose payload is at most maxFrame bytes. The prefix must be valid.
func NewCutter(prefix LengthPrefix, maxFrame int) *Cutter {
	return &Cutter{prefix: prefix, maxFrame: maxFrame, u32be: prefix == U32BE}
}

// Cut finds the frame at the start of buf: its payload, which is a part of buf, and the bytes that the frame takes, header included. If buf
// holds no whole frame, used is 0. The error is a *FrameError; then nothing more can be cut.
func (c *Cutter) Cut(buf []byte) (payload []byte, used int, err error) {
	header := c.prefix.Header
	if len(buf) < header {
		return nil, 0, nil
	}
	length, err := c.length(buf)
	if err != nil {
		return nil, 0, err
	}
	if length > len(buf)-header {
		return nil, 0, nil
	}
	used = header + length
	return buf[header:used:used], used, nil
}

// length reads and judges the length of the frame at the start of buf, which holds at least the header.
func (c *Cutter) length(buf []byte) (int, error) {
	if c.u32be {
		if length := binary.BigEndian.Uint32(buf); int64(length) <= int64(c.maxFrame) {
			return int(length), nil
		}
	}
	length, err := c.prefix.Length(buf)
	if err == nil && length > int64(c.maxFrame) {
		err = &FrameError{Header: string(c.integer(buf)), Length: length, Signed: c.prefix.Signed, Max: c.maxFrame}
	}
	return int(length), err
}

// integer is the bytes of the length in a header.
func (c *Cutter) integer(header []byte) []byte {
	return header[c.prefix.Offset : c.prefix.Offset+c.prefix.Width]
}
