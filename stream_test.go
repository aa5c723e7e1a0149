package wallaroo_test

import (
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
)

var atTop = func(text string) string { return text }

func func1(text string) string { return text }

// TestFunctionsAreCalledAsTheSourceCallsThem has no names in lists that the compiler made up.
func TestFunctionsAreCalledAsTheSourceCallsThem(t *testing.T) {
	t.Parallel()
	inside := func() func(string) string { return func(text string) string { return text[len(t.Name()):] } }
	var none func(string) string
	for _, c := range []struct {
		f    any
		want string
	}{
		{same, "wallaroo_test.same"},
		{func1, "wallaroo_test.func1"},
		{(*letterCount).add, "wallaroo_test.(*letterCount).add"},
		{strings.ToLower, "strings.ToLower"},
		{func(text string) string { return text }, "a function literal"},
		{inside(), "a function literal"},
		{atTop, "a function literal"},
		{none, ""},
	} {
		if got := wallaroo.NameOf(c.f); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
