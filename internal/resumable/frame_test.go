package resumable

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/formattest"
)

func batch(messages ...string) (b connector.Batch) {
	for _, m := range messages {
		b.Append([]byte(m))
	}
	return b
}

// frames are one of each kind.
func frames() []Frame {
	return []Frame{
		&SinkHello{Cluster: "c", Sink: "words/out", Lane: "7f", Said: Said{Run: 2, Committed: 5}},
		&StreamHello{Stream: "orders", First: 1},
		&Welcome{Said: Said{Run: 2, Committed: 5}, Number: 0},
		&Messages{Run: 2, Epoch: 6, Number: 1, Batch: batch("a", "", "bc")},
		&Marker{Run: 2, Epoch: 6, Number: 3},
		&Commit{Said: Said{Run: 2, Committed: 6}},
		&Ack{Said: Said{Run: 2, Committed: 5}, Number: 3, Marker: 6},
		&RefusalError{Run: 3, Reason: "run 2 is over"},
	}
}

// TestTheFormatIsWhatItsPageShows writes the example, and reads what the page shows.
func TestTheFormatIsWhatItsPageShows(t *testing.T) {
	shown := formattest.Bytes(t, "resumable.md")
	want := Preamble()
	for _, f := range frames() {
		want = Append(want, f)
	}
	if string(want) != string(shown) {
		t.Errorf("it is\n% x\nand shown\n% x", want, shown)
	}
}

func TestFramesAreReadAsTheyAreWritten(t *testing.T) {
	stream := Preamble()
	for _, f := range frames() {
		stream = Append(stream, f)
	}
	stream = Append(stream, &Messages{Number: 9, Batch: batch(strings.Repeat("x", 300_000))})
	for name, from := range map[string]io.Reader{
		"at once": bytes.NewReader(stream), "by the byte": iotest.OneByteReader(bytes.NewReader(stream)),
	} {
		r := NewReader(from, 300_000)
		if err := r.Open(); err != nil {
			t.Fatal(name, err)
		}
		for _, want := range frames() {
			if got, err := r.Next(); !reflect.DeepEqual(got, want) || err != nil {
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
			}
		}
		if f, err := r.Next(); err != nil || len(f.(*Messages).Batch.Payload) != 300_000 {
			t.Errorf("%s: a long message: %v", name, err)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	long := Append(Preamble(), &Messages{Number: 1, Batch: batch(strings.Repeat("x", 1001))})
	cut := Append(Preamble(), &Welcome{})
	for want, stream := range map[string]string{
		`what it says begins with "GET / HTTP/1.1\r\n"`:    "GET / HTTP/1.1\r\nHost: x\r\n",
		`what it says begins with "\x00\x00\x00\x05WALLA"`: "\x00\x00\x00\x05WALLA",
		`what it says begins with "WALL"`:                  "WALL",
		"speaks version 0 of the framing resumable":        Magic + "\x00\x00",
		"longer than the limit of 1000 bytes":              string(long),
		"a frame of 4294967295 bytes":                      string(Preamble()) + "\xff\xff\xff\xff",
		"its kind is 99":                                   string(Preamble()) + "\x01\x00\x00\x00\x63",
		"its kind is 0":                                    string(Preamble()) + "\x00\x00\x00\x00",
		"it is cut, or holds what does not belong there":   string(Preamble()) + "\x02\x00\x00\x00\x06\x00",
		"unexpected EOF":                                   string(cut[:len(cut)-1]),
	} {
		r := NewReader(strings.NewReader(stream), 1000)
		err := r.Open()
		if err == nil {
			_, err = r.Next()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want it to say %q", stream, err, want)
		}
	}
}

// FuzzDecode decodes anything: what is a frame is written as it was read, and holds no more than it has bytes.
func FuzzDecode(f *testing.F) {
	for _, frame := range frames() {
		f.Add(Append(nil, frame)[4:])
	}
	f.Add([]byte{kindMessages, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		frame, err := Decode(bytes.Clone(body))
		if err != nil {
			if frame != nil {
				t.Fatalf("%+v, and %v", frame, err)
			}
			return
		}
		if again := Append(nil, frame)[4:]; !bytes.Equal(again, body) {
			t.Fatalf("% x is read as %+v, which is % x", body, frame, again)
		}
		if m, is := frame.(*Messages); is {
			total := 0
			for m.Batch.Count() > 0 {
				one := m.Batch.Take(1)
				total += len(one.Payload)
			}
			if total+messagesHead > len(body) {
				t.Fatalf("messages of %d bytes in a frame of %d", total, len(body))
			}
		}
	})
}
