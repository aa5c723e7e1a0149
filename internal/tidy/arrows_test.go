package tidy

import (
	"slices"
	"strings"
	"testing"
)

const small = `
# floors
NONE < low, wire;
low < middle < high; # high may import low too
high, wire
	< cmd/top;
`

func TestArrows(t *testing.T) {
	permitted, err := parseArrows(small)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		imports []string
		want    string
	}{
		{"cmd/top", []string{"high", "wire", "middle", "low"}, ""},
		{"high", []string{"low"}, ""},
		{"low", []string{"middle"}, "low: imports middle against arrows.txt, which permits "},
		{"middle", []string{"wire", "wire"}, "middle: imports wire against arrows.txt, which permits low"},
		{"low", []string{"wire"}, "low: imports wire against arrows.txt"},
		{"stray", nil, "stray: the package has no place in arrows.txt"},
	} {
		tree := map[string][]string{"low": nil, "wire": nil, "middle": nil, "high": nil, "cmd/top": nil}
		tree[c.name] = c.imports
		got := permitted.check(tree)
		if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
			t.Errorf("%s importing %s: %q; want %q", c.name, c.imports, got, c.want)
		}
	}
	got := permitted.check(map[string][]string{"low": nil, "wire": nil, "middle": nil, "cmd/top": nil})
	if want := []string{"high: stands in arrows.txt and is not there"}; !slices.Equal(got, want) {
		t.Errorf("without high: %q; want %q", got, want)
	}
}

func TestArrowsRefuses(t *testing.T) {
	for policy, want := range map[string]string{
		"NONE < a":                     "does not end with a semicolon",
		"NONE < a; b;":                 "has no <",
		"NONE < a b;":                  "in the place of a name",
		"NONE < a,;":                   "in the place of a name",
		"b < a;":                       "b has no place of its own before",
		"NONE < a; a < b; b < a;":      "a has a place already",
		"NONE < a; a < NONE;":          "NONE is no package",
		"NONE < a, b; a < c; b < c;":   "c has a place already",
		"NONE < a; a, b < c; NONE < b": "does not end with a semicolon",
	} {
		if _, err := parseArrows(policy); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", policy, err, want)
		}
	}
}
