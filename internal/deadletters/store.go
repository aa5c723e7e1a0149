package deadletters

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	recordsSuffix = ".jsonl"
	marksSuffix   = ".replayed"
	backsFile     = "rolled-back"
	// files is how many there are about, when as much is kept as may be.
	files = 8
)

// Least is how many bytes a store must be allowed: a record without its message fits into a file then, however its texts are escaped.
const Least = 1 << 20

// Store is a folder of dead letters. Records are in files that are named by the number of their first one, and rotated: the oldest file
// goes when all of them are more than they may be. A file beside each says which of its records were replayed. It is for any number of
// goroutines; the folder must be no other process's.
type Store struct {
	dir  string
	most int64

	mu     sync.Mutex
	firsts []uint64  // guarded by mu, as are those below: the files, by their first records, the oldest first
	sizes  []int64   // of whole lines
	last   *appended // the last file; nil if the next record begins a new one
	next   uint64
	counts Counts
	backs  []back
}

// Counts are what a store has done since it was opened.
type Counts struct {
	Written  uint64
	Dropped  uint64 // records that were not replayed, gone with their file
	Failed   uint64 // records that could not be written
	Replayed uint64
}

// Open opens a folder, which is made if it is missing, for its owner alone. Records have at most so many bytes together. If a crash has
// left a part of a record, that is cut off; cut is its length. The store must be closed.
func Open(dir string, most int) (s *Store, cut int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	s = &Store{dir: dir, most: int64(most), next: 1}
	if s.backs, err = readBacks(s.backsPath()); err != nil {
		return nil, 0, err
	}
	for _, entry := range entries {
		name, is := strings.CutSuffix(entry.Name(), recordsSuffix)
		if first := number(name); is && 0 < first && first < largestID {
			s.firsts = append(s.firsts, first)
		}
	}
	slices.Sort(s.firsts)
	for _, first := range s.firsts {
		info, err := os.Stat(s.path(first, recordsSuffix))
		if err != nil {
			return nil, 0, err
		}
		s.sizes = append(s.sizes, info.Size())
	}
	if len(s.firsts) > 0 {
		cut, err = s.openLast()
	}
	return s, cut, err
}

// openLast opens the last file for more, and finds out the next number.
func (s *Store) openLast() (cut int, err error) {
	at := len(s.firsts) - 1
	s.next = s.firsts[at]
	s.last, cut, err = openAppended(s.path(s.firsts[at], recordsSuffix), func(line []byte) {
		if r, ok := parse(line); ok && number(r.ID) < largestID {
			s.next = max(s.next, number(r.ID)+1)
		}
	})
	if err == nil {
		s.sizes[at] = s.last.size
	}
	return cut, err
}

func (s *Store) path(first uint64, suffix string) string {
	return filepath.Join(s.dir, strconv.FormatUint(first, 10)+suffix)
}

// Close writes the last records to the disk, and gives the files up.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.last != nil {
		err = s.last.sync()
	}
	return errors.Join(err, s.closeLast())
}

func (s *Store) closeLast() error {
	last := s.last
	s.last = nil
	if last == nil {
		return nil
	}
	return last.close()
}

// Counts are what was done.
func (s *Store) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Added is what became of a record.
type Added struct {
	ID string // "" if it could not be written
	// Dropped is how many records, which were not replayed, went to make room.
	Dropped int
	// Missing is why the record is without its message; "" if it has it.
	Missing string
}

// Add keeps a record, and gives it its number. It is with the operating system when Add returns. An error says that the record could not be
// written, or, if it has its number, that older ones could not be removed.
func (s *Store) Add(r Record) (added Added, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ID = strconv.FormatUint(s.next, 10)
	data, err := r.line(int(s.most / files))
	if err == nil {
		err = s.append(data)
	}
	if err != nil {
		s.counts.Failed++
		return Added{}, err
	}
	s.next++
	s.counts.Written++
	added = Added{ID: r.ID, Missing: r.MessageMissing}
	added.Dropped, err = s.drop()
	s.counts.Dropped += uint64(added.Dropped)
	return added, err
}

// append appends a record's line to the last file, or to a new one if that is full.
func (s *Store) append(data []byte) error {
	if s.last != nil && s.last.size > 0 && s.last.size+int64(len(data)) > s.most/files {
		if err := s.closeLast(); err != nil {
			return err
		}
	}
	if s.last == nil {
		last, _, err := openAppended(s.path(s.next, recordsSuffix), func([]byte) {})
		if err != nil {
			return err
		}
		s.last = last
		s.firsts, s.sizes = append(s.firsts, s.next), append(s.sizes, last.size)
	}
	broken, err := s.last.write(data)
	s.sizes[len(s.sizes)-1] = s.last.size
	if broken {
		err = errors.Join(err, s.closeLast())
		s.next++ // the name of the file is taken
	}
	return err
}

// drop removes the oldest files while all are more than they may be; it returns how many records those had that were not replayed.
func (s *Store) drop() (dropped int, err error) {
	for len(s.firsts) > 1 && s.total() > s.most {
		first := s.firsts[0]
		lost, err := s.waiting(first)
		if err == nil {
			err = os.Remove(s.path(first, recordsSuffix))
		}
		if err != nil {
			return dropped, err
		}
		dropped += lost
		s.firsts, s.sizes = s.firsts[1:], s.sizes[1:]
		if err := os.Remove(s.path(first, marksSuffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return dropped, err
		}
	}
	return dropped, nil
}

func (s *Store) total() (bytes int64) {
	for _, size := range s.sizes {
		bytes += size
	}
	return bytes
}

// waiting is how many records of a file were not replayed.
func (s *Store) waiting(first uint64) (n int, err error) {
	marks, err := readMarks(s.path(first, marksSuffix), s.stands)
	if err != nil {
		return 0, err
	}
	file, err := os.Open(s.path(first, recordsSuffix))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	_, err = lines(file, func(line []byte) bool {
		if r, ok := parse(line); ok && marks[number(r.ID)].IsZero() && s.stands(r.Place) {
			n++
		}
		return true
	})
	return n, err
}

// Sync returns when all records are on the disk.
func (s *Store) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		return nil // each file was on the disk when it was closed
	}
	return s.last.sync()
}

// RollBack says that in a run, which begins, what happened behind an epoch in older runs counts no more: those records are gone, and those
// that were replayed were not. It is on the disk when RollBack returns.
func (s *Store) RollBack(run, epoch uint64) error {
	data, err := line(back{Run: run, Epoch: epoch})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	file, _, err := openAppended(s.backsPath(), func([]byte) {})
	if err != nil {
		return err
	}
	_, err = file.write(data)
	if err = errors.Join(err, file.close()); err == nil {
		s.backs = append(s.backs, back{Run: run, Epoch: epoch})
	}
	return err
}

func (s *Store) backsPath() string { return filepath.Join(s.dir, backsFile) }

// countsAt reports whether what happened in a place counts.
func (s *Store) countsAt(p Place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stands(p)
}

// stands is countsAt for those who hold the lock.
func (s *Store) stands(p Place) bool {
	return !slices.ContainsFunc(s.backs, func(b back) bool { return b.voids(p) })
}

// Replayed says that a record, which is there, was replayed, and in which place.
func (s *Store) Replayed(id string, at time.Time, in Place) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := number(id)
	file, found := slices.BinarySearch(s.firsts, n)
	if !found {
		file--
	}
	if file < 0 {
		return fmt.Errorf("dead letter %s is gone", id)
	}
	data, err := line(mark{id, at, in})
	if err != nil {
		return err
	}
	marks, _, err := openAppended(s.path(s.firsts[file], marksSuffix), func([]byte) {})
	if err != nil {
		return err
	}
	if _, err = marks.write(data); err == nil {
		s.counts.Replayed++
	}
	return errors.Join(err, marks.close())
}
