package framing

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for _, good := range []LengthPrefix{
		U32BE,
		{Header: 1, Width: 1, Order: LittleEndian, Signed: true},
		{Header: 16, Offset: 8, Width: 8, Order: BigEndian},
		{Header: MaxHeader, Offset: MaxHeader - 2, Width: 2, Order: LittleEndian},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for want, bad := range map[string]LengthPrefix{
		"a header of 0 bytes":     {Header: 0, Width: 1, Order: BigEndian},
		"a header of 4097 bytes":  {Header: 4097, Width: 4, Order: BigEndian},
		"a length of 9 bytes":     {Header: 9, Width: 9, Order: BigEndian},
		`byte order ""`:           {Header: 4, Width: 4},
		"at offset 1 does not":    {Header: 4, Offset: 1, Width: 4, Order: BigEndian},
		"at offset -1 does not":   {Header: 4, Offset: -1, Width: 2, Order: BigEndian},
		"4 bytes at offset 0 doe": {Header: 2, Width: 4, Order: BigEndian},
	} {
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v; want it to say %q", bad, err, want)
		}
	}
	if err := (LengthPrefix{}).Validate(); strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("the errors of the empty header are not reported together: %v", err)
	}
}

func TestLength(t *testing.T) {
	for _, c := range []struct {
		header string
		prefix LengthPrefix
		want   int64
	}{
		{"\x00\x01\x02\x03", U32BE, 0x010203},
		{"\xff\xff\xff\xff", U32BE, math.MaxUint32},
		{"\xff", LengthPrefix{Header: 1, Width: 1, Order: BigEndian}, 255},
		{"\x7f", LengthPrefix{Header: 1, Width: 1, Order: BigEndian, Signed: true}, 127},
		{"\x01\x02", LengthPrefix{Header: 2, Width: 2, Order: LittleEndian}, 0x0201},
		{"\xff\x01\x02\xff", LengthPrefix{Header: 4, Offset: 1, Width: 2, Order: BigEndian, Signed: true}, 0x0102},
		{"\x01\x00\x00\x80", LengthPrefix{Header: 4, Width: 4, Order: LittleEndian}, 0x80000001},
		{"\x7f\xff\xff\xff\xff\xff\xff\xff", LengthPrefix{Header: 8, Width: 8, Order: BigEndian}, math.MaxInt64},
	} {
		if got, err := c.prefix.Length([]byte(c.header)); got != c.want || err != nil {
			t.Errorf("%+v: Length(%x) = %d, %v; want %d", c.prefix, c.header, got, err, c.want)
		}
	}
}

func TestLengthRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		header string
		prefix LengthPrefix
	}{
		"negative length -1":               {"\xff", LengthPrefix{Header: 1, Width: 1, Order: BigEndian, Signed: true}},
		"negative length -2":               {"\xfe\xff", LengthPrefix{Header: 2, Width: 2, Order: LittleEndian, Signed: true}},
		"negative length -2147483648":      {"\x80\x00\x00\x00", LengthPrefix{Header: 4, Width: 4, Order: BigEndian, Signed: true}},
		"frame of 9223372036854775808 byt": {"\x80\x00\x00\x00\x00\x00\x00\x00", LengthPrefix{Header: 8, Width: 8, Order: BigEndian}},
	} {
		got, err := c.prefix.Length([]byte(c.header))
		var frame *FrameError
		if !errors.As(err, &frame) || !strings.Contains(err.Error(), want) {
			t.Errorf("Length(%x) = %d, %v; want a FrameError that says %q", c.header, got, err, want)
		}
	}
	if _, err := U32BE.Length([]byte{0, 0, 0}); err == nil {
		t.Error("a cut header has a length")
	}
}

func TestMax(t *testing.T) {
	for width, want := range map[int][2]int64{
		1: {math.MaxUint8, math.MaxInt8},
		2: {math.MaxUint16, math.MaxInt16},
		4: {math.MaxUint32, math.MaxInt32},
		8: {math.MaxInt64, math.MaxInt64},
	} {
		unsigned := LengthPrefix{Header: 8, Width: width, Order: BigEndian}
		signed := LengthPrefix{Header: 8, Width: width, Order: BigEndian, Signed: true}
		if got := [2]int64{unsigned.Max(), signed.Max()}; got != want {
			t.Errorf("width %d: Max = %d unsigned and signed; want %d", width, got, want)
		}
	}
}

func TestAppendHeader(t *testing.T) {
	for _, prefix := range []LengthPrefix{
		U32BE,
		{Header: 9, Offset: 3, Width: 4, Order: LittleEndian, Signed: true},
		{Header: 2, Offset: 1, Width: 1, Order: BigEndian},
		{Header: 3, Width: 2, Order: BigEndian},
		{Header: 8, Width: 8, Order: LittleEndian},
	} {
		for _, n := range []int64{0, 1, 127, prefix.Max() / 3, prefix.Max()} {
			if n > math.MaxInt {
				continue // no payload is as long on this machine
			}
			header := prefix.AppendHeader([]byte("kept"), int(n))
			if len(header) != 4+prefix.Header || string(header[:4]) != "kept" {
				t.Fatalf("%+v: AppendHeader gives %x", prefix, header)
			}
			if got, err := prefix.Length(header[4:]); got != n || err != nil {
				t.Errorf("%+v: the header of %d says %d, %v", prefix, n, got, err)
			}
		}
	}
	if got := U32BE.AppendHeader(nil, 258); string(got) != "\x00\x00\x01\x02" {
		t.Errorf("U32BE.AppendHeader(258) = %x", got)
	}
}

func TestLengthPrefixJSON(t *testing.T) {
	var got LengthPrefix
	text := `{"header": 6, "offset": 2, "width": 4, "order": "little", "signed": true}`
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if want := (LengthPrefix{Header: 6, Offset: 2, Width: 4, Order: LittleEndian, Signed: true}); got != want {
		t.Errorf("%s is %+v; want %+v", text, got, want)
	}
}
