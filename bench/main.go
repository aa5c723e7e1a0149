// Command bench measures Wallaroo against programs that do the same work by hand, and writes the table of docs/performance.md.
//
//	go run ./bench [throughput|latency|metrics|executors|resize|memory|startup|checkpoints|recovery|durability|all] [flags]
//
// Run it at the root of the project, on a machine that has nothing else to do, after `make build`. A row of the table is data and a
// function that measures: see rows.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/wallaroo-stream/wallaroo/bench/reference/echo"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

// tableFile is where the table goes if all groups of rows are measured.
const tableFile = "docs/performance.md"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 3 && args[0] == echo.Word {
		return exitCode(echo.Run(ctx, args[1], args[2], stderr), stderr)
	}
	settings, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	return exitCode(measureAll(ctx, settings, stdout), stderr)
}

func exitCode(err error, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	return 0
}

// settings are what the command line says.
type settings struct {
	group      string
	only       string // what the title of a row has that is measured; "" for all
	pairs      int
	seconds    float64
	maxOthers  float64 // the percentage of the processors that other programs may take, lest a pair be thrown away
	binary     string
	goBinary   string // the Go word count
	goLoop     string // what it is compared with
	goKeyState string // the Go count of keys with state
	out        string // where the table is written; "" for nowhere
	command    string // the command line itself
}

func parse(args []string, stderr io.Writer) (settings, error) {
	s := settings{group: allGroups, command: strings.Join(append([]string{"go run ./bench"}, args...), " ")}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		s.group, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.only, "only", "", "`text` that the titles have of the rows to measure; none are written where this leaves some out")
	flags.IntVar(&s.pairs, "pairs", 9, "pairs of measurements for each row")
	flags.Float64Var(&s.seconds, "seconds", 4, "seconds that a measurement takes, about")
	flags.Float64Var(&s.maxOthers, "max-others", 10, "percent of the processors that others may take before a pair is thrown away")
	flags.StringVar(&s.binary, "binary", "bin/wallaroo", "the wallaroo `executable`")
	flags.StringVar(&s.goBinary, "go-binary", "bin/word_count", "the `executable` of the Go word count")
	flags.StringVar(&s.goLoop, "go-loop", "bin/word_count_loop", "the `executable` of the plain Go loop")
	flags.StringVar(&s.goKeyState, "go-key-state", "bin/key_state", "the `executable` of the Go count of keys with state")
	flags.StringVar(&s.out, "out", tableFile, "`file` to write the table into; one group alone is written only where this says so")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: go run ./bench [%s] [flags]\n\n", strings.Join(groups(), "|"))
		for _, row := range rows {
			fmt.Fprintf(stderr, "  %-12s%s\n", row.group, row.title)
		}
		fmt.Fprintf(stderr, "\nFor example: go run ./bench latency --pairs 3\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if (s.group != allGroups || s.only != "") && !given(flags, "out") {
		s.out = ""
	}
	return s, s.validate(flags.Args())
}

func given(flags *flag.FlagSet, name string) (found bool) {
	flags.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

func (s settings) validate(rest []string) error {
	switch {
	case !slices.Contains(groups(), s.group):
		return fmt.Errorf("%q is nothing to measure; choose one of %s", s.group, strings.Join(groups(), ", "))
	case len(s.rows()) == 0:
		return fmt.Errorf("--only: no row of %s has %q in its title", s.group, s.only)
	case len(rest) > 0:
		return fmt.Errorf("%q is one argument too many", rest[0])
	case s.pairs < 1:
		return fmt.Errorf("--pairs is %d; it must be at least 1", s.pairs)
	case s.seconds <= 0:
		return fmt.Errorf("--seconds is %v; it must be above 0", s.seconds)
	}
	return nil
}
