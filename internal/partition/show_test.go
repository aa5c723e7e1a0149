package partition

import (
	"strings"
	"testing"
)

func TestKeysAreShown(t *testing.T) {
	type pair struct {
		Name   string
		Number int
	}
	for _, c := range []struct {
		key  any
		want string
	}{
		{"a", `"a"`},
		{"", `""`},
		{`"q" \ é`, `"\"q\" \\ é"`},
		{"line\n", `"line\n"`},
		{true, "True"},
		{false, "False"},
		{0, "0"},
		{127, "127"},
		{128, "128"},
		{-1, "-1"},
		{-129, "-129"},
		{uint64(1<<64 - 1), "18446744073709551615"},
		{[3]byte{'x', 0, '"'}, `b"x\x00\""`},
		{pair{"n", -5}, `("n", -5)`},
		{struct{ One string }{"1"}, `("1",)`},
		{struct{}{}, "()"},
		{struct{ In pair }{pair{"n", 1}}, `(("n", 1),)`},
	} {
		key, err := AppendKey(nil, c.key)
		if got := Show(key); err != nil || got != c.want {
			t.Errorf("%#v: %s, %v", c.key, got, err)
		}
	}
	if got := Show([]byte{tagNone}); got != "None" {
		t.Error(got)
	}
	for _, none := range []string{"", "\x00x", "\x03", "\x04\xff", "\x06\x00\x00\x00\x02x", "\x06\x00", "\x06\x00\x00\x00\x00", "\x09"} {
		if got := Show([]byte(none)); !strings.HasPrefix(got, "no key: ") {
			t.Errorf("%q: %s", none, got)
		}
	}
}

func FuzzAnyBytesAreShown(f *testing.F) {
	for _, seed := range []string{"", "\x04a", "\x03\xff\x00", "\x06\x00\x00\x00\x02\x04x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		if Show(key) == "" {
			t.Errorf("%x is shown as nothing", key)
		}
	})
}
