package tcp_test

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// TestWhatAnEncoderReturnsIsFramed has encoders that append to what they get, and such that return a slice of their own.
func TestWhatAnEncoderReturnsIsFramed(t *testing.T) {
	t.Parallel()
	encoders := map[string]func(string, []byte) ([]byte, error){
		"appends":   encodeText,
		"is fresh":  func(text string, _ []byte) ([]byte, error) { return []byte(text), nil },
		"is longer": func(text string, dst []byte) ([]byte, error) { return append(append(dst, "> "...), text...)[2:], nil },
	}
	framings := map[string]struct {
		framing tcp.Framing
		want    []string
	}{
		"frames": {tcp.Frames(2, binary.BigEndian), []string{"\x00\x01a", "\x00\x00", "\x00\x05bcdef"}},
		"lines":  {tcp.Lines(), []string{"a\n", "\n", "bcdef\n"}},
		"raw":    {tcp.Raw(), []string{"a", "", "bcdef"}},
	}
	for how, encode := range encoders {
		for name, f := range framings {
			app := wallaroo.New("Framed")
			app.From("texts", tcp.Listen("", tcp.Lines(), decodeText)).
				FlatMap("split", func(text string) iter.Seq[string] { return strings.SplitSeq(text, ",") }).
				To("out", tcp.Dial("", f.framing, encode))
			for range 2 { // also where there is room
				result := wallarootest.Run(t, app, wallarootest.Inputs("a,,bcdef", "a,,bcdef"))
				if want := slices.Repeat(f.want, 2); !slices.Equal(result.Output(), want) {
					t.Errorf("%s, %s: got %q, want %q", name, how, result.Output(), want)
				}
			}
		}
	}
}

// TestMessagesThatAFrameCannotHoldFail sends one that is too long for its length, and one that is two lines.
func TestMessagesThatAFrameCannotHoldFail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for name, test := range map[string]struct {
		framing tcp.Framing
		input   string
		want    string
	}{
		"long":      {tcp.Frames(1, binary.BigEndian), long, "a message of 256 bytes is longer than its header can say, which is 255 bytes"},
		"two lines": {tcp.Lines(), "a\nb", "a message that holds a newline cannot be a line"},
	} {
		app := wallaroo.New("Framed")
		app.From("texts", tcp.Listen("", tcp.Raw(), decodeText)).To("out", tcp.Dial("", test.framing, encodeText))
		result := wallarootest.Run(t, app, wallarootest.Inputs("a", test.input, "b"), wallarootest.Failures())
		if len(result.Output()) != 2 || len(result.Failures) != 1 || result.Failures[0].Error != test.want {
			t.Errorf("%s: got %q, failures %v", name, result.Output(), result.Failures)
		}
	}
}
