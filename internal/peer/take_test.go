package peer

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// feed gives a connection without a network the bytes of a stream in pieces of at most the given size, and then its end.
func feed(kind framing.Kind, out *output, stream []byte, size int) (*incoming, error) {
	c := &incoming{output: out, take: newTaker(kind, out), buffer: make([]byte, firstSize)}
	for len(stream) > 0 {
		n := copy(c.buffer[c.end:], stream[:min(size, len(stream))])
		stream = stream[n:]
		if err := c.handOn(n); err != nil {
			return c, err
		}
	}
	return c, c.finish(io.EOF)
}

// collect is an output of lines into memory that wants some messages, and where they are.
func collect(wanted int64) (*output, *bytes.Buffer) { return collectIn(FormatLines, wanted) }

func collectIn(format Format, wanted int64) (*output, *bytes.Buffer) {
	var text bytes.Buffer
	meter := newMeter("received", framing.Lines, io.Discard, false)
	return newOutput(&text, format, wanted, meter, func(error) {}), &text
}

func TestTakeInPieces(t *testing.T) {
	long := strings.Repeat("long", 3*keepSize/4)
	for _, c := range []struct {
		kind     framing.Kind
		stream   string
		want     string
		messages int64
	}{
		{framing.Lines, "one\n\n" + long + "\nlast", "one\n\n" + long + "\nlast\n", 4},
		{framing.Lines, long + "\n", long + "\n", 1},
		{framing.Lines, "", "", 0},
		{framing.Raw, "one\n\nlast", "one\n\nlast", 0},
		{framing.Prefixed, "\x00\x00\x00\x03a\nb\x00\x00\x00\x00\x00\x30\x00\x00" + long + "\x00\x00\x00\x01c", "a\nb\n\n" + long + "\nc\n", 4},
	} {
		for _, size := range []int{1, 1000, firstSize, 3 * keepSize} {
			if size == 1 && len(c.stream) > keepSize {
				continue // takes seconds, and the pieces of 1000 are as good
			}
			out, text := collect(math.MaxInt64)
			in, err := feed(c.kind, out, []byte(c.stream), size)
			if err := errors.Join(err, out.finish()); err != nil {
				t.Errorf("%s in pieces of %d: %v", c.kind, size, err)
			}
			if text.String() != c.want || out.meter.messages != c.messages {
				t.Errorf("%s in pieces of %d: %d bytes, %d messages; want %d, %d",
					c.kind, size, text.Len(), out.meter.messages, len(c.want), c.messages)
			}
			if len(in.buffer) > 2*len(c.stream)+pieceSize {
				t.Errorf("%s in pieces of %d: a buffer of %d bytes for %d", c.kind, size, len(in.buffer), len(c.stream))
			}
		}
	}
}

func TestBufferShrinksAfterALongMessage(t *testing.T) {
	stream := strings.Repeat("x", 3*keepSize) + "\n" + strings.Repeat("short\n", 1000)
	out, _ := collect(math.MaxInt64)
	in, err := feed(framing.Lines, out, []byte(stream), pieceSize)
	if err != nil || len(in.buffer) != keepSize {
		t.Errorf("a buffer of %d bytes is left, %v; want %d", len(in.buffer), err, keepSize)
	}
}

func TestTakeRefuses(t *testing.T) {
	out, text := collect(math.MaxInt64)
	_, err := feed(framing.Prefixed, out, []byte("\x00\x00\x00\x05first\x40\x00\x00\x01rest"), 100)
	wantError(t, err, `refused: a frame of 1073741825 bytes (length bytes "@\x00\x00\x01") is longer than 1073741824 bytes`)
	_, err = feed(framing.Prefixed, out, []byte("\x00\x00\x00\x06second\x00\x00\x00\x09rest"), 100)
	wantError(t, err, "ended inside a frame: the 8 bytes that had come of it are dropped")
	if err := out.finish(); err != nil || text.String() != "first\nsecond\n" {
		t.Errorf("the whole messages: %q, %v", text, err)
	}
}

func TestTakeWhatIsWanted(t *testing.T) {
	for kind, stream := range map[framing.Kind]string{
		framing.Lines:    "a\nb\nc\nd\n",
		framing.Prefixed: "\x00\x00\x00\x01a\x00\x00\x00\x01b\x00\x00\x00\x01c\x00\x00\x00\x01d",
	} {
		for _, size := range []int{1, 3, 100} {
			out, text := collect(3)
			_, err := feed(kind, out, []byte(stream), size)
			if !errors.Is(err, errEnough) || !errors.Is(out.failed(), errEnough) {
				t.Errorf("%s in pieces of %d: %v; want an end", kind, size, err)
			}
			if err := out.finish(); err != nil || text.String() != "a\nb\nc\n" || out.meter.messages != 3 {
				t.Errorf("%s in pieces of %d: %q, %d messages, %v", kind, size, text, out.meter.messages, err)
			}
		}
	}
}

// TestFormats takes messages, with any bytes where the framing lets them, into a file of each format.
func TestFormats(t *testing.T) {
	const frames, lines = "\x00\x00\x00\x04a\nb\xff\x00\x00\x00\x00\x00\x00\x00\x01c", "ab\xff\n\nc"
	for _, c := range []struct {
		kind    framing.Kind
		stream  string
		format  Format
		want    string
		several int64
	}{
		{framing.Prefixed, frames, FormatFrames, frames, 0},
		{framing.Prefixed, frames, FormatHex, "610a62ff\n\n63\n", 0},
		{framing.Prefixed, frames, FormatLines, "a\nb\xff\n\nc\n", 1},
		{framing.Lines, lines, FormatFrames, "\x00\x00\x00\x03ab\xff\x00\x00\x00\x00\x00\x00\x00\x01c", 0},
		{framing.Lines, lines, FormatHex, "6162ff\n\n63\n", 0},
	} {
		for _, size := range []int{1, 2, 100} {
			out, text := collectIn(c.format, 3)
			_, err := feed(c.kind, out, []byte(c.stream), size)
			if finishErr := out.finish(); !errors.Is(err, errEnough) || finishErr != nil {
				t.Errorf("%s as %s: %v, %v", c.kind, c.format, err, finishErr)
			}
			if text.String() != c.want || out.meter.messages != 3 || out.several != c.several {
				t.Errorf("%s as %s in pieces of %d: %q, %d messages, %d on several lines; want %q",
					c.kind, c.format, size, text, out.meter.messages, out.several, c.want)
			}
		}
	}
}

func TestAFormatThatCannotBeWritten(t *testing.T) {
	for _, format := range []Format{FormatLines, FormatHex, FormatFrames} {
		out := newOutput(&limited{}, format, math.MaxInt64, newMeter("received", framing.Prefixed, io.Discard, false), func(error) {})
		payload := make([]byte, 2*writeSize)
		err := out.messages(func() ([]byte, int) { return payload, len(payload) })
		if !errors.Is(err, errFull) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestOutputFails(t *testing.T) {
	var told []error
	out := newOutput(&limited{left: 3}, FormatLines, math.MaxInt64, newMeter("received", framing.Lines, io.Discard, false),
		func(err error) { told = append(told, err) })
	out.enter()
	if err := out.lines([]byte("one\ntwo\n"), 2); err != nil {
		t.Fatal(err) // it is in the buffer
	}
	out.leave()
	err := out.lines([]byte("three\n"), 1)
	wantError(t, err, "write the output: full")
	if len(told) != 1 || !errors.Is(told[0], errFull) || !errors.Is(out.finish(), errFull) {
		t.Errorf("told %v, finished with %v", told, out.finish())
	}
}

func FuzzTake(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthr"), uint16(2))
	f.Add([]byte("\x00\x00\x00\x03one\x00\x00\x00\x00\x00\x00"), uint16(3))
	f.Fuzz(func(t *testing.T, stream []byte, size uint16) {
		for _, kind := range []framing.Kind{framing.Lines, framing.Prefixed, framing.Raw} {
			whole, wholeText := collect(math.MaxInt64)
			pieces, piecesText := collect(math.MaxInt64)
			_, wholeErr := feed(kind, whole, stream, len(stream))
			_, piecesErr := feed(kind, pieces, stream, 1+int(size))
			if (wholeErr == nil) != (piecesErr == nil) {
				t.Fatalf("%s: %v in one piece, %v in pieces of %d", kind, wholeErr, piecesErr, 1+int(size))
			}
			if err := errors.Join(whole.finish(), pieces.finish()); err != nil {
				t.Fatal(err)
			}
			if wholeText.String() != piecesText.String() || whole.meter.messages != pieces.meter.messages {
				t.Fatalf("%s: %q in one piece, %q in pieces of %d", kind, wholeText, piecesText, 1+int(size))
			}
		}
	})
}
