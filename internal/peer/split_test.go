package peer

import (
	"slices"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// cut is the messages of an input that comes in pieces of at most the given size, some times over.
func cut(s splitter, input string, size, repeat int) (messages []string, err error) {
	for range repeat {
		for piece := range slices.Chunk([]byte(input), size) {
			for len(piece) > 0 {
				message, whole, used, err := s.next(piece)
				if err != nil {
					return messages, err
				}
				if whole {
					messages = append(messages, string(message))
				}
				piece = piece[used:]
			}
		}
		message, whole, err := s.last()
		if err != nil {
			return messages, err
		}
		if whole {
			messages = append(messages, string(message))
		}
	}
	return messages, nil
}

func TestSplit(t *testing.T) {
	long := strings.Repeat("long", writeSize)
	frames := "\x00\x00\x00\x04a\nb\xff\x00\x00\x00\x00\x00\x04\x00\x00" + long + "\x00\x00\x00\x01c"
	for _, c := range []struct {
		format Format
		input  string
		want   []string
	}{
		{FormatLines, "one\n\n" + long + "\nlast", []string{"one", "", long, "last"}},
		{FormatLines, "one\n\n", []string{"one", ""}},
		{FormatLines, "", nil},
		{FormatHex, "610a62ff\n\n6A6b\n63", []string{"a\nb\xff", "", "jk", "c"}},
		{FormatHex, "61\n", []string{"a"}},
		{FormatFrames, frames, []string{"a\nb\xff", "", long, "c"}},
		{FormatFrames, "\x00\x00\x00\x00", []string{""}},
		{FormatFrames, "", nil},
	} {
		for _, size := range []int{1, 3, 1000, pieceSize, 1 << 20} {
			got, err := cut(newSplitter(framing.Prefixed, c.format), c.input, size, 2)
			if want := slices.Concat(c.want, c.want); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s of %d bytes in pieces of %d: %d messages, %v; want %d", c.format, len(c.input), size, len(got), err, len(want))
			}
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	for _, c := range []struct {
		format Format
		input  string
		want   string
		whole  int
	}{
		{FormatHex, "61\n62\n6\n", "line 3 of the input is no message in hexadecimal digits: encoding/hex: odd length hex string", 2},
		{FormatHex, "61\n 62", "line 2 of the input is no message in hexadecimal digits: encoding/hex: invalid byte: U+0020 ' '", 1},
		{FormatFrames, "\x00\x00\x00\x01a\x00\x00\x00\x02b", "the input ends inside a frame: its last 5 bytes are not sent", 1},
		{FormatFrames, "\x00\x00\x00\x01a\x00\x00", "the input ends inside a frame: its last 2 bytes are not sent", 1},
		{
			FormatFrames, "text\n", `the input is no row of frames: a frame of 1952807028 bytes (length bytes "text") ` +
				`is longer than 1073741824 bytes, the most that is taken`, 0,
		},
	} {
		for _, size := range []int{1, 100} {
			got, err := cut(newSplitter(framing.Prefixed, c.format), c.input, size, 1)
			if err == nil || err.Error() != c.want || len(got) != c.whole {
				t.Errorf("%s %q in pieces of %d: %q, %v; want %d messages, %s", c.format, c.input, size, got, err, c.whole, c.want)
			}
		}
	}
}

func TestALongMessageIsNotKept(t *testing.T) {
	s := &lineSplitter{}
	if _, err := cut(s, strings.Repeat("x", 10*writeSize)+"\nshort\n", pieceSize, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := cut(s, "sho\nrt\n", 2, 1); err != nil {
		t.Fatal(err)
	}
	if n := cap(s.beginning.bytes); n > writeSize {
		t.Errorf("%d bytes are kept", n)
	}
}

func TestParseFormat(t *testing.T) {
	for _, format := range []Format{FormatLines, FormatHex, FormatFrames} {
		if got, err := ParseFormat(string(format)); got != format || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	_, err := ParseFormat("json")
	wantError(t, err, `unknown format "json": want one of lines, hex, frames`)
}
