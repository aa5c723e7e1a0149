package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/usage"
)

// TestMain lets the test's executable stand in for wallaroo: `run APP --in H:P --out H:P …` runs the plain loop, unless APP is
// "wants another Python"; and for the word count in Go: `--in H:P --out H:P …` does.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 6 && os.Args[1] == "run":
		os.Exit(standIn(os.Args[2], os.Args[6]))
	case len(os.Args) > 4 && os.Args[1] == "--in":
		os.Exit(standIn("", os.Args[4]))
	}
	os.Exit(m.Run())
}

func standIn(application, out string) int {
	if application == wantsAnotherPython {
		fmt.Fprintln(os.Stderr, pythonMessage)
		return 2
	}
	signal.Ignore(syscall.SIGTERM) // The loop ends with its input.
	loop := program.PythonLoop(filepath.Join("bench", "reference", "word_count_loop.py"), out)
	err := syscall.Exec("/usr/bin/env", append([]string{"env", loop.Path}, loop.Args...), os.Environ())
	fmt.Fprintln(os.Stderr, err)
	return 1
}

const (
	wantsAnotherPython = "wants another Python"
	pythonMessage      = "wallaroo: Python 3.10 or later is needed"
)

// runDemo runs the demo at the root of the project with the stand-in and returns its exit code and what it writes.
func runDemo(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir("../..")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var errors bytes.Buffer
	code = run(t.Context(), append([]string{"--binary", self, "--native", self}, args...), out, &errors)
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return code, string(text), errors.String()
}

func TestDemoCountsTheText(t *testing.T) {
	code, stdout, stderr := runDemo(t, "--seconds", "1.2", "--rate", "20000")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	if right := strings.Count(stdout, "\nall counts right\n"); right != 2 {
		t.Errorf("%d of the two have counted: %s", right, stdout)
	}
	for _, part := range []string{
		"Wallaroo runs examples/python/", "The same in Go is ", "messages in", "words out", "words/s", "  the ", "█████", "p50", "p99",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("the output lacks %q: %s", part, stdout)
		}
	}
}

func TestDemoPassesOnWhichPythonIsNeeded(t *testing.T) {
	code, _, stderr := runDemo(t, "--application", wantsAnotherPython)
	if code != 2 || stderr != pythonMessage+"\n" {
		t.Errorf("exit code %d, %q; want 2 and what the engine says", code, stderr)
	}
}

func TestDemoSaysWhatIsMissing(t *testing.T) {
	for _, args := range [][]string{{"--binary", "no/such/binary"}, {"--native", "no/such/program"}, {"--text", "no/such/text"}} {
		t.Run(args[0], func(t *testing.T) {
			code, _, stderr := runDemo(t, args...)
			if code != 1 || !strings.Contains(stderr, args[1]) || !strings.Contains(stderr, "make demo") {
				t.Errorf("exit code %d, %q", code, stderr)
			}
		})
	}
}

func TestDemoCanBeInterrupted(t *testing.T) {
	t.Chdir("../..")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		shown := bufio.NewScanner(reader)
		for shown.Scan() {
			if strings.Contains(shown.Text(), "messages in") { // It is in the middle of its work.
				interrupt()
			}
		}
	}()
	var errors bytes.Buffer
	if code := run(ctx, []string{"--binary", self, "--native", self, "--seconds", "3600", "--rate", "1000"}, writer, &errors); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	writer.Close()
	if errors.String() != "demo: interrupted\n" {
		t.Errorf("it says %q", errors.String())
	}
	table, err := usage.Now()
	if err != nil {
		t.Fatal(err)
	}
	if left := table.Descendants(os.Getpid()); len(left) > 0 {
		t.Errorf("the processes %v are left", left)
	}
}

func TestDemoRefusesWrongUse(t *testing.T) {
	for _, args := range [][]string{{"--rate", "0"}, {"--seconds", "-1"}, {"more"}, {"--colour"}} {
		if code, _, stderr := runDemo(t, args...); code != 2 || stderr == "" {
			t.Errorf("%q: exit code %d, %q", args, code, stderr)
		}
	}
}

func TestSplit(t *testing.T) {
	for message, want := range map[string][]string{
		"":                           nil,
		" ... -- ":                   nil,
		"The cat, the \"HAT\"":       {"the", "cat", "the", "hat"},
		"don't (stop)  now!":         {"don't", "stop", "now"},
		"one\ntwo three":             {"one", "two", "three"},
		"a\tb 42 => 7":               {"a\tb", "42", "7"},
		"'Tis well-known: É\u00a0Ü.": {"tis", "well-known", "é\u00a0ü"},
	} {
		if got := split(message); !slices.Equal(got, want) {
			t.Errorf("split(%q) = %q, want %q", message, got, want)
		}
	}
}

func TestReadText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	for content, want := range map[string]int{"one\n\ntwo\n": 3, "one": 1, "": 0, " .\n": 0, "\xff one": 0, "ΟΔΟΣ": 0} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		lines, err := readText(file)
		if len(lines) != want || (err != nil) != (want == 0) {
			t.Errorf("%q has the lines %q, %v; want %d", content, lines, err, want)
		}
	}
}
