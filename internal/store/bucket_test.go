package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// memory is a bucket in memory, whose operations can be made to fail.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	done    int // operations so far
	failAt  int // the operation that fails; 0 for none
	forGood bool
	late    bool // it is done, and fails then
}

var errDisk = errors.New("the disk fails")

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

// fails counts an operation, and says what becomes of it; who calls it holds mu.
func (m *memory) fails() (before, after error) {
	m.done++
	if m.failAt == 0 || m.done < m.failAt || m.done > m.failAt && !m.forGood {
		return nil, nil
	}
	if m.late && m.done == m.failAt {
		return nil, errDisk
	}
	return errDisk, nil
}

func (m *memory) Write(_ context.Context, name string, content func(io.Writer) error) error {
	var b bytes.Buffer
	if err := content(&b); err != nil { // it may read from this bucket
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before, after := m.fails()
	if before != nil {
		if m.late || m.forGood {
			m.objects[name+PartSuffix] = b.Bytes()[:b.Len()/2]
		}
		return before
	}
	if m.objects[name] != nil {
		return fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	m.objects[name] = b.Bytes()
	return after
}

func (m *memory) Read(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before, after := m.fails(); cmp.Or(before, after) != nil {
		return nil, errDisk
	}
	data, ok := m.objects[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return bytes.Clone(data), nil
}

func (m *memory) ReadAt(ctx context.Context, name string, dst []byte, offset int64) error {
	data, err := m.Read(ctx, name)
	if err == nil && (offset < 0 || int64(len(dst)) > int64(len(data))-offset) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		copy(dst, data[offset:])
	}
	return err
}

func (m *memory) List(_ context.Context, prefix string) (list []Listed, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before, after := m.fails(); cmp.Or(before, after) != nil {
		return nil, errDisk
	}
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(name, prefix) {
			list = append(list, Listed{name, int64(len(m.objects[name]))})
		}
	}
	return list, nil
}

func (m *memory) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, after := m.fails()
	if before == nil {
		delete(m.objects, name)
	}
	return cmp.Or(before, after)
}

// clone is the same bucket on a disk that does not fail.
func (m *memory) clone() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{objects: maps.Clone(m.objects)}
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestBucketsKeepTheirPromises(t *testing.T) {
	for name, b := range map[string]Bucket{"folder": Folder(filepath.Join(t.TempDir(), "a", "b")), "memory": newMemory()} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if list, err := b.List(ctx, "x/"); err != nil || len(list) != 0 {
				t.Error(list, err)
			}
			for _, name := range []string{"x/1", "x/2", "x/y/3", "z/4"} {
				if err := b.Write(ctx, name, text("the text of "+name)); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Write(ctx, "x/1", text("another")); !errors.Is(err, fs.ErrExist) {
				t.Error("overwritten:", err)
			}
			failed := errors.New("not now")
			if err := b.Write(ctx, "x/5", func(w io.Writer) error { return errors.Join(text("half of")(w), failed) }); !errors.Is(err, failed) {
				t.Error(err)
			}
			if data, err := b.Read(ctx, "x/1"); err != nil || string(data) != "the text of x/1" {
				t.Errorf("%q, %v", data, err)
			}
			part := make([]byte, 4)
			if err := b.ReadAt(ctx, "x/y/3", part, 4); err != nil || string(part) != "text" {
				t.Errorf("%q, %v", part, err)
			}
			for _, r := range [][2]int64{{0, 16}, {16, 1}, {-1, 2}, {1 << 40, 1}, {1<<63 - 1, 1}} {
				if err := b.ReadAt(ctx, "x/2", make([]byte, r[1]), r[0]); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Error(r, err)
				}
			}
			_, err := b.Read(ctx, "x/5")
			errRange := b.ReadAt(ctx, "x/5", part, 0)
			if !errors.Is(err, fs.ErrNotExist) || !errors.Is(errRange, fs.ErrNotExist) {
				t.Error(err, errRange)
			}
			for range 2 { // it is gone the second time
				if err := b.Delete(ctx, "x/2"); err != nil {
					t.Error(err)
				}
			}
			want := []Listed{{"x/1", 15}, {"x/y/3", 17}}
			if list, err := b.List(ctx, "x/"); err != nil || !slices.Equal(list, want) {
				t.Error(list, err)
			}
			if list, err := b.List(ctx, ""); err != nil || len(list) != 3 {
				t.Error(list, err)
			}
		})
	}
}

func TestAFolderRefusesNamesOutsideOfIt(t *testing.T) {
	inside := filepath.Join(t.TempDir(), "inside")
	for _, name := range []string{"", ".", "..", "../x", "/x", "x/../../y", "x//y", "x/"} {
		b := Folder(inside)
		_, err := b.Read(t.Context(), name)
		errRange := b.ReadAt(t.Context(), name, nil, 0)
		for _, err := range []error{err, errRange, b.Write(t.Context(), name, text("")), b.Delete(t.Context(), name)} {
			if err == nil || !strings.Contains(err.Error(), "cannot be the name of an object") {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	if _, err := os.Stat(inside); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestAFolderShowsWhatACrashHasLeft(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "1"+PartSuffix), []byte("half of a long text"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := Folder(path)
	if list, err := b.List(t.Context(), ""); err != nil || !slices.Equal(list, []Listed{{"1" + PartSuffix, 19}}) {
		t.Error(list, err)
	}
	if err := b.Write(t.Context(), "1", text("whole")); err != nil {
		t.Error(err)
	}
	if list, err := b.List(t.Context(), ""); err != nil || !slices.Equal(list, []Listed{{"1", 5}}) {
		t.Error(list, err)
	}
}

func TestAFolderStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := Folder(t.TempDir())
	_, err := b.Read(ctx, "1")
	errRange := b.ReadAt(ctx, "1", nil, 0)
	_, errList := b.List(ctx, "")
	for n, err := range []error{err, errRange, errList, b.Write(ctx, "1", text("")), b.Delete(ctx, "1")} {
		if !errors.Is(err, context.Canceled) {
			t.Error(n, err)
		}
	}
}
