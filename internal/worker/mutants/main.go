// Mutants takes away one condition of the door, or of executors in Go, at a time, and shows that the random histories of internal/worker
// notice, or at least the tests of these parts:
//
//	go run ./internal/worker/mutants [PART OF A NAME]
//
// It prints a line for each, and ends with 1 if one survives. The tree is not changed: files are replaced in the build alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	histories = 2000 // that a mutant has to get through
	atOnce    = 2    // mutants under test
	patience  = 5 * time.Minute
)

func main() {
	dir, err := os.MkdirTemp("", "mutants")
	if err == nil {
		err = run(context.Background(), dir, strings.Join(os.Args[1:], " "))
		_ = os.RemoveAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run tests the mutants whose names hold a text, a few at once, and prints what becomes of each, in their order.
func run(ctx context.Context, dir, only string) error {
	places := make(chan struct{}, atOnce)
	type verdict struct {
		text  string
		alive bool
		err   error
	}
	var verdicts []chan verdict
	for n, m := range slices.Concat(mutants, ofGraphs) {
		if !strings.Contains(m.what, only) {
			continue
		}
		told := make(chan verdict, 1)
		verdicts = append(verdicts, told)
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			text, alive, err := m.try(ctx, filepath.Join(dir, strconv.Itoa(n)))
			told <- verdict{text, alive, err}
		}()
	}
	alive := 0
	for _, told := range verdicts {
		v := <-told
		if v.err != nil {
			return v.err
		}
		fmt.Println(v.text)
		if v.alive {
			alive++
		}
	}
	if alive > 0 {
		return fmt.Errorf("%d of %d mutants survive", alive, len(verdicts))
	}
	return nil
}

// try builds the tests with the mutant in place, runs the histories, and tells in a line what became of it.
func (m *mutant) try(ctx context.Context, dir string) (text string, alive bool, err error) {
	overlay, err := m.overlay(dir)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", m.what, err)
	}
	binary := filepath.Join(dir, "histories")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binary, "./internal/worker")
	if out, err := build.CombinedOutput(); err != nil {
		return "", false, fmt.Errorf("%s: %w\n%s", m.what, err, out)
	}
	test := exec.CommandContext(ctx, binary, "-test.run", "^TestHistories$", "-test.timeout", patience.String(), "-pythons", "0",
		"-histories", strconv.Itoa(histories), "-progress")
	test.Dir = filepath.Join("internal", "worker")
	out, err := test.CombinedOutput()
	if err == nil {
		return m.tryUnits(ctx, overlay)
	}
	return fmt.Sprintf("%d  %-75s killed after %s: %s", m.rule, m.what, count(out), property(out)), false, nil
}

// tryUnits runs the tests of the door, and of executors in Go, against a mutant that the histories did not notice.
func (m *mutant) tryUnits(ctx context.Context, overlay string) (text string, alive bool, err error) {
	test := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "./internal/protocol/door", "./internal/gohost", ".")
	out, err := test.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); failed {
		return fmt.Sprintf("%d  %-75s killed after %d by tests of one part: %s", m.rule, m.what, histories, property(out)), false, nil
	}
	return fmt.Sprintf("%d  %-75s SURVIVES %d histories", m.rule, m.what, histories), true, err
}

// overlay writes the changed file, and what tells the build to take it.
func (m *mutant) overlay(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("what it changes stands %d times in %s, and must stand there once: the list must follow the code", n, m.file)
	}
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	changed, list := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	mutated := strings.Replace(string(source), m.old, m.becomes, 1)
	if err := os.WriteFile(changed, []byte(mutated), 0o600); err != nil { //nolint:gosec // the folder is this program's own
		return "", err
	}
	return list, os.WriteFile(list, replace, 0o600)
}

var begun = regexp.MustCompile(`(?m)^history (\d+)$`)

// count is how many histories had begun.
func count(out []byte) string {
	all := begun.FindAllSubmatch(out, -1)
	if len(all) == 0 {
		return "none"
	}
	return string(all[len(all)-1][1])
}

// property is what fell: the first complaint of the test, or the way in which it ended.
func property(out []byte) string {
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		_, complaint, found := strings.Cut(line, "_test.go:")
		switch {
		case found:
			_, complaint, _ = strings.Cut(complaint, ": ")
			return short(complaint)
		case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
			return short(line)
		}
	}
	return "?"
}

func short(text string) string {
	const most = 70
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
