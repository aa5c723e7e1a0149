package application

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
	"github.com/wallaroo-stream/wallaroo/internal/pyhost"
)

const wordCount = "../../examples/python/word_count/word_count.py"

// log keeps records and lets a test wait for one.
type log struct {
	mu      sync.Mutex
	text    strings.Builder
	written chan struct{}
}

func newLog() *log { return &log{written: make(chan struct{}, 1)} }

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.written <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *log) await(t *testing.T, pattern string) []string {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		l.mu.Lock()
		found := regexp.MustCompile(pattern).FindStringSubmatch(l.text.String())
		l.mu.Unlock()
		if found != nil {
			return found
		}
		select {
		case <-l.written:
		case <-timeout:
			t.Fatalf("%q does not come in\n%s", pattern, l.text.String())
		}
	}
}

func options(l *log, app string, args ...string) Options {
	form := logging.Options{Level: slog.LevelInfo}
	free := address.Address{Host: address.Loopback}
	return Options{
		Load: Python,
		App:  app, Args: args, Name: "worker1", HTTP: HTTP{Address: &free}, Executors: 2, Partitions: 64,
		MaxFrame: 1 << 20, MaxConnections: 10, SinkBuffer: 1 << 20, DrainTimeout: time.Second,
		MoveBuffer: 1 << 20, MaxInFlight: 20 * time.Millisecond, MaxOutput: Output{Messages: 1 << 20, Bytes: 1 << 26},
		Log: logging.New(l, form), Always: logging.Always(l, form),
	}
}

func receive(t *testing.T) net.Listener {
	t.Helper()
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { receiver.Close() })
	return receiver
}

// TestNothingIsLeftWhenAnApplicationEnds runs one whole life in this process and looks for goroutines.
func TestNothingIsLeftWhenAnApplicationEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	receiver, l := receive(t), newLog()
	stop, stopped := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(context.Background(), stop, options(l, wordCount, "--in", ":0", "--out", receiver.Addr().String()))
	}()
	source := l.await(t, `msg="source listens" pipeline="Split and Count" address=(\S+)\n`)[1]
	l.await(t, `msg=ready application="Word Count Application" sources="Split and Count=`+regexp.QuoteMeta(source)+`" http=127`)
	sender, err := net.Dial("tcp", source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sender.Write([]byte("\x00\x00\x00\x0fwhy hello world")); err != nil {
		t.Fatal(err)
	}
	out, err := receiver.Accept()
	if err != nil {
		t.Fatal(err)
	}
	want := "why => 1\nhello => 1\nworld => 1\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(out, got); err != nil || string(got) != want {
		t.Errorf("received %q, %v", got, err)
	}
	stopped()
	sender.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	out.Close()
}

// TestNothingIsLeftWhenItIsToldToEndAtOnce ends the context while the sink still waits for its receiver.
func TestNothingIsLeftWhenItIsToldToEndAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	l := newLog()
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, ctx, options(l, wordCount, "--in", ":0", "--out", "127.0.0.1:9")) }()
	l.await(t, "receiver is away")
	enough := errors.New("enough")
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Error(err)
	}
}

func TestAPortInUseIsAConfigError(t *testing.T) {
	defer goleak.VerifyNone(t)
	receiver := receive(t)
	defer receiver.Close()
	taken := receiver.Addr().String()
	err := Run(context.Background(), context.Background(), options(newLog(), wordCount, "--in", taken, "--out", taken))
	var config *ConfigError
	if !errors.As(err, &config) || !strings.Contains(err.Error(), `source "Split and Count/source": listen tcp `+taken) ||
		!strings.Contains(err.Error(), "choose another port in --in") {
		t.Errorf("Run: %v", err)
	}
}

func TestAnHTTPPortInUseIsAConfigErrorIfItWasAskedFor(t *testing.T) {
	defer goleak.VerifyNone(t)
	taken := receive(t)
	defer taken.Close()
	a, err := address.Parse(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := options(newLog(), wordCount)
	o.HTTP.Address = &a
	var config *ConfigError
	if err := Run(context.Background(), context.Background(), o); !errors.As(err, &config) ||
		!strings.Contains(err.Error(), "choose another port in --http, or 0 for a free one") {
		t.Errorf("Run: %v", err)
	}
}

// minimal is an application of one pipeline.
const minimal = `import wallaroo
@wallaroo.decoder(header_length=1, length_fmt="B")
def decode(data):
    return data
def application_setup(args):
    builder = wallaroo.ApplicationBuilder("Minimal")
    builder.new_pipeline("p", wallaroo.TCPSourceConfig("127.0.0.1", 0, decode))
    return builder.done().build()
`

func TestAnApplicationThatCannotBeLoadedSaysWhy(t *testing.T) {
	defer goleak.VerifyNone(t)
	folder := t.TempDir()
	for name, c := range map[string]struct {
		source, message string
		code            int
	}{
		"raises.py":  {"def application_setup(args):\n    raise ValueError('oops')\n", "ValueError: oops", 2},
		"leaves.py":  {"import sys\nsys.exit('no licence')\n", "no licence", 2},
		"done.py":    {"import sys\nprint('usage')\nsys.exit(0)\n", "", 0},
		"nothing.py": {"def application_setup(args):\n    pass\n", "returned None, not an application", 2},
		"half.py":    {"def serialize(value):\n    return b''\n" + minimal, "define both serialize(object)", 2},
		"address.py": {`import wallaroo
def application_setup(args):
    host, port = wallaroo.tcp_parse_input_addrs(["--in", ":1"])[1]
`, "--in has 1 address, but the application asks for number 2", 2},
		"no_setup.py": {"x = 1\n", "application_setup(args)", 2},
		"state.py": {`import wallaroo
@wallaroo.decoder(header_length=1, length_fmt="B")
def decode(data):
    return data
@wallaroo.partition
def key(data):
    return "k"
@wallaroo.state_computation(name="count")
def count(data, state):
    return (data, True)
class State:
    def __init__(self):
        raise ValueError("not today")
def application_setup(args):
    builder = wallaroo.ApplicationBuilder("State")
    builder.new_pipeline("p", wallaroo.TCPSourceConfig("127.0.0.1", 0, decode))
    return builder.to_state_partition(count, State, "state", key, ["k"]).done().build()
`, "not today", 2},
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(c.source), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Run(context.Background(), context.Background(), options(newLog(), path))
		var load *pyhost.LoadError
		if !errors.As(err, &load) || load.Code != c.code {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(err.Error(), c.message) || strings.Contains(err.Error(), "_load.py") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestADeathWhileLoadingIsNoWrongUse if it came of a signal: a supervisor may start the application again.
func TestADeathWhileLoadingIsNoWrongUse(t *testing.T) {
	defer goleak.VerifyNone(t)
	for end, wrong := range map[string]bool{
		"os.kill(os.getpid(), signal.SIGKILL)": false,
		"os.kill(os.getpid(), signal.SIGUSR1)": false,
		"os._exit(3)":                          true,
	} {
		path := filepath.Join(t.TempDir(), "dies.py")
		if err := os.WriteFile(path, []byte("import os, signal\n"+end+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Run(context.Background(), context.Background(), options(newLog(), path))
		if _, is := errors.AsType[*ConfigError](err); is != wrong || err == nil || !strings.Contains(err.Error(), "the Python process (pid ") {
			t.Errorf("%s: %v, a wrong use: %t", end, err, is)
		}
	}
}

func TestCheckTellsThePlan(t *testing.T) {
	defer goleak.VerifyNone(t)
	p, err := Check(context.Background(), options(newLog(), wordCount, "--in", ":1", "--out", ":2"))
	if err != nil {
		t.Fatal(err)
	}
	want := `Split and Count/source source
Split and Count/split into words computation
Split and Count/Count Word state computation state=word totals
Split and Count/sink sink
`
	if got := p.Listing(); got != want {
		t.Errorf("listing\n%s\nwant\n%s", got, want)
	}
}
