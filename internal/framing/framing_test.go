package framing

import (
	"strings"
	"testing"
)

func TestParseKind(t *testing.T) {
	for _, kind := range []Kind{Prefixed, Lines, Raw} {
		if got, err := ParseKind(string(kind)); got != kind || err != nil {
			t.Errorf("ParseKind(%q) = %q, %v", kind, got, err)
		}
	}
	for _, name := range []string{"", "U32BE", "line"} {
		_, err := ParseKind(name)
		if err == nil {
			t.Errorf("ParseKind(%q) found one", name)
		} else if !strings.Contains(err.Error(), "u32be, lines, raw") {
			t.Errorf("ParseKind(%q): %v does not list the framings", name, err)
		}
	}
}
