package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

const (
	maxUnits  = 1 << 10  // sinks that write to one output
	rewriteAt = 64 << 20 // bytes of a record that is written anew, if little of it is kept
)

// Store is an output that holds what is committed, each message once, whatever crashes; and, in a file beside it, its record: what
// is kept apart until it is committed, and how long the output is.
//
// On disk is, before anything is answered: by fsync of the record, the messages, runs and commits; and before a commit is recorded, by
// fsync of the output, what it committed. So an output that is longer than recorded was being written at a crash, and is cut when it is
// opened.
type Store struct {
	path     string
	format   Format
	file     *os.File // the output, locked
	messages int64    // in it
	length   int64    // of it
	output   *output  // writes to file

	mu      sync.Mutex
	record  *record
	units   []*unit
	failure error       // of the disk: nothing is taken any more
	stop    func(error) // called with the failure, or errEnough
	wanted  int64       // messages after which it is enough
}

// unit is the output of one sink.
type unit struct {
	number        int // its place among the store's
	cluster, sink string
	receiver      *resumable.Receiver[*place]
}

// place is where the record has messages.
type place struct {
	at   int64
	size int
}

// OpenStore opens an output and its record, or begins them. No other may have it open. The error says what is wrong with the files.
func OpenStore(path string, format Format) (*Store, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666) //nolint:gosec // as a shell's > does, by the user's umask
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, format: format, file: file, stop: func(error) {}}
	if err := s.open(); err != nil {
		_ = file.Close()
		return nil, err
	}
	return s, nil
}

// open reads the record, cuts the output, and writes the record anew, which leaves out what is committed and what a crash left unfinished.
func (s *Store) open() error {
	if err := unix.Flock(int(s.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("%s is open in another process that receives into it: %w", s.path, err)
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file on a disk, which framing %s needs: what a crash leaves in it must be cut off", s.path, framing.Resumable)
	}
	former, err := os.Open(s.path + recordSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist) && info.Size() > 0:
		return fmt.Errorf("%s is not empty, and there is no %s that says what of it is committed: choose another file, or move it away",
			s.path, s.path+recordSuffix)
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		defer former.Close()
		if err := readRecords(former, s.replay); err != nil {
			return err
		}
	}
	if info.Size() < s.length {
		return fmt.Errorf("%s has %d bytes, of which %d are committed by %s: restore it, or move both away", s.path, info.Size(), s.length,
			s.path+recordSuffix)
	}
	if err := errors.Join(s.file.Truncate(s.length), s.file.Sync()); err != nil {
		return err
	}
	if _, err := s.file.Seek(s.length, io.SeekStart); err != nil {
		return err
	}
	return s.rewrite(&record{file: former})
}

// replay does what a record tells.
func (s *Store) replay(body []byte, at int64) (err error) {
	damaged := func(why string) error {
		return &DamageError{File: s.path + recordSuffix, Offset: at, Why: why}
	}
	switch kind := body[0]; kind {
	case recordState:
		err = s.replayState(body[1:])
	case recordHeard:
		var h heard
		if err = json.Unmarshal(body[1:], &h); err != nil || h.Unit < 0 || h.Unit > len(s.units) {
			return damaged("it tells of what nobody said")
		}
		s.begin(h.Unit, h.Cluster, h.Sink)
		_, _, err = s.units[h.Unit].receiver.Hear(h.Said)
		s.length, s.messages = h.Length, h.Messages
	case recordTaken, recordKept:
		number, lane, m, err := messagesOf(body)
		if err != nil || number >= len(s.units) {
			return damaged("its messages cannot be read")
		}
		if kind == recordTaken {
			if had, err := s.units[number].receiver.Take(lane, m); err != nil || had > 0 {
				return damaged("its messages do not follow those before")
			}
		}
		s.units[number].receiver.Keep(m.Epoch, &place{at: at, size: len(body)})
	default:
		return damaged("it holds something of another version")
	}
	return err
}

// replayState begins with a state.
func (s *Store) replayState(text []byte) error {
	var now state
	if err := json.Unmarshal(text, &now); err != nil {
		return err
	}
	if now.Version != recordVersion {
		return fmt.Errorf("%s is of version %d, and this program knows version %d", s.path+recordSuffix, now.Version, recordVersion)
	}
	if now.Format != s.format {
		return fmt.Errorf("%s was begun in format %s: go on in that, or choose another file", s.path, now.Format)
	}
	s.length, s.messages = now.Length, now.Messages
	for _, u := range now.Units {
		s.units = append(s.units, &unit{len(s.units), u.Cluster, u.Sink, resumable.Restore[*place](u.Said, u.Lanes, nil)})
	}
	return nil
}

// begin makes a unit, if it is a new one.
func (s *Store) begin(number int, cluster, sink string) {
	if number == len(s.units) {
		s.units = append(s.units, &unit{number, cluster, sink, resumable.NewReceiver[*place]()})
	}
}

// rewrite writes the record anew, from the former one, and puts it in its place.
func (s *Store) rewrite(former *record) error {
	path := s.path + recordSuffix
	file, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	next := &record{file: file}
	if err := errors.Join(s.copyKept(former, next), next.sync(), os.Rename(path+".part", path), syncFolder(path)); err != nil {
		return errors.Join(err, file.Close())
	}
	s.record = next
	return nil
}

// copyKept writes the state, and what is kept.
func (s *Store) copyKept(former, next *record) error {
	now := state{Version: recordVersion, Format: s.format, Length: s.length, Messages: s.messages}
	for _, u := range s.units {
		now.Units = append(now.Units, unitState{u.cluster, u.sink, u.receiver.Said(), u.receiver.Lanes()})
	}
	if err := next.addJSON(recordState, now); err != nil {
		return err
	}
	for _, u := range s.units {
		for _, kept := range u.receiver.Kept() {
			body, err := former.body(kept.Messages.at, kept.Messages.size)
			if err != nil {
				return err
			}
			if kept.Messages.at, err = next.add(recordKept, body[1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// start has the store write for a receiver, until stop was called or Close.
func (s *Store) start(wanted int64, meter *meter, stop func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted, s.stop = wanted, stop
	s.output = newOutput(s.file, s.format, math.MaxInt64, meter, stop)
	s.enough()
}

// Close gives up the files. What is not committed stays in the record.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.record.sync(), s.record.file.Close(), s.file.Close())
}

// enough ends the receiver when as many messages are committed as it wants.
func (s *Store) enough() {
	if s.wanted > 0 && s.messages >= s.wanted {
		s.stop(errEnough)
	}
}

// fails keeps a failure of the disk. Nothing can be answered any more: what the machines know is not on disk.
func (s *Store) fails(err error) error {
	if err != nil && s.failure == nil {
		s.failure = fmt.Errorf("write the output and its record: %w", err)
		s.stop(s.failure)
	}
	return s.failure
}

// failed is the failure of the disk, or nil.
func (s *Store) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// hello takes that of a sink. It is the unit by which the connection goes on.
func (s *Store) hello(h *resumable.SinkHello) (*unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := 0
	for number < len(s.units) && (s.units[number].cluster != h.Cluster || s.units[number].sink != h.Sink) {
		number++
	}
	if number == maxUnits {
		return nil, fmt.Errorf("more than %d sinks write to one output", maxUnits)
	}
	if number == len(s.units) && h.Said.Run == 0 {
		return nil, errors.New("the hello is of run 0, which is none")
	}
	isNew := number == len(s.units)
	s.begin(number, h.Cluster, h.Sink)
	return s.units[number], s.heard(s.units[number], h.Said, isNew)
}

// hear takes what a commit says.
func (s *Store) hear(u *unit, said resumable.Said) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard(u, said, false)
}

// heard writes what is committed to the output, and what was said to the record, if there is news.
func (s *Store) heard(u *unit, said resumable.Said, news bool) error {
	if s.failure != nil {
		return s.failure
	}
	committed, more, err := u.receiver.Hear(said)
	if err != nil || !more && !news {
		return err
	}
	if err := s.write(committed); err != nil {
		return s.fails(err)
	}
	err = s.record.addJSON(recordHeard, heard{u.number, u.cluster, u.sink, u.receiver.Said(), s.length, s.messages})
	if err == nil {
		err = s.record.sync()
	}
	if err == nil && s.record.size > rewriteAt && s.record.size > 4*s.kept() {
		former := s.record
		err = errors.Join(s.rewrite(former), former.file.Close())
	}
	s.enough()
	return s.fails(err)
}

// kept is how many bytes of the record are not committed.
func (s *Store) kept() (size int64) {
	for _, u := range s.units {
		for _, k := range u.receiver.Kept() {
			size += int64(k.Messages.size)
		}
	}
	return size
}

// write appends what is committed to the output, and puts it on disk.
func (s *Store) write(committed []*place) error {
	if len(committed) == 0 {
		return nil
	}
	for _, p := range committed {
		body, err := s.record.body(p.at, p.size)
		if err != nil {
			return err
		}
		_, _, m, err := messagesOf(body)
		if err != nil {
			return err
		}
		s.messages += int64(m.Batch.Count())
		err = s.output.messages(func() (payload []byte, size int) {
			if m.Batch.Count() == 0 {
				return nil, 0
			}
			one := m.Batch.Take(1)
			return one.Payload, len(one.Payload) + 4 // the size before it
		})
		if err != nil {
			return err
		}
	}
	if err := errors.Join(s.output.finish(), s.file.Sync()); err != nil {
		return err
	}
	length, err := s.file.Seek(0, io.SeekCurrent)
	s.length = length
	return err
}

// take keeps messages apart, those that are new. They are on disk after sync.
func (s *Store) take(u *unit, lane string, m *resumable.Messages) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	had, err := u.receiver.Take(lane, m)
	if err != nil || had == m.Batch.Count() {
		return err
	}
	m.Batch.Take(had)
	m.Number += uint64(had)
	body := messagesBody(u.number, lane, m)
	at, err := s.record.add(recordTaken, body)
	u.receiver.Keep(m.Epoch, &place{at: at, size: 1 + len(body)})
	return s.fails(err)
}

// mark takes a marker.
func (s *Store) mark(u *unit, lane string, m *resumable.Marker) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return u.receiver.Mark(lane, m)
}

// sync puts what was taken on disk, and says what there is of a lane.
func (s *Store) sync(u *unit, lane string) (said resumable.Said, number uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		_ = s.fails(s.record.sync())
	}
	return u.receiver.Said(), u.receiver.Number(lane), s.failure
}
