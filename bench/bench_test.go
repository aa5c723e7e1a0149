package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/reference/echo"
)

// TestMain lets the test's executable be the echo, and stand in for wallaroo and for programs in Go: `run APP --in H:P --out H:P …` and
// `--in H:P --out H:P …` run the plain loop, or, if APP counts keys, a count of keys in Go.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 4 && os.Args[1] == echo.Word:
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	case len(os.Args) > 6 && os.Args[1] == "run" && os.Args[2] == keyCounter:
		os.Exit(countKeys(os.Args))
	case len(os.Args) > 6 && os.Args[1] == "run":
		os.Exit(standIn(os.Args[6]))
	case len(os.Args) > 4 && os.Args[1] == "--in":
		os.Exit(standIn(os.Args[4]))
	}
	os.Exit(m.Run())
}

// standIn runs the plain loop, which ends with its input, in the way of a program that SIGTERM tells to end.
func standIn(out string) int {
	signal.Ignore(syscall.SIGTERM)
	loop := program.PythonLoop(filepath.Join("bench", "reference", "word_count_loop.py"), out)
	err := syscall.Exec("/usr/bin/env", append([]string{"env", loop.Path}, loop.Args...), os.Environ())
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// newBench returns a short benchmark of the stand-in, at the root of the project, on a machine that looks quiet.
func newBench(t *testing.T) *bench {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0") // The race detector otherwise keeps each process for a second.
	t.Chdir("..")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &bench{
		pairs:     1,
		seconds:   0.1,
		binary:    self,
		goBinary:  self,
		goLoop:    self,
		maxOthers: 10,
		interval:  time.Second,
		fewer:     1,
		self:      self,
		words:     load.RandomTapes(seed, mostConnections, load.Shape{Frames: 100, Words: load.DefaultShape.Words, Vocabulary: 50}),
		keys:      load.KeyTape(seed, 200),
		rates:     map[*side]float64{&pythonWordCount: 100_000, &oneGoWordCount: 100_000, &oneKeyCount: 20_000},
		others:    func(work func() error) (float64, error) { return 0, work() },
	}
}

func TestEachRowIsMeasured(t *testing.T) {
	b := newBench(t)
	for _, row := range steadyRows {
		if len(row.subject.tapes(b)) > 1 {
			continue // the stand-in takes one
		}
		measured, err := b.measureRow(t.Context(), row, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range row.figures {
			// The stand-in is one process without children, and the clock of processes may not have ticked.
			if value := measured.pairs[0].subject[f.quantity]; value <= 0 && f.quantity != pythonMemory && f.quantity != processorTime {
				t.Errorf("%s: %s is %v", row.title, f.quantity, value)
			}
		}
	}
}

func TestTheRateIsMeasuredOnce(t *testing.T) {
	b := newBench(t)
	clear(b.rates)
	b.seconds = 0.05
	rate, err := b.rateOf(t.Context(), &pythonWordCount)
	if err != nil || rate <= 0 {
		t.Fatalf("the rate is %v, %v", rate, err)
	}
	b.binary = "nothing"
	if again, err := b.rateOf(t.Context(), &pythonWordCount); err != nil || again != rate {
		t.Errorf("asked again the rate is %v, %v; want %v", again, err, rate)
	}
}

// scripted returns a row of two sides whose measurements give numbers in turn, and a log of which side was measured.
func scripted(numbers ...float64) (row, *strings.Builder) {
	log := &strings.Builder{}
	against := side{name: "B"}
	return row{
		group:   "test",
		title:   "row",
		subject: side{name: "A"},
		against: &against,
		figures: []figure{{throughput, atLeast(0.5)}},
		measure: func(_ context.Context, _ *bench, s side) (reading, error) {
			log.WriteString(s.name)
			next := numbers[0]
			numbers = numbers[1:]
			return reading{throughput: next}, nil
		},
	}, log
}

func TestSidesAlternate(t *testing.T) {
	b := newBench(t)
	b.pairs = 3
	r, log := scripted(10, 20, 10, 30, 40, 10)
	measured, err := b.measureRow(t.Context(), r, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if log.String() != "ABBAAB" {
		t.Errorf("measured in the order %s, want ABBAAB", log)
	}
	line := "| row: throughput | B | 30 words/s | 10 words/s | 3.00 (0.50–4.00) | ≥ 0.50 | reached |\n"
	if text := table([]result{measured}); !strings.Contains(text, line) {
		t.Errorf("the table is %s, without the line %s", text, line)
	}
}

func TestPairsBesideOtherProgramsAreThrownAway(t *testing.T) {
	b := newBench(t)
	b.pairs = 2
	shares := []float64{0.01, 0.11, 0, 0, 0.5, 0, 0.1, 0}
	b.others = func(work func() error) (float64, error) {
		next := shares[0]
		shares = shares[1:]
		return next, work()
	}
	r, _ := scripted(1, 1, 2, 1, 1, 1, 4, 1)
	measured, err := b.measureRow(t.Context(), r, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if measured.thrown != 2 || len(measured.pairs) != 2 || measured.pairs[1].value(throughput) != 0.25 {
		t.Errorf("%d pairs thrown away, kept %v", measured.thrown, measured.pairs)
	}
	if text := conditions(b.settings, time.Now(), []result{measured}); !strings.Contains(text, ": 2 of 4 pairs.") {
		t.Errorf("the conditions do not say that 2 of 4 pairs were thrown away: %s", text)
	}
	shares = []float64{1, 1, 1, 1, 1, 1}
	r, _ = scripted(1, 1, 1, 1, 1, 1)
	if _, err := b.measureRow(t.Context(), r, &bytes.Buffer{}); err == nil || len(shares) > 0 {
		t.Errorf("on a busy machine: %v", err)
	}
}

func TestErrorsNameTheSide(t *testing.T) {
	b := newBench(t)
	broken := errors.New("broken")
	r, _ := scripted()
	r.measure = func(context.Context, *bench, side) (reading, error) { return nil, broken }
	if _, err := b.measureRow(t.Context(), r, &bytes.Buffer{}); !errors.Is(err, broken) || err.Error() != "test: A: broken" {
		t.Errorf("the error is %v", err)
	}
}
