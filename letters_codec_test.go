package wallaroo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/message"
)

type (
	name string
	raw  []byte
)

// pair has bytes of its own, which are no CBOR.
type pair struct{ a, b uint16 }

func (p pair) AppendBinary(dst []byte) ([]byte, error) {
	if p.a == 666 {
		panic("unruly")
	}
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(dst, p.a), p.b), nil
}

func (p *pair) UnmarshalBinary(data []byte) error {
	if len(data) != 4 {
		return errors.New("a pair has 4 bytes")
	}
	p.a, p.b = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
	return nil
}

func comesBack[T any](t *testing.T, value T, want message.Encoding) {
	t.Helper()
	again, encoding, err := wallaroo.ThroughLetter(value, 1000)
	if err != nil || encoding != want || !reflect.DeepEqual(again, value) {
		t.Errorf("%#v came back as %#v in %s, %v; want it in %s", value, again, encoding, err, want)
	}
}

func isMissing[T any](t *testing.T, value T, why string) {
	t.Helper()
	if _, encoding, err := wallaroo.ThroughLetter(value, 1000); encoding != "" || err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("%T in %q: %v; want %q", value, encoding, err, why)
	}
}

func TestMessagesComeBackFromLetters(t *testing.T) {
	comesBack(t, "", message.Text)
	comesBack(t, "caf\u00e9", message.Text)
	comesBack(t, "\xff", message.CBOR)
	comesBack(t, name("n"), message.Text)
	comesBack(t, name("\xff"), message.CBOR)
	comesBack(t, []byte("text"), message.Text)
	comesBack(t, []byte{0xff, 0}, message.CBOR)
	comesBack(t, raw("text"), message.Text)
	comesBack(t, 17, message.CBOR)
	comesBack(t, numbered{1, "x"}, message.CBOR)
	comesBack(t, map[string][]int{"a": {1}}, message.CBOR)
	comesBack(t, pair{1, 2}, message.CBOR)
	comesBack(t, &pair{3, 4}, message.CBOR)
	comesBack(t, bytes.Repeat([]byte("x"), 1000), message.Text)

	isMissing(t, strings.Repeat("x", 1001), "it has 1001 bytes, and at most 1000 are kept")
	isMissing(t, bytes.Repeat([]byte{0xff}, 1000), "bytes, and at most 1000 are kept")
	isMissing(t, make(chan int), "it has no bytes: chan int is a chan")
	isMissing(t, any(1), "it has no bytes: interface {} is an interface")
}

// TestLettersAreOfOneItem looks whether what a type writes by itself is CBOR in a letter.
func TestLettersAreOfOneItem(t *testing.T) {
	own, err := codec.For[pair]()
	if err != nil {
		t.Fatal(err)
	}
	data, err := codec.Item(own).Append(nil, pair{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	if inside, err := codec.CBOR[[]byte]().Decode(data); err != nil || string(inside) != "\x00\x01\x00\x02" {
		t.Errorf("%x, %v", inside, err)
	}
}

func TestLettersThatAreNoneAreRefused(t *testing.T) {
	for _, l := range []message.Letter{
		{Text: "x", Encoding: message.Pickle},
		{Text: "x", Encoding: message.Text},
		{Text: "?", Encoding: message.CBOR},
		{Text: base64.StdEncoding.EncodeToString([]byte("\xff\xff")), Encoding: message.CBOR},
		{},
	} {
		if n, err := wallaroo.ReadLetter[numbered](l); err == nil {
			t.Errorf("%+v became %+v", l, n)
		}
	}
}
