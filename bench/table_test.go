package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpreadOf(t *testing.T) {
	for _, test := range []struct {
		numbers []float64
		want    spread
	}{
		{[]float64{2}, spread{2, 2, 2}},
		{[]float64{3, 1, 2}, spread{2, 1, 3}},
		{[]float64{4, 1, 2, 3}, spread{2.5, 1, 4}},
	} {
		if got := spreadOf(test.numbers); got != test.want {
			t.Errorf("spreadOf(%v) = %v, want %v", test.numbers, got, test.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		goal   goal
		number float64
		want   string
	}{
		{none, 1, ""},
		{atLeast(2), 2, "reached"},
		{atLeast(2), 1.9, "**missed**"},
		{atMost(2), 2, "reached"},
		{atMost(2), 2.1, "**missed**"},
		{below(2), 1.9, "reached"},
		{below(2), 2, "**missed**"},
	} {
		if got := test.goal.verdict(test.number); got != test.want {
			t.Errorf("%v says %q of %v, want %q", test.goal, got, test.number, test.want)
		}
	}
}

func TestFormatHasUnits(t *testing.T) {
	for want, got := range map[string]string{
		"912,345 words/s": throughput.format(912_345.6),
		"1.23 s":          processorTime.format(1.234),
		"1.5 MiB":         goMemory.format(1.5 * (1 << 20)),
		"2.31 ms":         p99.format(0.00231),
		"163 ms":          startToReady.format(0.1634),
		"50,123":          keysMoved.format(50_123),
		"512 messages/s":  messages.format(512.3),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWriteTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "performance.md")
	for _, text := range []string{"first\n", "second\n"} {
		if err := writeTable(file, text); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(content), "# Performance\n") || !strings.HasSuffix(string(content), beginMark+"second\n"+endMark) {
		t.Errorf("the file holds %s", content)
	}
	if err := os.WriteFile(file, []byte("no marks\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeTable(file, "third\n"); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("into a file without marks: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		args, want string // want: group, pairs, seconds, out, or a part of the error
	}{
		{"", "all 9 4 docs/performance.md"},
		{"--pairs 3", "all 3 4 docs/performance.md"},
		{"latency", "latency 9 4 "},
		{"latency --seconds 0.5 --out a.md", "latency 9 0.5 a.md"},
		{"all --pairs 0", "--pairs is 0"},
		{"--seconds -1", "--seconds is -1"},
		{"speed", "\"speed\" is nothing to measure; choose one of throughput, latency, metrics, executors, resize, memory, startup, " +
			"checkpoints, recovery, durability, all"},
		{"all more", "\"more\" is one argument too many"},
		{"--pear 3", "-pear"},
	} {
		s, err := parse(strings.Fields(test.args), &bytes.Buffer{})
		got := fmt.Sprintf("%s %d %v %s", s.group, s.pairs, s.seconds, s.out)
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%q gives %q, want %q", test.args, got, test.want)
		}
	}
}
