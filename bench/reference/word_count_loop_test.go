// Package reference holds the programs that Wallaroo is compared with, and their tests.
package reference_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
)

func loop(out string) program.Command {
	return program.PythonLoop("word_count_loop.py", out)
}

func TestLoopCountsAFlood(t *testing.T) {
	tape := load.RandomTapes(1, 1, load.Shape{Frames: 700, Words: 10, Vocabulary: 300})[0]
	const frames = 3000 // some buffers full
	r, err := rig.Start(t.Context(), loop, load.Counts(tape), tape)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Flood(t.Context(), frames); err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLoopAnswersEachPacedFrame(t *testing.T) {
	tape := load.RandomTapes(2, 1, load.Shape{Frames: 100, Words: 5, Vocabulary: 300})[0]
	const frames = 300
	r, err := rig.Start(t.Context(), loop, load.Counts(tape), tape)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	schedule := r.Sender.Schedule(time.Now(), 3000)
	latency := r.Receiver.Record(schedule, frames/3)
	if err := r.Pace(t.Context(), schedule, frames); err != nil {
		t.Fatal(err)
	}
	if want := tape.Words(frames) - tape.Words(frames/3); latency.Count() != want {
		t.Errorf("%d latencies were taken, want %d", latency.Count(), want)
	}
	if err := r.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLoopSplitsAsTheExampleDoes(t *testing.T) {
	words := map[string][]string{
		"The cat, and the \"HAT\"!": {"the", "cat", "and", "the", "hat"},
		"":                          nil,
		"42 => 7; É\nlast":          {"42", "7", "é", "last"},
	}
	tape := load.NewTape(slices.Sorted(maps.Keys(words)), func(message string) []string { return words[message] })
	r, err := rig.Start(t.Context(), loop, load.Counts(tape), tape)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Flood(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}
