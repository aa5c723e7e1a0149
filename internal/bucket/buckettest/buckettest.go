// Package buckettest checks that a bucket keeps the promises of store.Bucket, whatever it lies in.
package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/store"
)

// Large is more than what is sent to a service in one piece.
const Large = 12 << 20

// Open opens a bucket until the test ends.
func Open(t *testing.T, place string) *bucket.Bucket {
	t.Helper()
	p, err := bucket.Parse(place)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// Text is the content of an object.
func Text(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// Check checks an empty bucket; size is that of its largest object.
func Check(t *testing.T, b store.Bucket, size int) {
	t.Helper()
	ctx := t.Context()
	if list, err := b.List(ctx, "x/"); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
	for _, name := range []string{"x/1", "x/2", "x/y/3", "z/4"} {
		if err := b.Write(ctx, name, Text("the text of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	checkReads(t, b)
	checkWrites(t, b, size)
	checkNames(t, b)
	for range 2 { // it is gone the second time
		if err := b.Delete(ctx, "x/2"); err != nil {
			t.Error(err)
		}
	}
	want := []store.Listed{{Name: "x/1", Bytes: 15}, {Name: "x/y/3", Bytes: 17}}
	if list, err := b.List(ctx, "x/"); err != nil || !slices.Equal(list, want) {
		t.Error(list, err)
	}
	if list, err := b.List(ctx, ""); err != nil || len(list) != 5 {
		t.Error(list, err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err := b.Read(over, "x/1")
	errRange := b.ReadAt(over, "x/1", make([]byte, 1), 0)
	_, errList := b.List(over, "")
	for n, err := range []error{err, errRange, errList, b.Write(over, "x/9", Text("late")), b.Delete(over, "x/1")} {
		if !errors.Is(err, context.Canceled) {
			t.Error(n, err)
		}
	}
	if data, err := b.Read(ctx, "x/1"); err != nil || string(data) != "the text of x/1" {
		t.Errorf("%q, %v", data, err)
	}
}

func checkReads(t *testing.T, b store.Bucket) {
	t.Helper()
	ctx := t.Context()
	if data, err := b.Read(ctx, "x/1"); err != nil || string(data) != "the text of x/1" {
		t.Errorf("%q, %v", data, err)
	}
	for _, r := range []struct {
		offset int64
		want   string
	}{{4, "text"}, {0, "the text of x/y/3"}, {16, "3"}, {3, ""}} {
		data := make([]byte, len(r.want))
		if err := b.ReadAt(ctx, "x/y/3", data, r.offset); err != nil || string(data) != r.want {
			t.Errorf("%v: %q, %v", r, data, err)
		}
	}
	for _, r := range [][2]int64{{0, 16}, {16, 1}, {15, 1}, {-1, 2}, {1 << 40, 1}, {1<<63 - 1, 1}} {
		if err := b.ReadAt(ctx, "x/2", make([]byte, r[1]), r[0]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(r, err)
		}
	}
	_, err := b.Read(ctx, "x/5")
	errRange := b.ReadAt(ctx, "x/5", make([]byte, 1), 0)
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(errRange, fs.ErrNotExist) {
		t.Error(err, errRange)
	}
}

// checkWrites writes what is large, what is there, what fails half way, and one name from many sides.
func checkWrites(t *testing.T, b store.Bucket, size int) {
	t.Helper()
	ctx := t.Context()
	large := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	inPieces := func(w io.Writer) error {
		for piece := range slices.Chunk(large, 100_000) {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	}
	if err := b.Write(ctx, "large/1", inPieces); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]func(io.Writer) error{"x/1": Text("another"), "large/1": inPieces} {
		if err := b.Write(ctx, name, content); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s is overwritten: %v", name, err)
		}
	}
	if data, err := b.Read(ctx, "large/1"); err != nil || !bytes.Equal(data, large) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	failed := errors.New("not now")
	for _, half := range []func(io.Writer) error{Text("half of"), inPieces} {
		if err := b.Write(ctx, "x/5", func(w io.Writer) error { return errors.Join(half(w), failed) }); !errors.Is(err, failed) {
			t.Error(err)
		}
		if _, err := b.Read(ctx, "x/5"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	var group sync.WaitGroup
	errs := make([]error, 8)
	for n := range errs {
		group.Go(func() { errs[n] = b.Write(ctx, "race/1", Text(fmt.Sprint("writer ", n))) })
	}
	group.Wait()
	data, err := b.Read(ctx, "race/1")
	for n, wrote := range errs {
		won := string(data) == fmt.Sprint("writer ", n)
		if won != (wrote == nil) {
			t.Errorf("%q, %v: writer %d: %v", data, err, n, wrote)
		}
	}
}

func checkNames(t *testing.T, b store.Bucket) {
	t.Helper()
	for _, name := range []string{"", ".", "..", "../x", "/x", "x/../../y", "x//y", "x/"} {
		_, err := b.Read(t.Context(), name)
		errRange := b.ReadAt(t.Context(), name, nil, 0)
		for _, err := range []error{err, errRange, b.Write(t.Context(), name, Text("")), b.Delete(t.Context(), name)} {
			if err == nil || !strings.Contains(err.Error(), "cannot be the name of an object") {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}
