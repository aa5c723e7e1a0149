package logging

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
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

func TestDurations(t *testing.T) {
	for form, want := range map[Options]string{
		{}:           "msg=done took=12.4ms within=10s\n",
		{JSON: true}: `"msg":"done","took_seconds":0.0124,"within_seconds":10}` + "\n",
	} {
		var out strings.Builder
		New(&out, form).With("took", 12400*time.Microsecond).Info("done", "within", 10*time.Second)
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s; want %s", out.String(), want)
		}
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

// stalled is a log whose reader stands still until it is released.
type stalled struct {
	begun   chan struct{} // gets something when a write begins, if there is room
	release chan struct{}
	mu      sync.Mutex
	text    strings.Builder
}

func (s *stalled) Write(b []byte) (int, error) {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	<-s.release
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func TestAWriterDoesNotWaitForAReaderThatStandsStill(t *testing.T) {
	to := &stalled{begun: make(chan struct{}, 1), release: make(chan struct{})}
	w := NewWriter(to, Options{})
	for i := range 2 * queuedRecords {
		if _, err := fmt.Fprintf(w, "record %d\n", i); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-to.begun // from now on the queue is all there is room in
		}
	}
	w.Close(0) // the time is over at once
	close(to.release)
	w.Close(time.Minute)
	lines := strings.Split(strings.TrimSpace(to.text.String()), "\n")
	if n := len(lines); n != queuedRecords+1 || lines[0] != "record 0" || lines[n-1] != fmt.Sprint("record ", n-1) {
		t.Errorf("%d lines, from %q to %q", n, lines[0], lines[n-1])
	}
}

func TestAWriterTellsWhatWasLost(t *testing.T) {
	to := &stalled{release: make(chan struct{}, 2*queuedRecords)}
	w := NewWriter(to, Options{JSON: true, Level: slog.LevelError})
	for range queuedRecords + 100 {
		_, _ = w.Write([]byte("x\n"))
	}
	for range queuedRecords / 2 {
		to.release <- struct{}{}
	}
	for len(w.queue) > queuedRecords/2+1 {
		runtime.Gosched()
	}
	_, _ = w.Write([]byte("last\n"))
	close(to.release)
	w.Close(time.Minute)
	text := to.text.String()
	told := `,"level":"WARN","msg":"log records were lost, since nobody read the log","records":`
	if !strings.Contains(text, told) || !strings.HasSuffix(text, "last\n") {
		t.Errorf("ends with %q", text[len(text)-100:])
	}
}
