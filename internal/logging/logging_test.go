package logging

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	var out strings.Builder
	log := New(&out, Options{Level: slog.LevelInfo}).With("source", "a b")
	log.Debug("not of interest")
	log.Error("it failed", "error", errors.New(`say "no"`), "n", 5, "empty", "", Traceback, "first\n  second", "quoted", Quoted("plain"))
	line, below, _ := strings.Cut(out.String(), "\n")
	_, rest, _ := strings.Cut(line, " ")
	if want := `level=ERROR msg="it failed" source="a b" error="say \"no\"" n=5 empty="" quoted="plain"`; rest != want {
		t.Errorf("line %s\nwant %s", rest, want)
	}
	if below != "    first\n      second\n" {
		t.Errorf("below %q", below)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("colour in %q", out.String())
	}
}

func TestTextOnATerminalIsColoured(t *testing.T) {
	var out strings.Builder
	New(&out, Options{Colour: true}).Error("it failed")
	if !strings.Contains(out.String(), "level=\x1b[31mERROR\x1b[0m ") {
		t.Errorf("%q", out.String())
	}
}

func TestAlwaysDoesNotHeedTheLevel(t *testing.T) {
	var out strings.Builder
	Always(&out, Options{Level: slog.LevelError}).Info("ready")
	if !strings.Contains(out.String(), "level=INFO msg=ready\n") {
		t.Errorf("%q", out.String())
	}
}

func TestJSON(t *testing.T) {
	var out strings.Builder
	New(&out, Options{JSON: true}).Error("it failed", Traceback, "a\nb", "quoted", Quoted("x"))
	var record map[string]any
	if err := json.Unmarshal([]byte(out.String()), &record); err != nil || record[Traceback] != "a\nb" || record["quoted"] != "x" {
		t.Errorf("%s, %v", out.String(), err)
	}
}

func TestParseLevel(t *testing.T) {
	if level, err := ParseLevel("warn"); err != nil || level != slog.LevelWarn {
		t.Errorf("%v, %v", level, err)
	}
	if _, err := ParseLevel("WARN"); err == nil {
		t.Error("WARN was taken")
	}
}
