package partition

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type (
	letter string
	small  int8
	octet  byte
	pair   struct {
		Text   string
		Number int
	}
	one    struct{ Text string }
	nested struct {
		One   one
		Bytes [0]byte
	}
)

// inGo are keys in Go that correspond to the vectors' in Python; None has none.
var inGo = map[string][]any{
	"False":       {false},
	"True":        {true},
	"0":           {0, int8(0), uint64(0)},
	"1":           {1, small(1), uint8(1)},
	"-1":          {-1, int64(-1), small(-1)},
	"127":         {127, int8(127), uint32(127)},
	"128":         {128, uint8(128), int16(128)},
	"-128":        {-128, small(-128)},
	"-129":        {-129, int32(-129)},
	"2**64 - 1":   {uint64(math.MaxUint64)},
	"-(2**63)":    {math.MinInt64, int64(math.MinInt64)},
	"b''":         {[0]byte{}},
	`b'\x00\xff'`: {[2]byte{0, 255}, [2]octet{0, 255}},
	"''":          {"", letter("")},
	"'1'":         {"1", letter("1")},
	`'caf\u00e9'`: {"café"},
	"()":          {struct{}{}},
	"('a', 1)": {pair{"a", 1}, struct {
		L letter
		S small
	}{"a", 1}},
	"(('a',), b'')": {nested{One: one{"a"}}},
}

// TestKeysAreThoseOfPython reads the vectors that the tests of the Python package read too.
func TestKeysAreThoseOfPython(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "keys.golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Python, Hex string }
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, v := range vectors {
		keys, known := inGo[v.Python]
		if !known && v.Python != "None" {
			t.Errorf("%s has no key in Go", v.Python)
		}
		for _, key := range keys {
			if err := CheckKey(reflect.TypeOf(key)); err != nil {
				t.Error(err)
			}
			if got, err := AppendKey([]byte("before"), key); err != nil || string(got[:6]) != "before" || hex.EncodeToString(got[6:]) != v.Hex {
				t.Errorf("%s, in Go %#v: %x, %v; want %s", v.Python, key, got, err, v.Hex)
			}
			compared++
		}
	}
	if compared < len(inGo) {
		t.Errorf("only %d keys are compared", compared)
	}
}

func TestIntegersHaveOneFormWhateverTheirType(t *testing.T) {
	for _, n := range []uint64{0, 1, 127, 128, 255, 1 << 15, 1<<31 - 1, 1 << 32, 1<<63 - 1} {
		signed, err := AppendKey(nil, int64(n))
		if err != nil {
			t.Fatal(err)
		}
		if unsigned, err := AppendKey(nil, n); err != nil || string(signed) != string(unsigned) {
			t.Errorf("%d: %x signed, %x unsigned, %v", n, signed, unsigned, err)
		}
	}
	if got, err := AppendKey(nil, uint64(1)<<63); err != nil || hex.EncodeToString(got) != "03008000000000000000" {
		t.Errorf("%x, %v", got, err)
	}
}

func TestCheckKeyRefuses(t *testing.T) {
	for _, c := range []struct {
		key  any
		want string
	}{
		{1.5, "float64"},
		{[]byte(nil), "[]uint8"},
		{[2]int{}, "[2]int"},
		{struct{ P *int }{}, "*int"},
		{struct{ hidden int }{}, "the field hidden, which is not exported"},
		{struct{ Any any }{}, "interface"},
		{complex(1, 1), "complex128"},
	} {
		if err := CheckKey(reflect.TypeOf(c.key)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v; want %q", c.key, err, c.want)
		}
	}
}

func TestTextThatIsNotUTF8IsNoKey(t *testing.T) {
	for _, key := range []any{"\xff", letter("a\xc3"), one{"\xed\xa0\x80"}, nested{One: one{"\xff"}}} {
		if _, err := AppendKey(nil, key); !errors.Is(err, ErrText) {
			t.Errorf("%q: %v", key, err)
		}
	}
}
