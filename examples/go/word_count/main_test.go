package main

import (
	"slices"
	"testing"

	"github.com/wallaroo-stream/wallaroo/examples/runner"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// TestExample runs the application over the data of the Python example.
func TestExample(t *testing.T) {
	t.Parallel()
	runner.Test(t, application, runner.Example{
		Folder:  "word_count",
		Inputs:  []runner.Input{{Pipeline: "Split and Count", File: "text.txt", Lines: true}},
		Outputs: []runner.Output{{File: "expected.txt", Key: `^\S+`}},
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	got := slices.Collect(split("The cat, and the \"hat\".\n--"))
	if want := []string{"the", "cat", "and", "the", "hat"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNotUTF8 has a message that is no text: it fails, as in Python, and costs no other.
func TestNotUTF8(t *testing.T) {
	t.Parallel()
	result := wallarootest.Run(t, application(), wallarootest.Inputs("a", "b\xff", "a"), wallarootest.Failures())
	if got, want := result.Text(), "a => 1\na => 2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if f := result.Failures; len(f) != 1 || f[0].Error != "the message is not UTF-8" || f[0].Input != "b\xff" {
		t.Errorf("failures %v", f)
	}
}

func TestWordCount(t *testing.T) {
	t.Parallel()
	result := wallarootest.Run(t, application(), wallarootest.Inputs("A b", "a"))
	if got, want := result.Text(), "a => 1\nb => 1\na => 2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWordCountWhileStateMoves(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		inputs := wallarootest.Inputs("A b", "a")
		result := wallarootest.Run(t, application(), inputs, wallarootest.Executors(3), wallarootest.Seed(seed))
		got := slices.Sorted(slices.Values(result.Output()))
		if want := []string{"a => 1\n", "a => 2\n", "b => 1\n"}; !slices.Equal(got, want) {
			t.Errorf("seed %d: got %q, want %q", seed, got, want)
		}
	}
}
