package peer

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// limited takes so many bytes and no more.
type limited struct {
	bytes.Buffer
	left int
}

var errFull = errors.New("full")

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	l.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func TestFramerCountsWholeMessages(t *testing.T) {
	for _, c := range []struct {
		kind framing.Kind
		left int
		want int64
	}{
		{framing.Lines, 0, 0},
		{framing.Lines, 2, 0},
		{framing.Lines, 3, 1},
		{framing.Lines, 8, 2},
		{framing.Lines, 9, 3},
		{framing.Prefixed, 5, 0},
		{framing.Prefixed, 6, 1},
		{framing.Prefixed, 17, 2},
		{framing.Prefixed, 18, 3},
		{framing.Raw, 5, 0},
		{framing.Raw, 6, 0},
	} {
		out := &limited{left: c.left}
		m := newMeter("sent", c.kind, io.Discard, false)
		f := newFramer(out, c.kind, m)
		for range 3 {
			if err := f.message([]byte("ab")); err != nil {
				t.Fatal(err)
			}
		}
		err := f.flush()
		all := c.want == 3 || c.left == 6 && c.kind == framing.Raw
		if m.messages != c.want || m.bytes != int64(c.left) || errors.Is(err, errFull) == all {
			t.Errorf("%s, %d bytes taken: %d messages, %d bytes, %v; want %d", c.kind, c.left, m.messages, m.bytes, err, c.want)
		}
		if err := f.flush(); err != nil {
			t.Errorf("what could not be written was kept: %v", err)
		}
	}
}

func TestFramerRefusesANewlineInALine(t *testing.T) {
	for _, kind := range []framing.Kind{framing.Lines, framing.Prefixed, framing.Raw} {
		m := newMeter("sent", kind, io.Discard, false)
		f := newFramer(io.Discard, kind, m)
		err := f.message([]byte("two\nlines"))
		if kind == framing.Lines {
			wantError(t, err, "a message with a newline in it cannot be sent in framing lines: want framing u32be")
		} else if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestFramerGathers(t *testing.T) {
	var writes []int
	out := writerFunc(func(b []byte) (int, error) { writes = append(writes, len(b)); return len(b), nil })
	f := newFramer(out, framing.Lines, newMeter("sent", framing.Lines, io.Discard, false))
	for range 66000 {
		if err := f.message([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.message(make([]byte, 3*writeSize)); err != nil {
		t.Fatal(err)
	}
	if err := f.flush(); err != nil {
		t.Fatal(err)
	}
	want := []int{writeSize, writeSize, 132000 - 2*writeSize, 3 * writeSize, 1}
	if len(writes) != len(want) {
		t.Fatalf("writes of %d bytes; want %d", writes, want)
	}
	for i := range want {
		if writes[i] != want[i] {
			t.Errorf("write %d has %d bytes; want %d", i, writes[i], want[i])
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestFramerLongMessageThatFails(t *testing.T) {
	m := newMeter("sent", framing.Prefixed, io.Discard, false)
	f := newFramer(&limited{left: 10 + 4 + writeSize}, framing.Prefixed, m)
	if err := f.message([]byte(strings.Repeat("a", 6))); err != nil {
		t.Fatal(err)
	}
	if err := f.message(make([]byte, 2*writeSize)); !errors.Is(err, errFull) {
		t.Errorf("a message that did not fit: %v", err)
	}
	if m.messages != 1 {
		t.Errorf("%d messages are counted; want 1", m.messages)
	}
}

func TestFramerCountsLongMessages(t *testing.T) {
	long := make([]byte, 2*writeSize)
	for kind, want := range map[framing.Kind]int64{framing.Prefixed: 3, framing.Lines: 2, framing.Raw: 0} {
		m := newMeter("sent", kind, io.Discard, false)
		out := &limited{left: 3*(4+len(long)) + 2}
		if kind != framing.Prefixed {
			out.left = 3*len(long) + 2 // in lines, the last newline is missing
		}
		f := newFramer(out, kind, m)
		for range 3 {
			if err := f.message(long); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.message([]byte("xyz")); err != nil { // no room for that any more
			t.Fatal(err)
		}
		if err := f.flush(); !errors.Is(err, errFull) || m.messages != want {
			t.Errorf("%s: %d messages, %v; want %d", kind, m.messages, err, want)
		}
	}
}
