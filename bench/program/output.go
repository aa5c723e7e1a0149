package program

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
)

// tailLines is how many of a program's last lines are kept.
const tailLines = 40

// output is a program's standard error: it finds the ready line and keeps the last lines.
type output struct {
	log     func(line string) // nil if nobody wants the lines
	ready   chan struct{}     // closed when what follows is set
	address string            // where the first source listens
	http    string            // where HTTP answers, "" if it does not

	mu    sync.Mutex
	rest  []byte // of a line that has not ended
	lines []string
}

func newOutput(log func(line string)) *output {
	return &output{log: log, ready: make(chan struct{})}
}

// Write takes what the program wrote.
func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, data...)
	for {
		line, rest, found := bytes.Cut(o.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		o.line(string(line) + "\n")
		o.rest = rest
	}
}

func (o *output) line(line string) {
	if o.address == "" && strings.Contains(line, " msg=ready ") {
		if address, found := sourceAddress(line); found {
			o.address, o.http = address, httpAddress(line)
			close(o.ready)
		}
	}
	if o.log != nil {
		o.log(strings.TrimSuffix(line, "\n"))
	}
	o.lines = append(o.lines, line)
	if len(o.lines) > tailLines {
		o.lines = o.lines[1:]
	}
}

// tail returns the last lines.
func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, "") + string(o.rest)
}

// sourceAddress returns where the first source of a ready line listens: H:P of sources="PIPELINE=H:P,…".
func sourceAddress(line string) (address string, found bool) {
	_, value, _ := strings.Cut(line, " sources=")
	quoted, err := strconv.QuotedPrefix(value)
	if err != nil {
		return "", false
	}
	sources, err := strconv.Unquote(quoted)
	if err != nil {
		return "", false
	}
	first, _, _ := strings.Cut(sources, ",")
	name := strings.LastIndexByte(first, '=')
	return first[name+1:], name >= 0
}

// httpAddress returns where HTTP answers by a ready line: H:P of http=H:P.
func httpAddress(line string) string {
	_, value, _ := strings.Cut(strings.TrimSpace(line), " http=")
	address, _, _ := strings.Cut(value, " ")
	if address == NoHTTP {
		return ""
	}
	return address
}
