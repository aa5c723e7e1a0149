package peer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

// A record of a Store is a file beside its output: records, each a u32 size of its body, a u32 CRC-32C of that, and the body, whose first
// byte is what it is.
const (
	recordState byte = iota + 1 // the first record, and no other: a state, in JSON
	recordHeard                 // a heard, in JSON
	recordTaken                 // messages that came: u32 unit, u16 length of the lane, the lane, and a frame of messages
	recordKept                  // messages that are not committed, as recordTaken, whose lane the state tells of already
)

const (
	recordSuffix  = ".resume" // of its name, behind the output's
	recordVersion = 1
	recordHead    = 8
	maxRecord     = maxMessage + 1<<20
)

// state is what was so when the record was written.
type state struct {
	Version  int
	Format   Format
	Length   int64 // bytes of the output that are committed
	Messages int64 // that these are
	Units    []unitState
}

// unitState is that of the receiver of one sink.
type unitState struct {
	Cluster, Sink string
	Said          resumable.Said
	Lanes         map[string]*resumable.Lane
}

// heard is what was heard of a run or a commit, and how long the output is with what that committed. A unit that is one more than there
// were begins with it.
type heard struct {
	Unit             int
	Cluster, Sink    string
	Said             resumable.Said
	Length, Messages int64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is the file, to which records are appended.
type record struct {
	file    *os.File
	size    int64  // bytes in it, and gathered
	pending []byte // gathered
	dirty   bool   // something is not on disk
}

// add appends a record, which sync puts on disk, and returns where its body is.
func (r *record) add(kind byte, parts ...[]byte) (at int64, err error) {
	began := len(r.pending)
	r.pending = append(append(r.pending, make([]byte, recordHead)...), kind)
	for _, part := range parts {
		r.pending = append(r.pending, part...)
	}
	body := r.pending[began+recordHead:]
	binary.LittleEndian.PutUint32(r.pending[began:], uint32(len(body)))
	binary.LittleEndian.PutUint32(r.pending[began+4:], crc32.Checksum(body, castagnoli))
	at = r.size + recordHead
	r.size += int64(recordHead + len(body))
	r.dirty = true
	if len(r.pending) < writeSize {
		return at, nil
	}
	return at, r.flush()
}

// addJSON appends a record of a kind that is in JSON.
func (r *record) addJSON(kind byte, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	_, err = r.add(kind, text)
	return err
}

// flush writes what is gathered.
func (r *record) flush() error {
	if len(r.pending) == 0 {
		return nil
	}
	_, err := r.file.WriteAt(r.pending, r.size-int64(len(r.pending)))
	if r.pending = r.pending[:0]; cap(r.pending) > keepSize {
		r.pending = nil
	}
	return err
}

// sync puts everything on disk.
func (r *record) sync() error {
	if !r.dirty {
		return nil
	}
	r.dirty = false
	return errors.Join(r.flush(), r.file.Sync())
}

// body reads a record's body again.
func (r *record) body(at int64, size int) ([]byte, error) {
	if err := r.flush(); err != nil {
		return nil, err
	}
	body := make([]byte, size)
	_, err := r.file.ReadAt(body, at)
	return body, err
}

// DamageError is a Store's record that cannot be read at a place where no crash leaves it so.
type DamageError struct {
	File   string
	Offset int64
	Why    string
}

// Error says where, and what to do.
func (d *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s. What stands behind it cannot be trusted: restore it, or move it and the output away, "+
		"to begin anew", d.File, d.Offset, d.Why)
}

// readRecords yields each record's body and where it stands. A last one that is not whole is left out: a crash leaves it so. Anything else
// that cannot be read is a *DamageError.
func readRecords(file *os.File, yield func(body []byte, at int64) error) error {
	in := bufio.NewReaderSize(file, writeSize)
	for at := int64(0); ; {
		body, err := readBody(in)
		if errors.Is(err, errNoRecord) { // or it is the end
			return unfinished(file, at)
		}
		if err != nil {
			return err
		}
		if err := yield(body, at+recordHead); err != nil {
			return err
		}
		at += int64(recordHead + len(body))
	}
}

var errNoRecord = errors.New("no whole record")

// readBody reads the next record.
func readBody(in *bufio.Reader) ([]byte, error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, noRecord(err)
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0 || size > maxRecord {
		return nil, errNoRecord
	}
	var body bytes.Buffer // which grows as bytes come, not as a size promises them
	if _, err := io.CopyN(&body, in, int64(size)); err != nil {
		return nil, noRecord(err)
	}
	if crc32.Checksum(body.Bytes(), castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, errNoRecord
	}
	return body.Bytes(), nil
}

func noRecord(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errNoRecord
	}
	return err
}

// unfinished judges what stands where no whole record does: a crash leaves no whole record behind that.
func unfinished(file *os.File, at int64) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	rest := make([]byte, info.Size()-at)
	if _, err := file.ReadAt(rest, at); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for from := 1; from+recordHead < len(rest); from++ {
		size := int64(binary.LittleEndian.Uint32(rest[from:]))
		if size == 0 || int64(from+recordHead)+size > int64(len(rest)) {
			continue
		}
		body := rest[from+recordHead : from+recordHead+int(size)]
		if crc32.Checksum(body, castagnoli) == binary.LittleEndian.Uint32(rest[from+4:]) {
			return &DamageError{File: file.Name(), Offset: at, Why: fmt.Sprintf("a whole record follows only at byte %d", at+int64(from))}
		}
	}
	return nil
}

// messagesOf reads a body of messages.
func messagesOf(body []byte) (unit int, lane string, m *resumable.Messages, err error) {
	const head = 1 + 4 + 2
	if len(body) < head || len(body) < head+int(binary.LittleEndian.Uint16(body[5:])) {
		return 0, "", nil, errNoRecord
	}
	unit = int(binary.LittleEndian.Uint32(body[1:]))
	behind := head + int(binary.LittleEndian.Uint16(body[5:]))
	f, err := resumable.Decode(body[behind:])
	if err != nil {
		return 0, "", nil, err
	}
	m, is := f.(*resumable.Messages)
	if !is {
		return 0, "", nil, errNoRecord
	}
	return unit, string(body[head:behind]), m, nil
}

// messagesBody is what messagesOf reads, without its first byte.
func messagesBody(unit int, lane string, m *resumable.Messages) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(unit))
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(lane))), lane...)
	return append(b, resumable.Append(nil, m)[4:]...)
}

// syncFolder puts the names in the folder of a file on disk.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
