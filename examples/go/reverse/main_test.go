package main

import (
	"testing"

	"github.com/wallaroo-stream/wallaroo/examples/runner"
)

// TestExample runs the application over the data of the Python example.
func TestExample(t *testing.T) {
	t.Parallel()
	runner.Test(t, application, runner.Example{
		Folder:  "reverse",
		Inputs:  []runner.Input{{Pipeline: "Reverse", File: "texts.txt", Lines: true}},
		Outputs: []runner.Output{{File: "expected.txt"}},
	})
}

func TestReverse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "hello": "olleh", "Köln": "nlöK"} {
		if got := reverse(text); got != want {
			t.Errorf("%q backwards is %q, want %q", text, got, want)
		}
	}
}
