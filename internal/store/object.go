package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
)

// The layout of an object: a head, blocks of entities, an index of the blocks, and a trailer. All integers are little-endian.
// docs/format/checkpoints.md draws it.
const (
	magic   = "WALLAROO ENTITIES"
	version = 1
	// headLeast is a head without names: magic, u16 version, u32 how many names, u32 checksum.
	headLeast = len(magic) + 2 + 4 + 4
	// entryBytes is a block in the index: u32 hash of its first key, u32 how many entities, u64 offset, u32 size, SHA-256.
	entryBytes = 4 + 4 + 8 + 4 + sha256.Size
	// trailerBytes is the trailer: u64 offset of the index, u32 how many blocks, u32 checksum of index and trailer.
	trailerBytes = 8 + 4 + 4
	// mostStates is how many names there can be.
	mostStates = 1 << 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writer writes an object. Entities are added in the order of objects.
type writer struct {
	out        io.Writer
	blockBytes int

	head     []byte
	block    []byte
	inBlock  uint32
	first    uint32 // the hash of the block's first key
	index    []byte
	offset   int64
	entities int64
}

// newWriter writes the head of an object whose entities have the numbers of these names, which are in order.
func newWriter(out io.Writer, states []string, blockBytes int) (*writer, error) {
	w := &writer{out: out, blockBytes: blockBytes, head: headOf(states)}
	return w, w.write(w.head)
}

func (w *writer) write(data []byte) error {
	n, err := w.out.Write(data)
	w.offset += int64(n)
	return err
}

// add appends an entity; hash is that of its key.
func (w *writer) add(hash uint32, e *entity.Entity) error {
	start := len(w.block)
	w.block = entity.Append(w.block, e)
	if start > 0 && len(w.block) > w.blockBytes {
		last := w.block[start:]
		w.block = w.block[:start]
		if err := w.endBlock(); err != nil {
			return err
		}
		w.block = append(w.block, last...)
	}
	if w.inBlock == 0 {
		w.first = hash
	}
	w.inBlock++
	w.entities++
	return nil
}

// endBlock writes the block, and its entry into the index.
func (w *writer) endBlock() error {
	if w.inBlock == 0 {
		return nil
	}
	w.index = appendEntry(w.index, &entry{
		first: w.first, entities: w.inBlock, offset: w.offset, size: uint32(len(w.block)), digest: sha256.Sum256(w.block),
	})
	err := w.write(w.block)
	w.block, w.inBlock = w.block[:0], 0
	return err
}

// finish writes what is left, and returns the object without its name and epoch.
func (w *writer) finish() (Object, error) {
	if err := w.endBlock(); err != nil {
		return Object{}, err
	}
	tail := appendTrailer(w.index, w.offset)
	if err := w.write(tail); err != nil {
		return Object{}, err
	}
	return Object{Digest: digest(w.head, tail), Bytes: w.offset, Entities: w.entities}, nil
}

// digest is what a manifest says of an object: the SHA-256 of all but its blocks, whose own are in the index. So a part of an object can be
// read and is known to be what the manifest means.
func digest(head, tail []byte) string {
	sum := sha256.New()
	sum.Write(head)
	sum.Write(tail)
	return hex.EncodeToString(sum.Sum(nil))
}

// headOf is the head of an object whose entities have the numbers of these names.
func headOf(states []string) []byte {
	head := binary.LittleEndian.AppendUint16([]byte(magic), version)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(states)))
	for _, name := range states {
		head = binary.LittleEndian.AppendUint32(head, uint32(len(name)))
		head = append(head, name...)
	}
	return binary.LittleEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
}

func appendEntry(dst []byte, e *entry) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, e.first)
	dst = binary.LittleEndian.AppendUint32(dst, e.entities)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.offset))
	dst = binary.LittleEndian.AppendUint32(dst, e.size)
	return append(dst, e.digest[:]...)
}

// appendTrailer appends the trailer to an index that begins at an offset.
func appendTrailer(index []byte, offset int64) []byte {
	blocks := len(index) / entryBytes
	index = binary.LittleEndian.AppendUint64(index, uint64(offset))
	index = binary.LittleEndian.AppendUint32(index, uint32(blocks))
	return binary.LittleEndian.AppendUint32(index, crc32.Checksum(index, castagnoli))
}

// entry is what the index says of a block.
type entry struct {
	first    uint32 // the hash of its first key
	entities uint32
	offset   int64
	size     uint32
	digest   [sha256.Size]byte
}

func (e *entry) end() int64 { return e.offset + int64(e.size) }

// misread is what is wrong with a part of an object, and where in it.
type misread struct {
	at  int
	why string
}

func (m *misread) Error() string { return fmt.Sprint(m.why, " at byte ", m.at) }

// parseHead reads a head, which is all of data: the names of its states.
func parseHead(data []byte) (states []string, err error) {
	if len(data) < headLeast || string(data[:len(magic)]) != magic {
		return nil, &misread{0, "it does not begin as an object of entities"}
	}
	if v := binary.LittleEndian.Uint16(data[len(magic):]); v != version {
		return nil, &misread{len(magic), fmt.Sprintf("it has version %d of the format, and this program reads version %d", v, version)}
	}
	body, sum := data[:len(data)-4], data[len(data)-4:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(sum) {
		return nil, &misread{0, "the checksum of the head is wrong"}
	}
	at := len(magic) + 2
	count := binary.LittleEndian.Uint32(body[at:])
	at += 4
	for range count {
		if len(body)-at < 4 || uint64(len(body)-at-4) < uint64(binary.LittleEndian.Uint32(body[at:])) {
			return nil, &misread{at, "a name is cut off"}
		}
		end := at + 4 + int(binary.LittleEndian.Uint32(body[at:]))
		states = append(states, string(body[at+4:end]))
		at = end
	}
	if at != len(body) {
		return nil, &misread{at, "something stands behind the names"}
	}
	if err := checkStates(states); err != nil {
		return nil, &misread{0, err.Error()}
	}
	return states, nil
}

// checkStates refuses names that are not in order, or one that is there twice.
func checkStates(states []string) error {
	if len(states) > mostStates {
		return fmt.Errorf("%d states are too many: there may be %d", len(states), mostStates)
	}
	for n := 1; n < len(states); n++ {
		if states[n-1] >= states[n] {
			return fmt.Errorf("the names of states %q and %q are not in order", states[n-1], states[n])
		}
	}
	return nil
}

// parseTrailer reads the trailer, which data ends with, of an object of so many bytes: where the index begins.
func parseTrailer(data []byte, size int64) (index int64, err error) {
	if len(data) < trailerBytes {
		return 0, &misread{0, "it has no trailer"}
	}
	trailer := data[len(data)-trailerBytes:]
	offset, blocks := binary.LittleEndian.Uint64(trailer), binary.LittleEndian.Uint32(trailer[8:])
	if want := size - trailerBytes - int64(blocks)*entryBytes; want < int64(headLeast) || offset != uint64(want) {
		return 0, &misread{len(data) - trailerBytes, "it does not end with a trailer"}
	}
	return int64(offset), nil
}

// parseIndex reads index and trailer, which are all of data and begin at an offset of the object.
func parseIndex(data []byte, offset int64) ([]entry, error) {
	if crc32.Checksum(data[:len(data)-4], castagnoli) != binary.LittleEndian.Uint32(data[len(data)-4:]) {
		return nil, &misread{0, "the checksum of the index is wrong"}
	}
	entries := make([]entry, 0, len(data)/entryBytes)
	for at := 0; at < len(data)-trailerBytes; at += entryBytes {
		b := data[at : at+entryBytes]
		e := entry{
			first: binary.LittleEndian.Uint32(b), entities: binary.LittleEndian.Uint32(b[4:]),
			offset: int64(binary.LittleEndian.Uint64(b[8:])), size: binary.LittleEndian.Uint32(b[16:]),
		}
		copy(e.digest[:], b[20:])
		if n := len(entries); n > 0 && (entries[n-1].end() != e.offset || entries[n-1].first > e.first) || e.offset < int64(headLeast) ||
			e.entities == 0 || e.offset > offset {
			return nil, &misread{at, "the index is not in order"}
		}
		entries = append(entries, e)
	}
	if n := len(entries); n > 0 && entries[n-1].end() != offset {
		return nil, &misread{0, "the index does not begin where the blocks end"}
	}
	return entries, nil
}

// damage makes what a parser says of data at an offset of a file a DamageError.
func damage(file string, offset int64, err error) error {
	if m, ok := errors.AsType[*misread](err); ok {
		return &DamageError{File: file, Offset: offset + int64(m.at), Why: m.why}
	}
	return err
}

// union is names of two sorted lists, sorted.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
