package gohost

import "testing"

func TestAKeyReadsAsPythonsDoes(t *testing.T) {
	type name string
	for _, c := range []struct {
		key  any
		want string
	}{
		{"a", `'a'`},
		{name("a b"), `'a b'`},
		{"it's \"so\"\n\\", `'it\'s "so"\n\\'`},
		{"\\\"", `'\\"'`},
		{5, "5"},
		{struct{ A, B int }{1, 2}, "{A:1 B:2}"},
	} {
		if got := ShowKey(c.key); got != c.want {
			t.Errorf("%#v is shown as %s; want %s", c.key, got, c.want)
		}
	}
}
