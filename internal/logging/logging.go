// Package logging writes the worker's log: a line a record, as text for people or as JSON for machines.
//
// A duration is 12.4ms in text. In JSON it is a number of seconds, under its key with _seconds behind it, as in the answers of HTTP.
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// Traceback is the key of an attribute that holds several lines: text prints them as they are, below the line of their record.
const Traceback = "traceback"

// Quoted is a text that the text form always puts in quotes, so that readers of the log can rely on them.
type Quoted string

// Options says how records are written.
type Options struct {
	JSON  bool
	Level slog.Level
	// Colour marks levels on a terminal.
	Colour bool
}

// New returns a logger that writes to w, one Write a record.
func New(w io.Writer, o Options) *slog.Logger {
	return slog.New(handler(w, o, o.Level))
}

// Always returns a logger that writes every record, whatever the level that was asked for.
func Always(w io.Writer, o Options) *slog.Logger {
	return slog.New(handler(w, o, slog.LevelDebug))
}

func handler(w io.Writer, o Options, level slog.Level) slog.Handler {
	if o.JSON {
		return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: inSeconds})
	}
	return &textHandler{out: &locked{w: w}, level: level, colour: o.Colour}
}

// inSeconds gives a duration its form in JSON, where a number of nanoseconds would not say what it is.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
}

// ParseLevel reads debug, info, warn or error.
func ParseLevel(text string) (slog.Level, error) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if text == strings.ToLower(level.String()) {
			return level, nil
		}
	}
	return 0, fmt.Errorf("%q is not a log level: want debug, info, warn or error", text)
}

// locked makes a writer one that several handlers share.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) write(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write(b)
	return err
}

// textHandler writes time=… level=… msg=… key=value…, in the manner of slog.TextHandler.
type textHandler struct {
	out    *locked
	level  slog.Level
	colour bool
	prefix string // attributes that With gave, written out
	lines  string // and those of them that stand below
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	t := &text{}
	t.line.WriteString(r.Time.Format("time=2006-01-02T15:04:05.000Z07:00 "))
	if h.colour {
		fmt.Fprintf(&t.line, "level=%s%s%s msg=", colour(r.Level), r.Level, plain)
	} else {
		fmt.Fprintf(&t.line, "level=%s msg=", r.Level)
	}
	t.value(r.Message)
	t.line.WriteString(h.prefix)
	t.below.WriteString(h.lines)
	r.Attrs(func(a slog.Attr) bool {
		t.attribute(a)
		return true
	})
	t.line.WriteByte('\n')
	t.line.WriteString(t.below.String())
	return h.out.write([]byte(t.line.String()))
}

func (h *textHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	t := &text{}
	for _, a := range attributes {
		t.attribute(a)
	}
	with := *h
	with.prefix += t.line.String()
	with.lines += t.below.String()
	return &with
}

// WithGroup is not used by this program; a group's attributes are written as if they stood alone.
func (h *textHandler) WithGroup(string) slog.Handler { return h }

// text is a record being written: its line, and what stands below it.
type text struct {
	line, below strings.Builder
}

func (t *text) attribute(a slog.Attr) {
	value := a.Value.Resolve()
	if a.Key == Traceback {
		for line := range strings.Lines(value.String()) {
			t.below.WriteString("    " + Cut(strings.TrimSuffix(line, "\n")) + "\n")
		}
		return
	}
	t.line.WriteString(" " + a.Key + "=")
	if q, ok := value.Any().(Quoted); ok {
		fmt.Fprintf(&t.line, "%q", string(q))
		return
	}
	t.value(value.String())
}

func (t *text) value(s string) {
	if needsQuotes(s) {
		fmt.Fprintf(&t.line, "%q", s)
		return
	}
	t.line.WriteString(s)
}

func needsQuotes(s string) bool {
	return s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '=' || r == 0x7f || r == '\uFFFD'
	})
}

const plain = "\x1b[0m"

func colour(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "\x1b[31m"
	case level >= slog.LevelWarn:
		return "\x1b[33m"
	case level >= slog.LevelInfo:
		return "\x1b[32m"
	default:
		return "\x1b[2m"
	}
}
