package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The layout of a record, all integers little-endian: u32 size of the body, u32 CRC-32C of the body, the body. docs/format/journal.md draws
// it.
const (
	recordHead = 8
	// mostBody bounds a body: a length that is longer is none.
	mostBody = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is messages of a connection, one behind another, that a source has accepted.
type Record struct {
	// Number is its place in the journal, from 1 on; Append sets it for nobody.
	Number uint64
	Source string // its identity, PIPELINE/NAME
	Peer   string // the connection's other end, as it stands in logs
	// Connection is a number that no other connection of the journal has.
	Connection uint64
	// Stream is the name of what the sender sends, if it may go on with it by another connection; "" if it may not.
	Stream string
	// First is the number of the first message in its stream or, where there is none, in its connection.
	First   uint64
	Ingest  int64 // when they were read, in nanoseconds since 1970
	Sizes   []uint32
	Payload []byte
}

// appendRecord appends a record's bytes.
func appendRecord(dst []byte, r *Record) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, recordHead)...)
	dst = appendText(dst, r.Source)
	dst = appendText(dst, r.Peer)
	dst = binary.LittleEndian.AppendUint64(dst, r.Connection)
	dst = appendText(dst, r.Stream)
	dst = binary.LittleEndian.AppendUint64(dst, r.First)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.Ingest))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(r.Sizes)))
	for _, size := range r.Sizes {
		dst = binary.LittleEndian.AppendUint32(dst, size)
	}
	dst = append(dst, r.Payload...)
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
	f := fields{rest: body}
	r.Source, r.Peer = f.text(), f.text()
	r.Connection = f.u64()
	r.Stream = f.text()
	r.First, r.Ingest = f.u64(), int64(f.u64())
	r.Sizes, r.Payload = f.sizes(), f.rest
	sum := 0
	for _, size := range r.Sizes {
		sum += int(size)
	}
	return r, !f.cut && sum == len(r.Payload) && len(r.Sizes) > 0
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
