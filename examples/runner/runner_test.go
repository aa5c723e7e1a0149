package runner

import (
	"regexp"
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expected, results []string
		key               string
		want              []string
	}{
		{[]string{"a 1", "b 1", "a 2"}, []string{"b 1", "a 1", "a 2"}, `^\w`, nil},
		{[]string{"a 1", "a 2", "b 1"}, []string{"a 2", "a 1", "b 1"}, `^\w`, []string{`result 1 of "a": expected a 1, received a 2`}},
		{[]string{"a", "b"}, []string{"b", "a"}, "", []string{`result 1 of "": expected a, received b`}},
		{[]string{"a 1", "b 1", "b 2"}, []string{"a 1", "a 1", "b 1", "?"}, `^\w`, []string{
			`result 1 of "?": expected none, received ?`,
			`result 2 of "a": expected none, received a 1`,
			`result 2 of "b": expected b 2, received none`,
		}},
	} {
		if got := differences(test.expected, test.results, regexp.MustCompile(test.key)); !slices.Equal(got, test.want) {
			t.Errorf("%q and %q differ by %q, want %q", test.expected, test.results, got, test.want)
		}
	}
}
