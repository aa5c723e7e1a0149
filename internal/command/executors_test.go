package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// imagined is a worker with two executors that does with a change what the test says.
type imagined struct {
	resize func(ctx context.Context, executors int) (worker.Resized, error)
}

func (i imagined) Figures() worker.Figures {
	return worker.Figures{Executors: []worker.ExecutorFigures{{Partitions: 600, Queued: 7, Waiting: 640, OutOfRoom: 1}, {Partitions: 424}}}
}

func (i imagined) Kept() *worker.Kept { return nil }

func (i imagined) Resize(ctx context.Context, executors int) (worker.Resized, error) {
	return i.resize(ctx, executors)
}

// token is that of the applications in these tests.
const token = "of-a-test"

// answering serves HTTP about an application until the test ends.
func answering(t *testing.T, about *control.Application) (at string) {
	t.Helper()
	listener, err := control.Listen(&address.Address{Host: address.Loopback})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, listener, about) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func processing(resize func(context.Context, int) (worker.Resized, error)) *control.Application {
	about := &control.Application{Token: token}
	about.Load(control.Loaded{Plan: &plan.Plan{}, Partitions: 1024, Worker: imagined{resize}})
	about.Set(status.Running, "")
	return about
}

// executors runs the command with the token and returns what it prints, its exit code and its error's text.
func executors(ctx context.Context, t *testing.T, tokens ...string) (out string, code int, text string) {
	t.Helper()
	return asks(ctx, newExecutors(), append(tokens, "--token-file", tokenFile(t))...)
}

// tokenFile is a file with the token.
func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// asks runs a command that asks an application and returns what it prints, its exit code and its error's text.
func asks(ctx context.Context, command *cobra.Command, tokens ...string) (out string, code int, text string) {
	var printed strings.Builder
	command.SilenceErrors, command.SilenceUsage = true, true
	command.SetArgs(tokens)
	command.SetOut(&printed)
	command.SetErr(&printed)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return printed.String(), 0, ""
	}
	code = exitUsage
	if exit, ok := errors.AsType[*exitError](err); ok {
		code = exit.code
	}
	return printed.String(), code, err.Error()
}

func TestExecutorsAreChangedAndShown(t *testing.T) {
	at := answering(t, processing(func(_ context.Context, n int) (worker.Resized, error) {
		r := worker.Resized{Before: 2, After: n, Took: 800 * time.Millisecond}
		if n != r.Before {
			r.Partitions, r.Markers, r.LongestWait = 341, 40, 12400*time.Microsecond
		}
		return r, nil
	}))
	for want, tokens := range map[string][]string{
		"executors 2 -> 3: 341 of 1024 partitions moved at 40 markers in 800 ms; " +
			"one that moved was closed for 12 ms at most, the others never\n": {"3"},
		"executors 2 -> 2: none of 1024 partitions had to move\n": {"2"},
		`{"before":2,"after":3,"partitions":1024,"partitions_moved":341,"markers":40,"longest_wait_seconds":0.0124,"took_seconds":0.8}` +
			"\n": {"3", "--json"},
		"2 executors share 1024 partitions\n" +
			"executor 0: 600 partitions, 7 messages queued, 640 bytes wait for partitions on their way to it, 1 edges from it without credit\n" +
			"executor 1: 424 partitions, 0 messages queued, 0 bytes wait for partitions on their way to it, 0 edges from it without credit\n": {},
		`{"executors":2,"partitions":1024,"each":[` +
			`{"executor":0,"partitions":600,"queued_messages":7,"move_buffer_bytes":640,"edges_without_credit":1},` +
			`{"executor":1,"partitions":424,"queued_messages":0,"move_buffer_bytes":0,"edges_without_credit":0}]}` + "\n": {"--json"},
	} {
		out, code, text := executors(t.Context(), t, append(tokens, "--at", at)...)
		if out != want || code != 0 {
			t.Errorf("%q: %d %s %s", tokens, code, text, out)
		}
	}
}

func TestExecutorsSaysWhatIsWrong(t *testing.T) {
	broken := answering(t, processing(func(_ context.Context, n int) (worker.Resized, error) {
		if n > 1024 {
			return worker.Resized{}, &worker.CountError{Executors: n, Partitions: 1024}
		}
		return worker.Resized{}, errors.New("start executor 2: no python")
	}))
	starting := &control.Application{Token: token}
	starting.Set(status.Starting, "loading the application")
	loading := answering(t, starting)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	nobody := gone.Addr().String()
	for _, c := range []struct {
		tokens []string
		code   int
		want   string
	}{
		{[]string{"3", "--at", broken}, exitFailed, "executors 3: start executor 2: no python"},
		{[]string{"1025", "--at", broken}, exitUsage, "executors: 1025 is not a number from 1 to 1024, the number of partitions"},
		{[]string{"2", "3", "--at", broken}, exitUsage, "2 3: there is one number, that of executors"},
		{[]string{"-12", "--at", broken}, exitUsage, `"-12" is not a number of executors: want one from 1 to the number of partitions`},
		{[]string{"-x", "--at", broken}, exitUsage, "unknown shorthand flag: 'x' in -x"},
		{[]string{"3", "--at", loading}, exitFailed, "the application is not processing: loading the application"},
		{[]string{"--at", loading}, exitFailed, "the application is not processing: loading the application"},
		{
			[]string{"3", "--at", nobody},
			exitFailed,
			fmt.Sprintf("nothing listens at %s: is the application running? its log says where HTTP answers", nobody),
		},
	} {
		if out, code, text := executors(t.Context(), t, c.tokens...); code != c.code || text != c.want || out != "" {
			t.Errorf("%q: %d %s %s", c.tokens, code, text, out)
		}
	}
}

func TestExecutorsInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	at := answering(t, processing(func(over context.Context, _ int) (worker.Resized, error) {
		interrupt()
		<-over.Done()
		return worker.Resized{}, over.Err()
	}))
	_, code, text := executors(ctx, t, "3", "--at", at)
	want := "interrupted; the change to 3 executors goes on: wallaroo executors --at " + at + " shows how they stand"
	if code != exitFailed || text != want {
		t.Errorf("%d %s", code, text)
	}
}

func TestWaitingIsShownFromASecondOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := newCapture()
		done := showWaiting(screen, true)
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		if text := screen.String(); text != "" {
			t.Errorf("%q", text)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		done()
		if text := screen.String(); !strings.Contains(text, "partitions move ... 2 s") || !strings.HasSuffix(text, "\r\x1b[K") {
			t.Errorf("%q", text)
		}
		silent := newCapture()
		showWaiting(silent, false)()
		if text := silent.String(); text != "" {
			t.Errorf("%q", text)
		}
	})
}
