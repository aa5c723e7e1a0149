package peer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// splitter finds the messages in an input that comes in pieces.
type splitter interface {
	// next takes bytes of data up to the end of a message, or all; used is how many. The message, if one ends there, is whole, and stays until
	// the next call.
	next(data []byte) (message []byte, whole bool, used int, err error)
	// last takes the end of the input, which may be the end of a message. After it the input may come once more.
	last() (message []byte, whole bool, err error)
}

func newSplitter(kind framing.Kind, format Format) splitter {
	switch {
	case kind == framing.Raw:
		return rawSplitter{}
	case format == FormatHex:
		return &hexSplitter{}
	case format == FormatFrames:
		return &frameSplitter{cutter: framing.NewCutter(framing.U32BE, maxMessage)}
	default:
		return &lineSplitter{}
	}
}

// rawSplitter takes each piece for a message: in the raw framing it makes no difference.
type rawSplitter struct{}

func (rawSplitter) next(data []byte) (message []byte, whole bool, used int, err error) {
	return data, true, len(data), nil
}

func (rawSplitter) last() (message []byte, whole bool, err error) { return nil, false, nil }

// beginning is that of a message whose end was not in the same piece.
type beginning struct {
	bytes []byte
	taken bool // the message became whole, and was given out
}

// add takes more bytes of the message, or of the next one if it was given out.
func (b *beginning) add(part []byte) {
	if b.taken {
		b.bytes, b.taken = b.bytes[:0], false
	}
	if len(b.bytes) == 0 && cap(b.bytes) > writeSize {
		b.bytes = nil // one long message is no reason to keep its memory
	}
	b.bytes = append(b.bytes, part...)
}

// take gives the message out.
func (b *beginning) take() []byte {
	b.taken = true
	return b.bytes
}

// held is what there is of a message that is not whole.
func (b *beginning) held() []byte {
	if b.taken {
		return nil
	}
	return b.bytes
}

// lineSplitter takes each line for a message, without its newline; the last line may lack it.
type lineSplitter struct{ beginning beginning }

func (s *lineSplitter) next(data []byte) (message []byte, whole bool, used int, err error) {
	end := bytes.IndexByte(data, '\n')
	switch {
	case end < 0:
		s.beginning.add(data)
		return nil, false, len(data), nil
	case len(s.beginning.held()) == 0:
		return data[:end], true, end + 1, nil
	}
	s.beginning.add(data[:end])
	return s.beginning.take(), true, end + 1, nil
}

func (s *lineSplitter) last() (message []byte, whole bool, err error) {
	if len(s.beginning.held()) == 0 {
		return nil, false, nil
	}
	return s.beginning.take(), true, nil
}

// hexSplitter reads messages off lines of hexadecimal digits.
type hexSplitter struct {
	lines   lineSplitter
	line    int // how many there were
	message []byte
}

func (s *hexSplitter) next(data []byte) (message []byte, whole bool, used int, err error) {
	digits, whole, used, _ := s.lines.next(data)
	if whole {
		message, err = s.read(digits)
	}
	return message, whole, used, err
}

func (s *hexSplitter) last() (message []byte, whole bool, err error) {
	digits, whole, _ := s.lines.last()
	if whole {
		message, err = s.read(digits)
	}
	s.line = 0
	return message, whole, err
}

func (s *hexSplitter) read(digits []byte) ([]byte, error) {
	s.line++
	var err error
	if s.message, err = hex.AppendDecode(s.message[:0], digits); err != nil {
		return nil, fmt.Errorf("line %d of the input is no message in hexadecimal digits: %w", s.line, err)
	}
	return s.message, nil
}

// frameSplitter reads messages behind their lengths.
type frameSplitter struct {
	beginning beginning
	cutter    *framing.Cutter
}

func (s *frameSplitter) next(data []byte) (message []byte, whole bool, used int, err error) {
	if len(s.beginning.held()) == 0 {
		if message, used, err = s.cutter.Cut(data); used > 0 || err != nil {
			return message, used > 0, used, noFrame(err)
		}
	}
	used = min(s.missing(), len(data))
	s.beginning.add(data[:used])
	message, size, err := s.cutter.Cut(s.beginning.held())
	if size > 0 {
		s.beginning.take()
	}
	return message, size > 0, used, noFrame(err)
}

// noFrame is the error of an input that is cut into frames.
func noFrame(err error) error {
	if frame, ok := errors.AsType[*framing.FrameError](err); ok {
		return fmt.Errorf("the input is no row of frames: %s", tooLong(frame))
	}
	return err
}

// missing is how many bytes the beginning lacks of its header, or else of its frame.
func (s *frameSplitter) missing() int {
	have := s.beginning.held()
	if len(have) < framing.U32BE.Header {
		return framing.U32BE.Header - len(have)
	}
	length, _ := framing.U32BE.Length(have) // which the cutter has judged
	return framing.U32BE.Header + int(length) - len(have)
}

func (s *frameSplitter) last() (message []byte, whole bool, err error) {
	if rest := len(s.beginning.held()); rest > 0 {
		return nil, false, fmt.Errorf("the input ends inside a frame: its last %d bytes are not sent", rest)
	}
	return nil, false, nil
}
