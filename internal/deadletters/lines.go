package deadletters

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// lines calls each for the whole lines of what a reader gives, without their newlines, until that returns false. What stands behind the
// last newline is not a whole line; it returns how many bytes that is, or 0 if it was told to stop.
func lines(r io.Reader, each func(line []byte) bool) (rest int, err error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := buffered.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return len(line), nil
		case err != nil:
			return 0, err
		case !each(line[:len(line)-1]):
			return 0, nil
		}
	}
}

// parse reads the line of a record; false if it is none.
func parse(line []byte) (Record, bool) {
	var r Record
	err := json.Unmarshal(line, &r)
	return r, err == nil && number(r.ID) > 0
}

// readMarks reads when records were replayed, by their numbers, as far as that counts. A file that is not there has none.
func readMarks(path string, counts func(Place) bool) (map[uint64]time.Time, error) {
	marks := map[uint64]time.Time{}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return marks, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	_, err = lines(file, func(line []byte) bool {
		var m mark
		if json.Unmarshal(line, &m) == nil && number(m.ID) > 0 && counts(m.Place) {
			marks[number(m.ID)] = m.Time
		}
		return true
	})
	return marks, err
}

// readBacks reads the returns to checkpoints. A file that is not there has none.
func readBacks(path string) (list []back, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	_, err = lines(file, func(line []byte) bool {
		var b back
		if json.Unmarshal(line, &b) == nil && b.Run > 0 {
			list = append(list, b)
		}
		return true
	})
	return list, err
}

// appended is a file that whole lines are appended to.
type appended struct {
	file file
	size int64
}

// file is what of an os.File is needed, so that tests can have a disk that is full.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

// openAppended opens a file, or makes it, for its owner alone, and cuts off what is behind its last whole line. Each is called for its
// lines.
func openAppended(path string, each func(line []byte)) (a *appended, cut int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	a = &appended{file: f}
	cut, err = lines(f, func(line []byte) bool {
		a.size += int64(len(line)) + 1
		each(line)
		return true
	})
	if err == nil && cut > 0 {
		err = f.Truncate(a.size)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return a, cut, nil
}

// write appends a line: all of it or, with an error, nothing. If even that cannot be had, broken says so: the file ends in a part of a
// line, and nothing may be appended.
func (a *appended) write(line []byte) (broken bool, err error) {
	n, err := a.file.Write(line)
	if err == nil {
		a.size += int64(n)
		return false, nil
	}
	if n == 0 {
		return false, err
	}
	undo := a.file.Truncate(a.size)
	return undo != nil, errors.Join(err, undo)
}

// close gives the file up. What was written is on the disk then.
func (a *appended) close() error { return errors.Join(a.file.Sync(), a.file.Close()) }

// sync writes the file to the disk.
func (a *appended) sync() error { return a.file.Sync() }
