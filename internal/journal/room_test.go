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
