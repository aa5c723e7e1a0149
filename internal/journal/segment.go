package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment is a file of records; its name is the number of its first one. It begins with a head: magic, u16 version, u64 number of its
// first record, u32 CRC-32C of these.
const (
	magic       = "WALLAROO JOURNAL"
	version     = 1
	segmentHead = len(magic) + 2 + 8 + 4
	suffix      = ".journal"
)

// DamageError is a journal that cannot be read at a place where no crash leaves it so.
type DamageError struct {
	File   string
	Offset int64
	Why    string
}

func (d *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s. What stands behind it cannot be trusted: restore the file, or begin anew with --fresh, "+
		"which sets all of it aside", d.File, d.Offset, d.Why)
}

// head is that of the segment whose first record has a number.
func head(first uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte(magic), version)
	b = binary.LittleEndian.AppendUint64(b, first)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// nameOf is the name of the segment whose first record has a number; names are in the order of numbers.
func nameOf(first uint64) string { return fmt.Sprintf("%020d", first) + suffix }

// firstOf is the number of the first record of the segment of a name, if that is one.
func firstOf(name string) (first uint64, is bool) {
	first, err := strconv.ParseUint(strings.TrimSuffix(name, suffix), 10, 64)
	return first, err == nil && name == nameOf(first)
}

// segments are the first records of those in a folder, in order.
func segments(folder string) ([]uint64, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var found []uint64
	for _, entry := range entries {
		if entry.Name() == currentFile || entry.Name() == currentFile+partSuffix {
			continue
		}
		first, is := firstOf(entry.Name())
		if !is {
			return nil, fmt.Errorf("%s is no file of a journal: move it away", filepath.Join(folder, entry.Name()))
		}
		found = append(found, first)
	}
	slices.Sort(found)
	return found, nil
}

// currentFile holds the name of the last segment, so that it is noticed if that is missing.
const (
	currentFile = "current"
	partSuffix  = ".part"
)

// writeCurrent names the last segment, whole or not at all.
func writeCurrent(folder string, first uint64) error {
	path := filepath.Join(folder, currentFile)
	f, err := os.OpenFile(path+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(nameOf(first) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(path+partSuffix, path), syncFolder(folder))
}

// checkCurrent reports a segment that is missing behind the last one that is there.
func checkCurrent(folder string, all []uint64) error {
	damaged := func(why string) error { return &DamageError{File: filepath.Join(folder, currentFile), Why: why} }
	data, err := os.ReadFile(filepath.Join(folder, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		if len(all) <= 1 {
			return nil // a crash came before it was written
		}
		return damaged("it is missing")
	}
	if err != nil {
		return err
	}
	name, whole := strings.CutSuffix(string(data), "\n")
	first, is := firstOf(name)
	switch {
	case !whole || !is:
		return damaged("it does not name a segment")
	case len(all) == 0 || first > all[len(all)-1]:
		return damaged(fmt.Sprintf("it says that there is %s, which is missing", filepath.Join(folder, name)))
	}
	return nil
}

// ending is where the whole records of a segment end, the number that would follow, and how many bytes stand behind that are no record.
type ending struct {
	at   int64
	next uint64
	torn int64
}

// read reads a segment and yields its records, as long as yield asks for more. In the last one a record that is cut off, or whose bytes
// were not all written, is where it ends, since a crash leaves one so; anywhere else that is a *DamageError. It returns where
// the last whole record ends, and the number of the one that would follow it.
func read(folder string, first uint64, last bool, yield func(Record) bool) (end ending, err error) {
	path := filepath.Join(folder, nameOf(first))
	data, err := os.ReadFile(path)
	if err != nil {
		return ending{}, err
	}
	damaged := func(offset int, why string) error { return &DamageError{File: path, Offset: int64(offset), Why: why} }
	want := head(first)
	if last && isUnfinished(string(data), string(want)) {
		return ending{next: first, torn: int64(len(data))}, nil
	}
	if len(data) < len(want) || string(data[:len(want)]) != string(want) {
		return ending{}, damaged(0, "it does not begin as the segment of its name")
	}
	at, next := len(want), first
	for at < len(data) {
		r, size, err := parseRecord(data[at:])
		switch {
		case err != nil && last && tears(data[at:]):
			return ending{at: int64(at), next: next, torn: int64(len(data) - at)}, nil
		case err != nil:
			return ending{}, damaged(at, err.Error())
		}
		at += size
		next++
		if !yield(r) {
			break
		}
	}
	return ending{at: int64(at), next: next}, nil
}

// isUnfinished reports whether a segment is what a crash leaves that comes before its head is whole.
func isUnfinished(data, head string) bool {
	return len(data) < len(head) && strings.HasPrefix(head, data) || len(data) <= len(head) && allZero([]byte(data))
}

// tears reports whether what follows the last whole record may be what a crash leaves of one: a record that is cut off, or one whose bytes
// were not all written, as a power cut leaves it. Records are written one behind another, so that no whole one can stand behind it.
func tears(rest []byte) bool {
	for at := 1; at+recordHead < len(rest); at++ {
		if _, _, err := parseRecord(rest[at:]); err == nil {
			return false
		}
	}
	return true
}

func allZero(b []byte) bool { return !slices.ContainsFunc(b, func(x byte) bool { return x != 0 }) }
