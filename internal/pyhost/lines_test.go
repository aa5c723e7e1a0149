package pyhost

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestEachLineIsARecord(t *testing.T) {
	var out strings.Builder
	l := &lines{log: slog.New(slog.NewJSONHandler(&out, nil))}
	long := strings.Repeat("x", longestLine+1)
	for _, written := range []string{"one", " line\ntwo\n\n", long, "\nno ", "end"} {
		if n, err := fmt.Fprint(l, written); n != len(written) || err != nil {
			t.Error(n, err)
		}
	}
	l.end()
	l.end()
	var got []string
	for record := range strings.Lines(out.String()) {
		_, text, _ := strings.Cut(record, `"level":"WARN","msg":"`)
		line, _, ok := strings.Cut(text, `","stream":"stderr"}`)
		if !ok {
			t.Error(record)
		}
		got = append(got, line)
	}
	if want := []string{"one line", "two", "", long, "", "no end"}; !slices.Equal(got, want) {
		t.Errorf("%.300q", got)
	}
}
