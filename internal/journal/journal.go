// Package journal is the durable log of what sources have accepted that cannot send it again. Records are appended to segments, files of a
// folder, and read again from some number on when an application starts again. docs/format/journal.md describes the files.
package journal

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Options bound a journal.
type Options struct {
	// SegmentBytes is how large a segment becomes before the next one begins.
	SegmentBytes int64
	// FreeBytes is how much room is left on the disk at least.
	FreeBytes int64
}

// ErrNoRoom is a disk on which too little room would be left. Nothing was appended, and it may be tried again.
var ErrNoRoom = errors.New("too little room is left on the disk")

// file is what a journal needs of its segment; tests have one that fails.
type file interface {
	WriteAt(b []byte, offset int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Journal is a journal that is appended to. Its methods may be called from any goroutine.
type Journal struct {
	folder  string
	options Options
	create  func(path string) (file, error)
	room    func(folder string) (int64, error)
	cut     Cut // by open

	mu      sync.Mutex
	segment file // guarded by mu, as are those below
	first   uint64
	oldest  uint64 // the number of the first record that it holds, or would
	end     int64  // of the segment
	next    uint64 // the number of the next record
	last    uint64 // the number of the last connection
	before  int64  // bytes of the segments before the last
	buffer  []byte
	broken  error // after which nothing can be appended
	left    int64 // bytes that may be appended before the room is looked at again
	refused int64 // bytes of the last record, if there was no room for it

	syncing sync.Mutex // held by whoever syncs for all
	synced  uint64     // records below it are on disk; guarded by mu
	groups  Groups
}

// Groups is how records were brought to disk.
type Groups struct{ Syncs, Records uint64 }

// Open opens the journal of a folder, which is made if it is missing. A record that a crash has left unfinished at the end is cut off, as
// Cut tells. What cannot be read anywhere else is a *DamageError. It must be closed.
func Open(folder string, o Options) (*Journal, error) { return open(folder, o, create, freeBytes) }

func open(
	folder string, o Options, create func(string) (file, error), room func(string) (int64, error),
) (*Journal, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	j := &Journal{folder: folder, options: o, create: create, room: room}
	all, err := segments(folder)
	if err != nil {
		return nil, err
	}
	if err := checkCurrent(folder, all); err != nil {
		return nil, err
	}
	next := uint64(1)
	if len(all) > 0 {
		next = all[0]
	}
	j.oldest = next
	for n, first := range all {
		last := n == len(all)-1
		if first != next {
			return nil, &DamageError{
				File: filepath.Join(folder, nameOf(all[n-1])), Offset: j.end,
				Why: fmt.Sprintf("record %d should come next, here or in %s, and is missing", next, nameOf(next)),
			}
		}
		end, err := read(folder, first, last, func(r Record) bool {
			j.last = max(j.last, r.Connection)
			return true
		})
		if err != nil {
			return nil, err
		}
		j.end, next = end.at, end.next
		if end.torn > 0 {
			j.cut = Cut{File: filepath.Join(folder, nameOf(first)), Offset: end.at, Bytes: end.torn}
		}
		j.first = first
		if !last {
			j.before += j.end
		}
	}
	j.next, j.synced = next, next
	if len(all) == 0 {
		j.first = next
	}
	j.segment, j.end, err = j.begin(j.first, j.end)
	return j, err
}

// Cut is what was no whole record at the end of the last segment: from Offset on so many Bytes. A crash leaves the record so that was being
// written; where there was none, it was there, and is lost.
type Cut struct {
	File          string
	Offset, Bytes int64
}

// Cut is what Open has cut off; its zero value is nothing.
func (j *Journal) Cut() Cut { return j.cut }

// begin makes ready to append to a segment behind a place in it, its head at least.
func (j *Journal) begin(first uint64, end int64) (file, int64, error) {
	segment, err := j.create(filepath.Join(j.folder, nameOf(first)))
	if err != nil {
		return nil, 0, err
	}
	err = segment.Truncate(end)
	if err == nil && end == 0 {
		end = int64(segmentHead)
		_, err = segment.WriteAt(head(first), 0)
	}
	if err == nil {
		err = errors.Join(segment.Sync(), syncFolder(j.folder))
	}
	if err == nil {
		err = writeCurrent(j.folder, first)
	}
	if err != nil {
		return nil, 0, errors.Join(err, segment.Close())
	}
	return segment, end, nil
}

// Connect returns a number for one more connection.
func (j *Journal) Connect() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	return j.last
}

// Append appends a record and returns its number. It is the operating system's then, and survives every end of the process; what Sync is
// for. After ErrNoRoom nothing has changed; any other error is final.
func (j *Journal) Append(r *Record) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.append(r)
	j.refused = 0
	if errors.Is(err, ErrNoRoom) {
		j.refused = int64(len(j.buffer))
	}
	if err != nil {
		return 0, err
	}
	return j.next - 1, nil
}

// append writes a record; who calls it holds the lock.
func (j *Journal) append(r *Record) error {
	if j.broken != nil {
		return j.broken
	}
	j.buffer = appendRecord(j.buffer[:0], r)
	if err := j.checkRoom(int64(len(j.buffer))); err != nil {
		return err
	}
	if j.end+int64(len(j.buffer)) > j.options.SegmentBytes && j.end > int64(segmentHead) {
		if err := j.turn(); err != nil {
			return err
		}
	}
	if _, err := j.segment.WriteAt(j.buffer, j.end); err != nil {
		// What was written of it must not stand before what comes next.
		if cut := j.segment.Truncate(j.end); cut != nil {
			return j.fail(errors.Join(err, cut))
		}
		if isFull(err) {
			return fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
		return j.fail(err)
	}
	j.end += int64(len(j.buffer))
	j.next++
	return nil
}

// fail makes an error final.
func (j *Journal) fail(err error) error {
	j.broken = fmt.Errorf("the journal cannot be written any more: %w", err)
	return j.broken
}

// roomEvery is how many bytes may be appended between two looks at the room on the disk.
const roomEvery = 16 << 20

// checkRoom looks now and then whether so many bytes fit.
func (j *Journal) checkRoom(bytes int64) error {
	if j.left -= bytes; j.left > 0 {
		return nil
	}
	free, err := j.room(j.folder)
	if err != nil {
		return j.fail(err)
	}
	if err := j.enough(free - bytes); err != nil {
		j.left = 0
		return err
	}
	j.left = min(roomEvery, free-bytes-j.options.FreeBytes)
	return nil
}

// turn begins the next segment. What is in the one before is on disk then, so that only the last one can be cut off. If there is no room
// for it, it is as if it had not been tried.
func (j *Journal) turn() error {
	if err := j.segment.Sync(); err != nil {
		return j.fail(err)
	}
	segment, end, err := j.begin(j.next, 0)
	if err != nil && isFull(err) {
		if gone := os.Remove(filepath.Join(j.folder, nameOf(j.next))); gone != nil {
			return j.fail(errors.Join(err, gone))
		}
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	if err != nil {
		return j.fail(err)
	}
	if err := j.segment.Close(); err != nil {
		return j.fail(err)
	}
	j.before += j.end
	j.segment, j.first, j.end, j.synced = segment, j.next, end, j.next
	return nil
}

// isFull reports whether an error is a disk's, or an allowance's, that is full.
func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// Sync returns when the records up to a number are on disk, and survive the end of the machine. Whoever comes while another syncs waits,
// and is then done or syncs for all who came meanwhile: a group. It returns the number of the last record that is on disk. An error is
// final.
func (j *Journal) Sync(number uint64) (uint64, error) {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	j.mu.Lock()
	until, segment, err, done := j.next, j.segment, j.broken, j.synced > number
	defer j.mu.Unlock()
	if done || err != nil {
		return j.synced - 1, err
	}
	j.mu.Unlock()
	err = segment.Sync()
	j.mu.Lock()
	if j.synced > number {
		return j.synced - 1, nil // the segment was turned meanwhile, and is on disk
	}
	if err != nil {
		return 0, j.fail(err) // what is on disk is not known any more
	}
	j.groups.Syncs++
	j.groups.Records += until - j.synced
	j.synced = until
	return j.synced - 1, nil
}

// Groups is how records were brought to disk so far.
func (j *Journal) Groups() Groups {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.groups
}

// Next is the number of the record that will be appended next; those below it are there.
func (j *Journal) Next() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.next
}

// Records are those that are there when it is called, from a number on, in order. The memory of a record is its reader's. An error is the
// last thing it yields; that the first of them is gone, by Trim, is one.
func (j *Journal) Records(from uint64) iter.Seq2[Record, error] {
	until := j.Next()
	return func(yield func(Record, error) bool) {
		all, err := segments(j.folder)
		if err == nil && from < until && all[0] > from {
			err = &DamageError{File: filepath.Join(j.folder, nameOf(from)), Why: fmt.Sprintf("record %d is missing", from)}
		}
		if err != nil {
			yield(Record{}, err)
			return
		}
		for n, first := range all {
			last := n == len(all)-1
			if !last && all[n+1] <= from {
				continue
			}
			number, more := first, true
			_, err := read(j.folder, first, last, func(r Record) bool {
				r.Number = number
				more = number < until && (number < from || yield(r, nil))
				number++
				return more
			})
			if err != nil {
				yield(Record{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// Trim removes the segments whose records all have numbers below one: nobody will ask for them. If there is too little room all the same,
// the last segment ends, so that it can be removed too, now or when the rest of its records are not needed: without room it would never
// become full.
func (j *Journal) Trim(below uint64) error {
	if err := j.remove(below); err != nil {
		return err
	}
	if turned, err := j.turnForRoom(below); err != nil || !turned {
		return err
	}
	return j.remove(below)
}

// turnForRoom begins the next segment if there is too little room and the last one has records with numbers below one.
func (j *Journal) turnForRoom(below uint64) (turned bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil || j.first >= min(below, j.next) {
		return false, nil
	}
	if err := j.hasRoom(); !errors.Is(err, ErrNoRoom) {
		return false, err
	}
	return true, j.turn()
}

// remove removes the segments whose records all have numbers below one, but for the last segment.
func (j *Journal) remove(below uint64) error {
	all, err := segments(j.folder)
	if err != nil {
		return err
	}
	for n := 0; n < len(all)-1 && all[n+1] <= below; n++ {
		path := filepath.Join(j.folder, nameOf(all[n]))
		info, err := os.Stat(path)
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil {
			return err
		}
		j.mu.Lock()
		j.before -= info.Size()
		j.oldest = all[n+1]
		j.left = 0 // there is more room
		j.mu.Unlock()
	}
	return nil
}

// Length is how long a journal is: its bytes, and the records from First on that are in front of Next.
type Length struct {
	Bytes       int64
	First, Next uint64
}

// Length is how long the journal is.
func (j *Journal) Length() Length {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Length{Bytes: j.before + j.end, First: j.oldest, Next: j.next}
}

// Room is nil if there is room on the disk for something more, and for the last record if that was refused, and else an ErrNoRoom.
func (j *Journal) Room() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.hasRoom()
}

// hasRoom is Room for who holds the lock.
func (j *Journal) hasRoom() error {
	free, err := j.room(j.folder)
	if err != nil {
		return err
	}
	return j.enough(free - j.refused)
}

// enough is an ErrNoRoom if so many free bytes are too few; below zero, what is to be appended is more than there is.
func (j *Journal) enough(free int64) error {
	if free < j.options.FreeBytes {
		return fmt.Errorf("%w: %d bytes are free, and %d must be", ErrNoRoom, max(0, free), j.options.FreeBytes)
	}
	return nil
}

// Close closes the journal; what was appended is on disk then.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		j.segment.Close()
		return nil // it was told when it broke
	}
	j.broken = errors.New("the journal is closed")
	return errors.Join(j.segment.Sync(), j.segment.Close())
}

func create(path string) (file, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }

// syncFolder has the names of a folder's files on disk.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// freeBytes is the room that is left on the disk of a folder for this user.
func freeBytes(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: folder, Err: err}
	}
	return int64(s.Bavail) * s.Bsize, nil
}
