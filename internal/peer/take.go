package peer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// taker finds the messages in a connection's bytes and gives them to the output.
type taker interface {
	// whole takes the whole messages at the start of b, of which the last fresh bytes are new, and returns how many bytes they are.
	whole(b []byte, fresh int) (used int, err error)
	// last takes what is left, and not whole, when the connection has ended in order.
	last(rest []byte) error
}

func newTaker(kind framing.Kind, output *output) taker {
	switch kind {
	case framing.Prefixed:
		return &frameTaker{output: output, cutter: framing.NewCutter(framing.U32BE, maxMessage)}
	case framing.Lines:
		return &lineTaker{output: output}
	default:
		return &rawTaker{output: output}
	}
}

var newline = []byte{'\n'}

type lineTaker struct{ output *output }

func (t *lineTaker) whole(b []byte, fresh int) (used int, err error) {
	end := bytes.LastIndexByte(b[len(b)-fresh:], '\n')
	if end < 0 {
		if len(b) >= maxMessage {
			return 0, fmt.Errorf("refused: a line is longer than %d bytes, the most that is taken", maxMessage)
		}
		return 0, nil
	}
	used = len(b) - fresh + end + 1
	return used, t.give(b[:used], int64(bytes.Count(b[len(b)-fresh:], newline)))
}

// last takes a line without a newline as one with it.
func (t *lineTaker) last(rest []byte) error {
	if len(rest) == 0 {
		return nil
	}
	return t.give(append(rest, '\n'), 1)
}

// give hands on text that is count whole lines; as it is, if that is the output's format.
func (t *lineTaker) give(text []byte, count int64) error {
	if t.output.format == FormatLines {
		return t.output.lines(text, count)
	}
	return t.output.messages(func() (payload []byte, size int) {
		payload, rest, whole := bytes.Cut(text, newline)
		if !whole {
			return nil, 0
		}
		text = rest
		return payload, len(payload) + 1
	})
}

type frameTaker struct {
	output *output
	cutter *framing.Cutter
}

func (t *frameTaker) whole(b []byte, _ int) (used int, err error) {
	var refusal error
	err = t.output.messages(func() (payload []byte, size int) {
		payload, size, refusal = t.cutter.Cut(b[used:])
		used += size
		return payload, size
	})
	if frame, ok := errors.AsType[*framing.FrameError](refusal); ok && err == nil {
		err = fmt.Errorf("refused: %s", tooLong(frame))
	}
	return used, err
}

func tooLong(frame *framing.FrameError) string {
	return fmt.Sprintf("a frame of %d bytes (length bytes %q) is longer than %d bytes, the most that is taken",
		frame.Length, frame.Header, maxMessage)
}

func (t *frameTaker) last(rest []byte) error {
	if len(rest) == 0 {
		return nil
	}
	return fmt.Errorf("ended inside a frame: the %d bytes that had come of it are dropped", len(rest))
}

type rawTaker struct{ output *output }

func (t *rawTaker) whole(b []byte, _ int) (used int, err error) { return len(b), t.output.bytes(b) }

func (t *rawTaker) last([]byte) error { return nil }
