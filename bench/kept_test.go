package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newKeptBench returns a short benchmark of the programs themselves, with few keys and a checkpoint every few milliseconds.
func newKeptBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs, "./cmd/wallaroo", "./examples/go/word_count", "./bench/reference/key_state")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.binary, b.goBinary = filepath.Join(programs, "wallaroo"), filepath.Join(programs, "word_count")
	b.goKeyState = filepath.Join(programs, "key_state")
	b.interval, b.fewer, b.seconds = 5*time.Millisecond, 1000, 0.25
	clear(b.rates)
	return b
}

func TestRowsOfWhatIsKeptAreMeasured(t *testing.T) {
	b := newKeptBench(t)
	measured := 0
	for _, row := range rows {
		switch {
		case strings.HasPrefix(row.title, "Go, 1,000,000 keys of 100 bytes") && strings.Contains(row.title, " 10 % "):
		case row.group == "recovery" && strings.HasPrefix(row.title, "Go") != strings.Contains(row.title, "executor"):
		case row.group == "durability":
		default:
			continue
		}
		result, err := b.measureRow(t.Context(), row, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		measured++
		for _, f := range row.figures {
			if value := result.pairs[0].subject[f.quantity]; value <= 0 && f.quantity != timeOfMessages && f.quantity != processorTime &&
				f.quantity != cameAgain { // The clock of processes may not have ticked, and a checkpoint may have come last.
				t.Errorf("%s: %s is %v", row.title, f.quantity, value)
			}
		}
		if each, is := result.pairs[0].subject[bytesForEach]; is && (each < 100 || each > 200) {
			t.Errorf("%s: %v bytes were saved for each key changed", row.title, each)
		}
	}
	if want := 3 + 1 + 4 + 6; measured != want {
		t.Errorf("%d rows were measured, want %d", measured, want)
	}
}

func TestToldReadsTheLog(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	said := newTold()
	for _, line := range []string{
		`time=2026-01-01T00:00:00Z level=INFO msg="sink connected" sink=keys/counts address=127.0.0.1:45327`,
		`time=2026-01-01T00:00:00Z level=DEBUG msg=checkpoint epoch=1 bytes=1000 took=40ms aligned=1ms saved=30ms committed=9ms`,
		`time=2026-01-01T00:00:00Z level=DEBUG msg=checkpoint epoch=2 bytes=3000 took=60ms aligned=3ms saved=40ms committed=17ms`,
		`time=2026-01-01T00:00:00Z level=DEBUG msg=journal records=90 syncs=30`,
	} {
		said.line(line)
	}
	read := reading{}
	if err := said.read(read, began, time.Now()); err != nil {
		t.Fatal(err)
	}
	said.group(read, 600)
	want := reading{
		checkpoints: 2, bytesSaved: 2000, tookInAll: 0.05, alignedIn: 0.002, savedIn: 0.035, writtenIn: 0.013,
		recordsTogether: 3, messagesTogether: 20,
	}
	for q, value := range want {
		if got := read[q]; got < value-1e-9 || got > value+1e-9 {
			t.Errorf("%s is %v, want %v", q, got, value)
		}
	}
	if err := said.read(reading{}, began, began.Add(time.Minute)); err == nil {
		t.Error("of a time without checkpoints something is read")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if came, err := said.await(ctx, time.Now(), time.Minute); came || !errors.Is(err, context.Canceled) {
		t.Errorf("awaiting one that does not come: %v, %v", came, err)
	}
}

func TestOnlyAnExecutorIsKilled(t *testing.T) {
	if _, err := killExecutor(os.Getpid(), os.Getppid()); err == nil || !strings.Contains(err.Error(), "no child") {
		t.Errorf("killing another process: %v", err)
	}
}

// TestWhatOnlyOneSideHasIsNotCompared looks at the line of a quantity that the other side has not.
func TestWhatOnlyOneSideHasIsNotCompared(t *testing.T) {
	r := result{
		title: "row", against: &side{name: "B"}, figures: withoutGoals(checkpoints),
		pairs: []pair{{subject: reading{checkpoints: 4}, against: reading{throughput: 7}}},
	}
	if text := table([]result{r}); !strings.Contains(text, "| row: checkpoints |  | 4 (4–4) |  |  |  |  |\n") {
		t.Errorf("the table is %s", text)
	}
	if text := r.pairs[0].text(r.figures); text != "checkpoints 4" {
		t.Errorf("the pair is %q", text)
	}
}

func TestFileSystemOfAFolder(t *testing.T) {
	if got := fileSystem("/proc/self"); got != "proc" {
		t.Errorf("/proc lies on %s", got)
	}
	if got := fileSystem("no/folder"); got != unknown {
		t.Errorf("a folder that is nowhere lies on %s", got)
	}
}
