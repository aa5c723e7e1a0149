package framing

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestFramesOfAllKindsAreCutAsTheyAreMade(t *testing.T) {
	for _, f := range []Framing{U32BE, LengthPrefix{Header: 3, Offset: 1, Width: 2, Order: LittleEndian}, Newline{}} {
		want := []string{"one", "", strings.Repeat("x", 300), "last"}
		var stream []byte
		for _, message := range want {
			began := len(stream)
			whole, err := f.End(append(f.Begin(stream), message...), began)
			if err != nil {
				t.Fatal(err)
			}
			stream = whole
		}
		for _, piece := range []int{1, 3, 4, 5, len(stream)} {
			got, rest, err := cutAll(f.Splitter(300), stream, piece)
			if !slices.Equal(got, want) || rest != 0 || err != nil {
				t.Errorf("%+v in pieces of %d: %q, rest %d, %v", f, piece, got, rest, err)
			}
		}
	}
}

func TestEndRefusesWhatTheFrameCannotHold(t *testing.T) {
	short := LengthPrefix{Header: 1, Width: 1}
	for _, c := range []struct {
		framing Framing
		message string
		want    string
	}{
		{short, strings.Repeat("x", 256), "a message of 256 bytes is longer than its header can say, which is 255 bytes"},
		{Newline{}, "two\nlines", "a message that holds a newline cannot be a line"},
	} {
		const before = "before"
		if _, err := c.framing.End(append(c.framing.Begin([]byte(before)), c.message...), len(before)); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v; want %s", c.framing, err, c.want)
		}
	}
	if _, err := (Newline{}).End([]byte("a\nb"), 2); err != nil {
		t.Errorf("the newline of the message before: %v", err)
	}
}

func TestALineHasALimit(t *testing.T) {
	for _, stream := range []string{"ok\nabcdef\n", "ok\nabcdef", "ok\nabcdefgh"} {
		for piece := 1; piece <= len(stream); piece++ {
			got, _, err := cutAll(Newline{}.Splitter(5), []byte(stream), piece)
			if !slices.Equal(got, []string{"ok"}) || err == nil || !strings.Contains(err.Error(), "the limit of 5 bytes") {
				t.Errorf("%q in pieces of %d: %q, %v", stream, piece, got, err)
			}
		}
	}
	if got, _, err := cutAll(Newline{}.Splitter(5), []byte("abcde\n"), 2); !slices.Equal(got, []string{"abcde"}) || err != nil {
		t.Errorf("a line that is just not too long: %q, %v", got, err)
	}
}

func TestWhatIsLeftAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		framing Framing
		rest    string
		want    bool
	}{
		{Newline{}, "no newline", true},
		{Newline{}, "", false},
		{U32BE, "\x00\x00\x00\x02a", false},
		{Unframed{}, "", false},
	} {
		if got := c.framing.Splitter(100).Ends([]byte(c.rest)); got != c.want {
			t.Errorf("%T: %q is a message: %v", c.framing, c.rest, got)
		}
	}
}

func TestUnframedBytesGoAsTheyAre(t *testing.T) {
	stream := []byte("any\nbytes\x00")
	got, rest, err := cutAll(Unframed{}.Splitter(2), stream, 4)
	if !slices.Equal(got, []string{"any\n", "byte", "s\x00"}) || rest != 0 || err != nil {
		t.Errorf("%q, rest %d, %v", got, rest, err)
	}
	whole, err := Unframed{}.End(append(Unframed{}.Begin([]byte("a")), "b"...), 1)
	if string(whole) != "ab" || err != nil {
		t.Errorf("%q, %v", whole, err)
	}
	payload, _, _ := Unframed{}.Splitter(9).Cut(stream[:4])
	if _ = append(payload, '!'); stream[4] != 'b' {
		t.Error("appending to a message writes into what comes behind it")
	}
}

// FuzzLines cuts any stream in pieces of any size: the lines are those that it has, whatever the pieces, and each within the limit.
func FuzzLines(f *testing.F) {
	f.Add([]byte("one\n\ntwo\nthree"), 3, 10)
	f.Add([]byte("\n"), 1, 0)
	f.Add([]byte("longer than the limit\n"), 7, 5)
	f.Fuzz(func(t *testing.T, stream []byte, piece, most int) {
		piece, most = 1+(piece&0xff), most&0xff
		var want []string
		tooLong, left := false, stream
		for len(left) > 0 && !tooLong {
			line, behind, ended := bytes.Cut(left, []byte("\n"))
			if tooLong = len(line) > most; ended && !tooLong {
				want = append(want, string(line))
			}
			if !ended {
				break
			}
			left = behind
		}
		got, rest, err := cutAll(Newline{}.Splitter(most), stream, piece)
		if !slices.Equal(got, want) || (err != nil) != tooLong {
			t.Fatalf("lines %q, %v; want %q, too long: %v", got, err, want, tooLong)
		}
		if err == nil && rest != len(left) {
			t.Fatalf("%d bytes are left; want %d", rest, len(left))
		}
	})
}
