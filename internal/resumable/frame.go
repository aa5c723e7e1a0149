package resumable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/wallaroo-stream/wallaroo/connector"
)

// Magic begins what either side says, before the version. As a length before a message it is absurd, and it is a line.
const Magic = "WALLAROO RESUME\n"

// Version is the version of the frames that is spoken here.
const Version = 1

// Bounds of a frame.
const (
	// MaxName is how many bytes a name may have: a cluster's, a sink's, a lane's, a stream's.
	MaxName = 1 << 10
	// MaxReason is how many bytes the reason of a refusal may have.
	MaxReason = 4 << 10
	// frameBytes is how many bytes of messages are put into a frame, unless one alone has more; frameCount how many messages.
	frameBytes = 64 << 10
	frameCount = 4 << 10
	// overhead is what a frame may have beside its messages' bytes.
	overhead = messagesHead + 4*frameCount
	// messagesHead is what stands before the sizes in a frame of messages: kind, run, epoch, number, count.
	messagesHead = 1 + 8 + 8 + 8 + 4
)

// Frame is one of the frames below.
type Frame interface{ appendTo(dst []byte) []byte }

// SinkHello is the first frame of a sink.
type SinkHello struct {
	Cluster, Sink string // whose output it is; together they are the unit of commits
	Lane          string // of the sink's process, which numbers its messages from 1 on in each run
	Said          Said
}

// StreamHello is the first frame of a sender.
type StreamHello struct {
	Stream string
	First  uint64 // the number of the first message that it can send; a stream begins with 1
}

// Welcome answers a hello.
type Welcome struct {
	Said   Said   // of the receiver; zero for a stream
	Number uint64 // of the last message that it has of the lane or the stream: what follows is wanted
}

// Messages are messages with consecutive numbers.
type Messages struct {
	Run, Epoch uint64 // zero in a stream
	Number     uint64 // of the first
	Batch      connector.Batch
}

// Last is the number of the last message.
func (m *Messages) Last() uint64 { return m.Number + uint64(m.Batch.Count()) - 1 }

// Marker says that all of its epoch, and of those before it, has been sent on the lane: Number messages in the run.
type Marker struct{ Run, Epoch, Number uint64 }

// Commit says which run it is, and that an epoch is committed. That of a greater run is a rollback: what followed the epoch is void.
type Commit struct{ Said Said }

// Ack says what the other side has, safely.
type Ack struct {
	Said   Said   // of the receiver; zero for a stream
	Number uint64 // of the last message
	Marker uint64 // epoch of the last marker
}

// RefusalError is the frame that says why nothing more is taken; the connection ends with it.
type RefusalError struct {
	Run    uint64 // that the receiver is in; 0 if that is not the reason
	Reason string
}

// Error is the reason.
func (r *RefusalError) Error() string { return r.Reason }

// kinds of frames
const (
	kindSinkHello = iota + 1
	kindStreamHello
	kindWelcome
	kindMessages
	kindMarker
	kindCommit
	kindAck
	kindRefusal
)

// Preamble is what stands before the first frame of either side: the magic and the version. The side that connected names the highest
// version that it speaks, the other one the version that is spoken, which is not above.
func Preamble() []byte { return binary.LittleEndian.AppendUint16([]byte(Magic), Version) }

// Append appends a frame. Its names must have at most MaxName bytes, and its messages the size that Window gives them.
func Append(dst []byte, f Frame) []byte {
	began := len(dst)
	dst = f.appendTo(append(dst, 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(dst[began:], uint32(len(dst)-began-4))
	return dst
}

func integers(dst []byte, kind byte, all ...uint64) []byte {
	dst = append(dst, kind)
	for _, n := range all {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	return dst
}

func text(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func (h *SinkHello) appendTo(dst []byte) []byte {
	dst = integers(dst, kindSinkHello, h.Said.Run, h.Said.Committed)
	return text(text(text(dst, h.Cluster), h.Sink), h.Lane)
}

func (h *StreamHello) appendTo(dst []byte) []byte {
	return text(integers(dst, kindStreamHello, h.First), h.Stream)
}

func (w *Welcome) appendTo(dst []byte) []byte {
	return integers(dst, kindWelcome, w.Said.Run, w.Said.Committed, w.Number)
}

func (m *Messages) appendTo(dst []byte) []byte {
	dst = integers(dst, kindMessages, m.Run, m.Epoch, m.Number)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.Batch.Count()))
	for _, size := range m.Batch.Sizes {
		dst = binary.LittleEndian.AppendUint32(dst, size)
	}
	return append(dst, m.Batch.Payload...)
}

func (m *Marker) appendTo(dst []byte) []byte {
	return integers(dst, kindMarker, m.Run, m.Epoch, m.Number)
}

func (c *Commit) appendTo(dst []byte) []byte {
	return integers(dst, kindCommit, c.Said.Run, c.Said.Committed)
}

func (a *Ack) appendTo(dst []byte) []byte {
	return integers(dst, kindAck, a.Said.Run, a.Said.Committed, a.Number, a.Marker)
}

func (r *RefusalError) appendTo(dst []byte) []byte {
	reason := r.Reason[:min(len(r.Reason), MaxReason)]
	return text(integers(dst, kindRefusal, r.Run), reason)
}

var errFrame = errors.New("a frame that is none of this framing")

// Decode reads a frame without its length. What it returns holds parts of body.
func Decode(body []byte) (Frame, error) {
	p := parser{rest: body}
	var f Frame
	switch kind := p.byte(); kind {
	case kindSinkHello:
		f = &SinkHello{Said: p.said(), Cluster: p.text(MaxName), Sink: p.text(MaxName), Lane: p.text(MaxName)}
	case kindStreamHello:
		f = &StreamHello{First: p.u64(), Stream: p.text(MaxName)}
	case kindWelcome:
		f = &Welcome{Said: p.said(), Number: p.u64()}
	case kindMessages:
		f = p.messages()
	case kindMarker:
		f = &Marker{Run: p.u64(), Epoch: p.u64(), Number: p.u64()}
	case kindCommit:
		f = &Commit{Said: p.said()}
	case kindAck:
		f = &Ack{Said: p.said(), Number: p.u64(), Marker: p.u64()}
	case kindRefusal:
		f = &RefusalError{Run: p.u64(), Reason: p.text(MaxReason)}
	default:
		return nil, fmt.Errorf("%w: its kind is %d", errFrame, kind)
	}
	if p.wrong || len(p.rest) > 0 {
		return nil, fmt.Errorf("%w: it is cut, or holds what does not belong there", errFrame)
	}
	return f, nil
}

// parser takes the fields of a frame one after another.
type parser struct {
	rest  []byte
	wrong bool // there were not as many bytes as fields, or they are none of the field's kind
}

func (p *parser) take(n int) []byte {
	if p.wrong || n > len(p.rest) {
		p.wrong = true
		return nil
	}
	taken := p.rest[:n:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parser) byte() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) u64() uint64 {
	if b := p.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (p *parser) u32() uint32 {
	if b := p.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (p *parser) said() Said { return Said{Run: p.u64(), Committed: p.u64()} }

func (p *parser) text(most int) string {
	size := p.take(2)
	if size == nil {
		return ""
	}
	b := p.take(int(binary.LittleEndian.Uint16(size)))
	if len(b) > most || !utf8.Valid(b) {
		p.wrong = true
		return ""
	}
	return string(b)
}

func (p *parser) messages() *Messages {
	m := &Messages{Run: p.u64(), Epoch: p.u64(), Number: p.u64()}
	count := int(p.u32())
	sizes := p.take(min(4*count, len(p.rest)+1))
	total := uint64(0)
	if len(sizes) > 0 {
		m.Batch.Sizes = make([]uint32, count)
	}
	for i := range m.Batch.Sizes {
		m.Batch.Sizes[i] = binary.LittleEndian.Uint32(sizes[4*i:])
		total += uint64(m.Batch.Sizes[i])
	}
	if m.Batch.Payload = p.rest; count == 0 || m.Number == 0 || m.Number+uint64(count) < m.Number || total != uint64(len(p.rest)) {
		p.wrong = true
	}
	p.rest = nil
	return m
}
