// Command demo shows Wallaroo at work: it sends a text to the word count over TCP, receives the counts over TCP, checks each of them, and
// shows what came of it; first to the word count in Python, then to the one in Go.
//
//	go run ./bench/demo
//
// Run it at the root of the project by `make demo`, which builds the two.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/wallaroo-stream/wallaroo/bench/program"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// settings are what the command line says.
type settings struct {
	binary      string
	application string
	native      string
	text        string
	rate        float64
	seconds     float64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stdout *os.File, stderr io.Writer) int {
	settings, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "demo:", err)
		return exitUsage
	}
	if err := show(ctx, settings, stdout); err != nil {
		return explain(ctx, err, stderr)
	}
	return 0
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.binary, "binary", "bin/wallaroo", "the wallaroo `executable`")
	flags.StringVar(&s.application, "application", "examples/python/word_count/word_count.py", "the word count, a Python `file`")
	flags.StringVar(&s.native, "native", "bin/word_count", "the word count in Go, an `executable`")
	flags.StringVar(&s.text, "text", "examples/python/word_count/text.txt", "the `file` whose words are counted; each line is a message")
	flags.Float64Var(&s.rate, "rate", 200_000, "words a second, unless the machine is too slow for that")
	flags.Float64Var(&s.seconds, "seconds", 6, "seconds that each of the two takes, about")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("%q is one argument too many", flags.Arg(0))
	case s.rate <= 0:
		return s, fmt.Errorf("--rate is %v; it must be above 0", s.rate)
	case s.seconds <= 0:
		return s, fmt.Errorf("--seconds is %v; it must be above 0", s.seconds)
	}
	return s, nil
}

// explain says why the demo ended early and returns the exit code. What the engine says of a wrong machine, for instance which Python it
// needs, is passed through with its own exit code.
func explain(ctx context.Context, err error, stderr io.Writer) int {
	var exit *program.ExitError
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "demo: interrupted")
		return exitFailed
	case errors.As(err, &exit) && exit.Code == exitUsage:
		fmt.Fprint(stderr, exit.Output)
		return exitUsage
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(stderr, "demo: %v\nRun it at the root of the project, by \"make demo\".\n", err)
		return exitFailed
	}
	fmt.Fprintln(stderr, "demo:", err)
	return exitFailed
}
