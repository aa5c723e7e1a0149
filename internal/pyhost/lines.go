package pyhost

import (
	"bytes"
	"log/slog"
)

// longestLine is where a line without an end is cut.
const longestLine = 64 << 10

// lines makes a record of each line that is written to it.
type lines struct {
	log  *slog.Logger
	rest []byte // of a line that has not ended
}

func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		line, rest, ended := bytes.Cut(l.rest, []byte{'\n'})
		if !ended && len(line) < longestLine {
			return len(b), nil
		}
		l.record(line)
		l.rest = rest
	}
}

// end makes a record of a last line that has no end.
func (l *lines) end() {
	if len(l.rest) > 0 {
		l.record(l.rest)
		l.rest = nil
	}
}

func (l *lines) record(line []byte) {
	l.log.Warn(string(line), "stream", "stderr")
}
