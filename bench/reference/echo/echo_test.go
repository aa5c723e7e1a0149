package echo_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/reference/echo"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
)

// TestMain lets the test's executable be the echo.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == echo.Word {
		if err := echo.Run(context.Background(), os.Args[2], os.Args[3], os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestEchoGivesBackEachFrame(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // The race detector otherwise keeps the echo's process for a second.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tape := load.RandomTapes(1, 1, load.Shape{Frames: 500, Words: 10, Vocabulary: 100})[0]
	r, err := rig.Start(t.Context(), func(out string) program.Command { return echo.Command(self, out) }, load.Echoes(tape), tape)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Flood(t.Context(), 20_000); err != nil {
		t.Fatal(err)
	}
	schedule := r.Sender.Schedule(time.Now(), 5000)
	latency := r.Receiver.Record(schedule, 100)
	if err := r.Pace(t.Context(), schedule, 500); err != nil {
		t.Fatal(err)
	}
	if latency.Count() != 400 {
		t.Errorf("%d latencies were taken, want 400", latency.Count())
	}
	if err := r.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEchoEndsWithItsContext(t *testing.T) {
	receiver, err := net.Listen("tcp", program.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	ctx, cancel := context.WithCancel(t.Context())
	// The first thing that it logs is that it listens.
	log := writerFunc(func(text string) {
		if !strings.Contains(text, "msg=ready") {
			t.Errorf("it logs %q", text)
		}
		cancel()
	})
	if err := echo.Run(ctx, program.AnyPort, receiver.Addr().String(), log); !errors.Is(err, net.ErrClosed) {
		t.Errorf("ended with %v, want %v", err, net.ErrClosed)
	}
}

func TestEchoWithoutAReceiver(t *testing.T) {
	nobody, err := net.Listen("tcp", program.AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	if err := echo.Run(t.Context(), program.AnyPort, nobody.Addr().String(), os.Stderr); err == nil {
		t.Error("echoes to a port where nobody listens")
	}
}

type writerFunc func(text string)

func (f writerFunc) Write(data []byte) (int, error) {
	f(string(data))
	return len(data), nil
}
