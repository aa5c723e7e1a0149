package main

import (
	"math"
	"testing"

	"github.com/wallaroo-stream/wallaroo/examples/runner"
)

// TestExample runs the application over the data of the Python example.
func TestExample(t *testing.T) {
	t.Parallel()
	fahrenheit := func(degrees float32) string { return runner.Number(float64(degrees)) }
	runner.Test(t, application, runner.Example{
		Folder:  "celsius",
		Inputs:  []runner.Input{{Pipeline: "Convert", File: "temperatures.msg"}},
		Outputs: []runner.Output{{File: "expected.txt", Next: runner.Record(fahrenheit)}},
	})
}

func TestKnownTemperatures(t *testing.T) {
	t.Parallel()
	for celsius, want := range map[float64]float64{-40: -40, 0: 32, 37: 98.6, 100: 212} {
		if got := add(multiply(celsius)); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v degrees Celsius are %v degrees Fahrenheit, want %v", celsius, got, want)
		}
	}
}
