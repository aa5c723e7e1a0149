package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// Framing says how messages lie in the stream of bytes: Frames, Lines, Raw or Resumable.
type Framing struct {
	framing   framing.Framing
	resumable bool // messages lie in frames of their own
	wrong     error
}

// mistake is what makes it no framing, or nil.
func (f Framing) mistake() error {
	if f.wrong == nil && f.framing == nil {
		return errors.New("it has no framing: use tcp.Frames, tcp.Lines, tcp.Raw or tcp.Resumable")
	}
	return f.wrong
}

// Frames is messages that each follow a number, their length in bytes, which takes so many bytes itself, 1 to 8, in that order of bytes:
// binary.BigEndian or binary.LittleEndian.
func Frames(width int, order binary.ByteOrder) Framing {
	prefix := framing.LengthPrefix{Header: width, Width: width, Order: framing.BigEndian}
	switch order {
	case binary.BigEndian:
	case binary.LittleEndian:
		prefix.Order = framing.LittleEndian
	default:
		return Framing{wrong: fmt.Errorf("tcp.Frames: the order of bytes is %v: use binary.BigEndian or binary.LittleEndian", order)}
	}
	if width < 1 || width > maxWidth {
		return Framing{wrong: fmt.Errorf("tcp.Frames: a length of %d bytes: want 1 to %d", width, maxWidth)}
	}
	return Framing{framing: prefix}
}

// maxWidth is how many bytes a length has at most.
const maxWidth = 8

// Lines is messages that each end with a newline, which is not a part of them. A connection's last one may lack it.
func Lines() Framing { return Framing{framing: framing.Newline{}} }

// Raw is bytes as they are: a source makes a message of what one read brings, a sink writes messages one behind another.
func Raw() Framing { return Framing{framing: framing.Unframed{}} }

// Resumable is messages with numbers, which the other side acknowledges: nothing is lost and nothing counts twice, whichever side crashes.
// A source takes each message of a named stream once; a sink's receiver keeps output apart until a checkpoint has committed it. The other
// side must speak it too, as "wallaroo send" and "wallaroo receive" do; docs/format/resumable.md draws it.
func Resumable() Framing { return Framing{framing: framing.Unframed{}, resumable: true} }
