package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestTheCommandsOfTheReadme runs the commands of its examples, with ports that are free.
func TestTheCommandsOfTheReadme(t *testing.T) {
	t.Parallel()
	var commands [][]string
	http := freePort(t)
	ports := strings.NewReplacer("7002", freePort(t), "7010", freePort(t), "5050", http)
	for line := range strings.Lines(readme(t)) {
		if rest, ok := strings.CutPrefix(line, "bin/wallaroo "); ok {
			commands = append(commands, strings.Fields(ports.Replace(rest)))
		}
	}
	if len(commands) != 4 {
		t.Fatalf("commands %q", commands)
	}
	receive, out := start(t, commands[0])
	run, _ := start(t, append(commands[1], "--http", "127.0.0.1:"+http))
	send, _ := start(t, commands[2])
	lines(t, out, 400) // the README has more words than that
	executors, told := start(t, commands[3])
	if line, err := told.ReadString('\n'); err != nil || !strings.Contains(line, "-> 4: ") {
		t.Errorf("%q, %v\n%s", line, err, executors.Stderr)
	}
	for _, cmd := range []*exec.Cmd{send, executors, run, receive} {
		if cmd != send && cmd != executors {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: %v\n%s", cmd.Args, err, cmd.Stderr)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start starts a command in the root of the project; what it prints comes through the reader.
func start(t *testing.T, arguments []string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command("wallaroo", arguments...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Stderr = newCapture()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewReader(out)
}

// TestTheProgramOfTheReadme compares what it shows of the word count with the example itself.
func TestTheProgramOfTheReadme(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", "python", "word_count", "word_count.py"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(readme(t), "```python\n")
	shown, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("no program is shown")
	}
	squeeze := func(text string) string { return strings.Join(strings.Fields(text), "") }
	program := squeeze(string(data))
	for part := range strings.SplitSeq(shown, "\n\n") {
		part = strings.TrimSuffix(strings.TrimSpace(part), "...")
		if !strings.Contains(program, squeeze(part)) {
			t.Errorf("the example has nothing like this:\n%s", part)
		}
	}
}
