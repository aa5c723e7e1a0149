package framing

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// cutAll cuts a stream that comes in pieces of the given size, as a reader with a buffer does.
func cutAll(c Splitter, stream []byte, piece int) (payloads []string, rest int, err error) {
	var buf []byte
	for part := range slices.Chunk(stream, piece) {
		buf = append(buf, part...)
		for {
			payload, used, err := c.Cut(buf)
			if err != nil {
				return payloads, len(buf), err
			}
			if used == 0 {
				break
			}
			payloads = append(payloads, string(payload))
			buf = buf[used:]
		}
	}
	return payloads, len(buf), nil
}

func TestCut(t *testing.T) {
	padded := LengthPrefix{Header: 4, Offset: 1, Width: 2, Order: LittleEndian, Signed: true}
	want := []string{"one", "", strings.Repeat("x", 300), "last"}
	for _, prefix := range []LengthPrefix{U32BE, padded} {
		var stream []byte
		for _, payload := range want {
			stream = append(prefix.AppendHeader(stream, len(payload)), payload...)
		}
		for _, piece := range []int{1, 3, 4, 5, len(stream)} {
			got, rest, err := cutAll(NewCutter(prefix, 300), stream, piece)
			if !slices.Equal(got, want) || rest != 0 || err != nil {
				t.Errorf("%+v in pieces of %d: %q, rest %d, %v", prefix, piece, got, rest, err)
			}
		}
	}
}

func TestCutPayloadDoesNotReachTheNextFrame(t *testing.T) {
	stream := []byte("\x00\x00\x00\x01a\x00\x00\x00\x01b")
	payload, used, _ := NewCutter(U32BE, 10).Cut(stream)
	_ = append(payload, "overwritten"...)
	if next, _, _ := NewCutter(U32BE, 10).Cut(stream[used:]); string(next) != "b" {
		t.Errorf("appending to a payload made the next one %q", next)
	}
}

func TestCutWaitsForAWholeFrame(t *testing.T) {
	c := NewCutter(U32BE, 1000)
	for _, buf := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x07", "\x00\x00\x00\x07abcdef", "\x00\x00\x03\xe8"} {
		if payload, used, err := c.Cut([]byte(buf)); payload != nil || used != 0 || err != nil {
			t.Errorf("Cut(%x) = %x, %d, %v; want no frame", buf, payload, used, err)
		}
	}
}

func TestCutRefuses(t *testing.T) {
	signed := LengthPrefix{Header: 4, Width: 4, Order: BigEndian, Signed: true}
	for _, c := range []struct {
		prefix LengthPrefix
		stream string
		want   string
	}{
		{U32BE, "\x00\x00\x03\xe9", `a frame of 1001 bytes (length bytes "\x00\x00\x03\xe9") is longer than the limit of 1000 bytes: ` +
			`if it is meant, raise --max-frame`},
		{U32BE, "GET / HTTP/1.1", `a frame of 1195725856 bytes (length bytes "GET ") is longer than the limit of 1000 bytes: ` +
			`if it is meant, raise --max-frame`},
		{
			signed, "\xff\xff\xff\xff",
			`a frame with the negative length -1 (length bytes "\xff\xff\xff\xff"): the sender's framing is another one`,
		},
	} {
		payload, used, err := NewCutter(c.prefix, 1000).Cut([]byte(c.stream))
		var frame *FrameError
		if payload != nil || used != 0 || !errors.As(err, &frame) || err.Error() != c.want {
			t.Errorf("Cut(%q) = %q, %d, %v; want the error %s", c.stream, payload, used, err, c.want)
		}
	}
}

func TestCutAllocatesNothing(t *testing.T) {
	stream := bytes.Repeat([]byte("\x00\x00\x00\x05hello"), 100)
	c := NewCutter(U32BE, 1000)
	frames := 0
	allocs := testing.AllocsPerRun(10, func() {
		for rest := stream; len(rest) > 0; frames++ {
			_, used, _ := c.Cut(rest)
			rest = rest[used:]
		}
	})
	if allocs != 0 || frames != 1100 {
		t.Errorf("%v allocations, %d frames", allocs, frames)
	}
}

// naive cuts a stream that is all there, in the plainest way.
func naive(prefix LengthPrefix, maxFrame int, stream []byte) (payloads []string, rest int, failed bool) {
	for len(stream) >= prefix.Header {
		length, err := prefix.Length(stream[:prefix.Header])
		if err != nil || length > int64(maxFrame) {
			return payloads, len(stream), true
		}
		if int64(len(stream)-prefix.Header) < length {
			break
		}
		stream = stream[prefix.Header:]
		payloads = append(payloads, string(stream[:length]))
		stream = stream[length:]
	}
	return payloads, len(stream), false
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x03one\x00\x00\x00\x00\x00\x00\x00\x01"), uint8(3), uint8(0), uint8(2), true, false)
	f.Add([]byte("\x03\x00one\xff\xff"), uint8(1), uint8(0), uint8(1), false, true)
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\x01"), uint8(9), uint8(1), uint8(3), true, false)
	f.Fuzz(func(t *testing.T, stream []byte, piece, pad, width uint8, big, signed bool) {
		const maxFrame = 100
		prefix := LengthPrefix{Width: 1 << (width % 4), Offset: int(pad % 3), Order: LittleEndian, Signed: signed}
		prefix.Header = prefix.Offset + prefix.Width + int(pad/3%3)
		if big {
			prefix.Order = BigEndian
		}
		c := NewCutter(prefix, maxFrame)
		got, rest, err := cutAll(c, stream, 1+int(piece))
		want, wantRest, wantFailed := naive(prefix, maxFrame, stream)
		if !slices.Equal(got, want) || (err != nil) != wantFailed {
			t.Fatalf("%+v, pieces of %d: got %q, %v; want %q, failed %v", prefix, piece, got, err, want, wantFailed)
		}
		if err == nil && rest != wantRest {
			t.Fatalf("%+v, pieces of %d: rest %d; want %d", prefix, piece, rest, wantRest)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	stream := bytes.Repeat([]byte("\x00\x00\x00\x05hello"), 6000)
	c := NewCutter(U32BE, 1000)
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		for rest := stream; len(rest) > 0; {
			_, used, _ := c.Cut(rest)
			rest = rest[used:]
		}
	}
}
