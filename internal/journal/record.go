package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// kind says what a record is.
type kind uint8

const (
	opened   kind = 1
	messages kind = 2
	closed   kind = 3
)

// The layout of a record, all integers little-endian: u32 size of the body, u32 CRC-32C of the body, the body. docs/format/journal.md draws
// it.
const (
	recordHead = 8
	// mostBody bounds a body: a length that is longer is none.
	mostBody = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is something that a source did. One of its three is set.
type Record struct {
	// Connection is the number of the connection that it is about; a journal gives each another.
	Connection uint64
	Opened     *Opened
	Messages   *Messages
	Closed     bool
}

// Opened is a connection that was opened.
type Opened struct {
	Source string // its identity, PIPELINE/NAME
	Peer   string // as it stands in logs
}

// Messages are those of a connection, one behind another.
type Messages struct {
	First   uint64 // the number of the first one in its connection
	Ingest  int64  // when they were read, in nanoseconds since 1970
	Sizes   []uint32
	Payload []byte
}

// appendRecord appends a record's bytes.
func appendRecord(dst []byte, r *Record) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, recordHead)...)
	switch {
	case r.Opened != nil:
		dst = append(dst, byte(opened))
		dst = binary.LittleEndian.AppendUint64(dst, r.Connection)
		dst = appendText(dst, r.Opened.Source)
		dst = appendText(dst, r.Opened.Peer)
	case r.Messages != nil:
		dst = append(dst, byte(messages))
		dst = binary.LittleEndian.AppendUint64(dst, r.Connection)
		dst = binary.LittleEndian.AppendUint64(dst, r.Messages.First)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(r.Messages.Ingest))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r.Messages.Sizes)))
		for _, size := range r.Messages.Sizes {
			dst = binary.LittleEndian.AppendUint32(dst, size)
		}
		dst = append(dst, r.Messages.Payload...)
	default:
		dst = append(dst, byte(closed))
		dst = binary.LittleEndian.AppendUint64(dst, r.Connection)
	}
	body := dst[start+recordHead:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(body, castagnoli))
	return dst
}

func appendText(dst []byte, text string) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}

var (
	errShort    = errors.New("the record is cut off")
	errChecksum = errors.New("the checksum is wrong")
	errForm     = errors.New("it is no record")
)

// parseRecord reads the record that data begins with, and how many bytes it takes. What it returns shares the memory of data.
func parseRecord(data []byte) (r Record, size int, err error) {
	if len(data) < recordHead {
		return Record{}, 0, errShort
	}
	length := binary.LittleEndian.Uint32(data)
	switch {
	case length > mostBody || length == 0:
		return Record{}, 0, errForm
	case len(data) < recordHead+int(length):
		return Record{}, 0, errShort
	}
	size = recordHead + int(length)
	body := data[recordHead:size]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(data[4:]) {
		return Record{}, 0, errChecksum
	}
	r, ok := parseBody(body)
	if !ok {
		return Record{}, 0, errForm
	}
	return r, size, nil
}

// parseBody reads a body whose checksum is right; false if it is none all the same.
func parseBody(body []byte) (r Record, ok bool) {
	f := fields{rest: body[1:]}
	r.Connection = f.u64()
	switch kind(body[0]) {
	case opened:
		r.Opened = &Opened{Source: f.text(), Peer: f.text()}
	case messages:
		m := &Messages{First: f.u64(), Ingest: int64(f.u64())}
		m.Sizes, m.Payload = f.sizes(), f.rest
		sum := 0
		for _, size := range m.Sizes {
			sum += int(size)
		}
		r.Messages, f.rest = m, nil
		f.cut = f.cut || sum != len(m.Payload) || len(m.Sizes) == 0
	case closed:
		r.Closed = true
	default:
		return r, false
	}
	return r, !f.cut && len(f.rest) == 0
}

// fields are read one behind another; cut says that there were too few bytes.
type fields struct {
	rest []byte
	cut  bool
}

func (f *fields) take(n int) []byte {
	if f.cut || n > len(f.rest) {
		f.cut, f.rest = true, nil
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) u32() uint32 {
	if b := f.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (f *fields) text() string { return string(f.take(int(f.u32()))) }

func (f *fields) sizes() []uint32 {
	n := int(f.u32())
	if n > len(f.rest)/4 {
		f.cut = true
		return nil
	}
	sizes := make([]uint32, n)
	for i := range sizes {
		sizes[i] = f.u32()
	}
	return sizes
}
