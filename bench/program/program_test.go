package program

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

const readyLine = `time=2026-01-01T00:00:00Z level=INFO msg=ready application="A" sources="Split and Count=127.0.0.1:1234,b=[::1]:5"`

// TestMain lets the test's executable be the program that a test starts: the first argument says how it behaves.
func TestMain(m *testing.M) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "until SIGTERM":
		fmt.Fprintln(os.Stderr, readyLine)
		<-terminated
		os.Exit(0)
	case "bad end":
		fmt.Fprintln(os.Stderr, readyLine)
		<-terminated
		fmt.Fprintln(os.Stderr, "3 messages are lost")
		os.Exit(1)
	case "never ready":
		fmt.Fprintln(os.Stderr, "needs another Python")
		os.Exit(2)
	case "until its input ends":
		fmt.Fprintln(os.Stderr, readyLine)
		os.Exit(0) // It has none.
	}
	os.Exit(m.Run())
}

func self(t *testing.T, mode string) Command {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0") // The race detector otherwise keeps each process for a second.
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{Name: "program", Path: executable, Args: []string{mode}}
}

func TestFinishEndsByTheSignal(t *testing.T) {
	p, err := Start(t.Context(), self(t, "until SIGTERM"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Address() != "127.0.0.1:1234" || p.PID() <= 0 || p.StartedIn() <= 0 {
		t.Errorf("address %q, process %d, started in %v", p.Address(), p.PID(), p.StartedIn())
	}
	if err := p.Finish(); err != nil {
		t.Error(err)
	}
}

func TestFinishWaitsForWhatEndsByItself(t *testing.T) {
	command := self(t, "until its input ends")
	command.EndsWithInput = true
	p, err := Start(t.Context(), command)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Finish(); err != nil {
		t.Error(err)
	}
}

func TestBadEndIsAnExitError(t *testing.T) {
	p, err := Start(t.Context(), self(t, "bad end"))
	if err != nil {
		t.Fatal(err)
	}
	expectExit(t, p.Finish(), 1, "3 messages are lost\n")
}

func TestStartOfAProgramThatIsNeverReady(t *testing.T) {
	_, err := Start(t.Context(), self(t, "never ready"))
	expectExit(t, err, 2, "needs another Python\n")
}

func TestWhileEndsWithTheProgram(t *testing.T) {
	p, err := Start(t.Context(), self(t, "bad end"))
	if err != nil {
		t.Fatal(err)
	}
	during, release := p.While(t.Context())
	defer release()
	if err := p.terminate(); err != nil {
		t.Fatal(err)
	}
	<-during.Done()
	expectExit(t, context.Cause(during), 1, "3 messages are lost\n")
}

func TestProgramEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx, self(t, "until SIGTERM"))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-p.ended
	p.Abort()
}

func TestStartOfNothing(t *testing.T) {
	if _, err := Start(t.Context(), Command{Name: "nothing", Path: "./no/such/file"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("starting a file that is not there: %v", err)
	}
}

// expectExit fails the test unless err is the ExitError of a code and says what the program said.
func expectExit(t *testing.T, err error, code int, said string) {
	t.Helper()
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != code || !strings.HasSuffix(exit.Output, said) {
		t.Errorf("%#v is no ExitError of code %d that says %q", err, code, said)
	}
}

func TestSourceAddress(t *testing.T) {
	for line, want := range map[string]string{
		readyLine: "127.0.0.1:1234",
		`level=INFO msg=ready sources="a \"quoted\" name=[::1]:7" http=off`: "[::1]:7",
		`level=INFO msg=ready sources="" http=off`:                          "",
		`level=INFO msg=ready http=off`:                                     "",
	} {
		if address, found := sourceAddress(line); address != want || found != (want != "") {
			t.Errorf("found %q in %s, want %q", address, line, want)
		}
	}
}

func TestHTTPAddress(t *testing.T) {
	for line, want := range map[string]string{
		readyLine + "\n": "",
		`level=INFO msg=ready sources="a=b" http=off`:       "",
		"msg=ready sources=\"a=b\" http=127.0.0.1:5050\n":   "127.0.0.1:5050",
		"msg=ready sources=\"a=b\" http=[::1]:5 more=yes\n": "[::1]:5",
	} {
		if address := httpAddress(line); address != want {
			t.Errorf("found %q in %s, want %q", address, line, want)
		}
	}
}

func TestOutputKeepsTheLastLinesAndTellsAll(t *testing.T) {
	var told []string
	o := newOutput(func(line string) { told = append(told, line) })
	for i := range 2 * tailLines {
		fmt.Fprintf(o, "line %d\n", i)
	}
	fmt.Fprint(o, "and ")
	fmt.Fprint(o, "a half")
	tail := o.tail()
	if lines := strings.Split(tail, "\n"); len(lines) != tailLines+1 || lines[0] != "line 40" || lines[tailLines] != "and a half" {
		t.Errorf("the last lines are %q", tail)
	}
	if len(told) != 2*tailLines || told[3] != "line 3" {
		t.Errorf("told were %q", told)
	}
}

func TestKillEndsWithoutAWord(t *testing.T) {
	p, err := Start(t.Context(), self(t, "bad end"))
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	expectExit(t, p.Finish(), -1, readyLine+"\n")
}
