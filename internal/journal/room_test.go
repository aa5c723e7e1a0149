package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRoomIsLeftOnTheDisk(t *testing.T) {
	free := int64(1200)
	j, err := open(t.TempDir(), Options{SegmentBytes: 1 << 20, FreeBytes: 500}, create, func(string) (int64, error) { return free, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r := some(1, 0, strings.Repeat("x", 100))
	n := 0
	for _, err := j.Append(r); err == nil; _, err = j.Append(r) {
		free -= int64(len(appendRecord(nil, r)))
		n++
	}
	if _, err := j.Append(r); !errors.Is(err, ErrNoRoom) || n < 3 || free < 500 {
		t.Errorf("%d records, %d bytes are left: %v", n, free, err)
	}
	free = 499
	if err := j.Room(); !errors.Is(err, ErrNoRoom) {
		t.Errorf("there is room: %v", err)
	}
	free = 1 << 20
	if _, err := j.Append(r); err != nil || j.Room() != nil {
		t.Error(err, j.Room())
	}
}

// TestRoomIsNeverNegative appends a record to a disk that has less than it takes.
func TestRoomIsNeverNegative(t *testing.T) {
	little := func(string) (int64, error) { return 10, nil }
	j, err := open(t.TempDir(), Options{SegmentBytes: 1 << 20, FreeBytes: 500}, create, little)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	_, err = j.Append(some(1, 0, strings.Repeat("x", 100)))
	if !errors.Is(err, ErrNoRoom) || !strings.HasSuffix(err.Error(), ": 0 bytes are free, and 500 must be") {
		t.Error(err)
	}
}

// TestAFolderThatIsGoneIsNoLackOfRoom looks for room where nothing is.
func TestAFolderThatIsGoneIsNoLackOfRoom(t *testing.T) {
	_, err := freeBytes(filepath.Join(t.TempDir(), "gone"))
	if !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "room") {
		t.Error(err)
	}
}

// TestTheLastSegmentIsTrimmedWhereRoomIsLacking fills the disk with one segment, of which first a part is needed and then nothing. A record
// that does not fit counts, also if something smaller would.
func TestTheLastSegmentIsTrimmedWhereRoomIsLacking(t *testing.T) {
	folder, size := t.TempDir(), int64(len(appendRecord(nil, some(1, 0, strings.Repeat("x", 100)))))
	free := func(string) (int64, error) { // what the folder leaves of a small disk
		list, err := filepath.Glob(filepath.Join(folder, "*.journal"))
		left := 500 + 5*size
		for _, path := range list {
			info, errStat := os.Stat(path)
			if errStat == nil {
				left -= info.Size()
			}
			err = errors.Join(err, errStat)
		}
		return left, err
	}
	j, err := open(folder, Options{SegmentBytes: 1 << 20, FreeBytes: 500}, create, free)
	if err != nil {
		t.Fatal(err)
	}
	r := some(1, 0, strings.Repeat("x", 100))
	trim := func(below, first uint64) {
		t.Helper()
		if err := j.Trim(below); err != nil || j.Length().First != first {
			t.Errorf("trimmed below %d it begins with %d, %v; want %d", below, j.Length().First, err, first)
		}
	}
	for _, err = j.Append(r); err == nil; _, err = j.Append(r) {
		trim(j.Next(), 1) // there is room
	}
	if !errors.Is(err, ErrNoRoom) || !errors.Is(j.Room(), ErrNoRoom) {
		t.Errorf("%v, %v", err, j.Room())
	}
	next := j.Next()
	trim(2, 1)
	trim(3, 1) // the rest of what is in that segment is needed
	trim(next, next)
	if err := j.Room(); err != nil {
		t.Error(err)
	}
	if number, err := j.Append(r); err != nil || number != next {
		t.Errorf("record %d, %v; want %d", number, err, next)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = open(folder, Options{SegmentBytes: 1 << 20}, create, free); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if l := j.Length(); l.First != next || l.Next != next+1 {
		t.Errorf("opened again it is %+v", l)
	}
}
