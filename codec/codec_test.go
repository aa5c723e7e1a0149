package codec_test

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/codec"
)

type inner struct {
	Name string
	At   time.Time
}

type outer struct {
	Inner  inner
	List   []inner
	ByName map[string]*inner
	Raw    []byte
	Left   func() `cbor:"-"`
	Small  int8
	Exact  float64
	Fixed  [3]uint16
	inner
}

// point has methods of its own.
type point struct{ x, y uint32 }

func (p point) AppendBinary(dst []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, p.x), p.y), nil
}

func (p *point) UnmarshalBinary(data []byte) error {
	if len(data) != 8 {
		return errors.New("a point has 8 bytes")
	}
	p.x, p.y = binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	return nil
}

// whole is a point with all methods that there are.
type whole struct{ point }

func (w whole) MarshalBinary() ([]byte, error) { return w.AppendBinary(nil) }

// half has one method of two.
type half struct{}

func (half) MarshalBinary() ([]byte, error) { return nil, nil }

func roundTrip[T any](t *testing.T, value T) {
	t.Helper()
	c, err := codec.For[T]()
	if err != nil {
		t.Errorf("%T: %v", value, err)
		return
	}
	data, err := c.Append([]byte("before"), value)
	if err != nil || !strings.HasPrefix(string(data), "before") {
		t.Errorf("%T: %v", value, err)
	}
	back, err := c.Decode(data[len("before"):])
	if err != nil || !reflect.DeepEqual(back, value) {
		t.Errorf("%+v came back as %+v, %v", value, back, err)
	}
}

func TestValuesComeBack(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)
	roundTrip(t, "text")
	roundTrip(t, "no UTF-8: \xff")
	roundTrip(t, -7)
	roundTrip(t, uint64(math.MaxUint64))
	roundTrip(t, []byte("bytes"))
	roundTrip(t, map[int]string{1: "one", -2: "two"})
	roundTrip(t, point{1, 2})
	roundTrip(t, &point{3, 4})
	roundTrip(t, []whole{{point{5, 6}}})
	roundTrip(t, at)
	roundTrip(t, outer{
		Inner: inner{"a", at}, List: []inner{{"b", at}}, ByName: map[string]*inner{"c": {"c", at}}, Raw: []byte{0, 255}, Small: -1,
		Exact: math.Pi, Fixed: [3]uint16{1, 2, 3}, inner: inner{"e", at},
	})
}

func TestTypesThatCannotTravelAreRefused(t *testing.T) {
	type recursive struct {
		Next *recursive
		bad  int //nolint:unused // that is what is wrong
	}
	refuse[chan int](t, "chan int is a chan")
	refuse[func()](t, "is a func")
	refuse[any](t, "interface {} is an interface")
	refuse[half](t, "codec_test.half has only one of MarshalBinary")
	refuse[[]point](t, "[]codec_test.point has only one of MarshalBinary")
	refuse[map[string]any](t, "map[string]interface {} (value) is an interface")
	refuse[recursive](t, "codec_test.recursive.bad is not exported")
	refuse[struct {
		A []struct{ b int }
		C error
	}](t, ".A.b is not exported", ".C is an interface")
}

func refuse[T any](t *testing.T, want ...string) {
	t.Helper()
	_, err := codec.For[T]()
	for _, part := range want {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
}

func TestEqualMapsHaveEqualBytes(t *testing.T) {
	c := codec.CBOR[map[string]int]()
	first := map[string]int{}
	for key := range strings.FieldsSeq("one two three four five six seven eight nine ten") {
		first[key] = len(key)
	}
	want, err := c.Append(nil, first)
	for range 20 {
		second := map[string]int{}
		maps.Copy(second, first) // in another order each time
		if got, _ := c.Append(nil, second); err != nil || string(got) != string(want) {
			t.Fatalf("%x, %v; want %x", got, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	c := codec.CBOR[outer]()
	data, err := c.Append(nil, outer{List: []inner{{Name: "x"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = c.Decode(data) // an error, or a value: no panic
	})
}
