package logging

import (
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	half := strings.Repeat("ä", longest/2)
	marked := half + "\n  ... 123456789 characters ...\n" + half // as Python does it
	for text, want := range map[string]string{
		"":                                    "",
		half + half:                           half + half,
		marked:                                marked,
		half + strings.Repeat("x", 51) + half: half + " ... 51 characters ... " + half,
	} {
		if got := Cut(text); got != want {
			t.Errorf("%d bytes become %q", len(text), got)
		}
	}
}
