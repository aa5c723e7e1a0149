package peer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// receiving is a Receiver that runs.
type receiving struct {
	*Receiver
	done   chan error
	status *told
}

// told is a status that a test can wait on.
type told struct {
	mu      sync.Mutex
	changed sync.Cond
	text    strings.Builder
}

func newTold() *told {
	s := &told{}
	s.changed.L = &s.mu
	return s
}

func (s *told) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed.Broadcast()
	return s.text.Write(p)
}

func (s *told) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the status says something.
func (s *told) await(want string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.text.String(), want) {
		s.changed.Wait()
	}
}

func receive(ctx context.Context, t *testing.T, config ReceiveConfig, output io.Writer) *receiving {
	t.Helper()
	r := &receiving{done: make(chan error, 1), status: newTold()}
	config.Listen = address.Address{Host: address.Loopback}
	config.Status = r.status
	var err error
	if r.Receiver, err = Listen(config); err != nil {
		t.Fatal(err)
	}
	go func() { r.done <- r.Run(ctx, output) }()
	return r
}

func (r *receiving) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// lines hands the lines that an output gets to a test, one by one.
func lines() (next func(t *testing.T, want string), output io.WriteCloser) {
	read, write := io.Pipe()
	reader := bufio.NewReader(read)
	return func(t *testing.T, want string) {
		t.Helper()
		got, err := reader.ReadString('\n')
		if got != want+"\n" || err != nil {
			t.Fatalf("the output's next line is %q, %v; want %q", got, err, want)
		}
	}, write
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestReceiveWritesWhatNothingFollows(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next, output := lines()
	r := receive(ctx, t, ReceiveConfig{Framing: framing.Lines}, output)
	first, second := r.dial(t), r.dial(t)
	write(t, first, "one\nbegins")
	next(t, "one")
	write(t, second, "two\n")
	next(t, "two")
	write(t, first, " and ends\n")
	next(t, "begins and ends")
	cancel()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	want := "listening on " + r.Addr() + "\nreceived 3 messages, 24 bytes in "
	if status := r.status.String(); !strings.HasPrefix(status, want) {
		t.Errorf("status %q; want %q first", status, want)
	}
}

func TestReceiveKeepsMessagesWhole(t *testing.T) {
	const senders, messages = 8, 2000
	var output bytes.Buffer
	r := receive(t.Context(), t, ReceiveConfig{Framing: framing.Prefixed, Count: senders * messages}, &output)
	var all sync.WaitGroup
	for sender := range senders {
		conn := bufio.NewWriterSize(r.dial(t), 1000) // frames are cut at any place
		all.Go(func() {
			for i := range messages {
				payload := fmt.Sprintf("%d %d %s", sender, i, strings.Repeat("x", i%50))
				_, _ = conn.Write(framing.U32BE.AppendHeader(nil, len(payload)))
				_, _ = conn.WriteString(payload)
			}
			if err := conn.Flush(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	var seen [senders]int
	for line := range strings.Lines(output.String()) {
		var sender, i int
		if _, err := fmt.Sscan(line, &sender, &i); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if want := fmt.Sprintf("%d %d %s\n", sender, seen[sender], strings.Repeat("x", i%50)); line != want {
			t.Fatalf("line %q; want %q", line, want)
		}
		seen[sender]++
	}
	for sender, count := range seen {
		if count != messages {
			t.Errorf("sender %d: %d messages", sender, count)
		}
	}
}

func TestReceiveConnectionEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	next, output := lines()
	r := receive(ctx, t, ReceiveConfig{Framing: framing.Lines}, output)

	conn := r.dial(t)
	write(t, conn, "whole\nlast")
	next(t, "whole")
	conn.Close()
	next(t, "last")

	conn = r.dial(t)
	write(t, conn, "whole\ncut")
	next(t, "whole")
	who := conn.LocalAddr().String()
	reset(t, conn)

	r.status.await("connection from " + who + ": cut (connection reset by peer) inside a message: " +
		"the 3 bytes that had come of it are dropped\n")
	cancel()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	if status := r.status.String(); !strings.Contains(status, "received 3 messages") {
		t.Errorf("status %q", status)
	}
}

func TestReceiveRefusesOneConnectionOnly(t *testing.T) {
	next, output := lines()
	r := receive(t.Context(), t, ReceiveConfig{Framing: framing.Prefixed, Count: 2}, output)
	bad, good := r.dial(t), r.dial(t)
	write(t, bad, "\x00\x00\x00\x05first\xff\xff\xff\xff")
	next(t, "first")
	if _, err := bad.Read(make([]byte, 1)); err == nil {
		t.Error("a connection with a senseless frame goes on")
	}
	write(t, good, "\x00\x00\x00\x06second")
	next(t, "second")
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	want := "connection from " + bad.LocalAddr().String() + ": refused: a frame of 4294967295 bytes"
	if status := r.status.String(); !strings.Contains(status, want) {
		t.Errorf("status %q", status)
	}
}

func TestReceiveTellsOfMessagesOnSeveralLines(t *testing.T) {
	const note = "1 messages have newlines in them and stand on several lines: format hex or frames keeps messages apart\n"
	for format, told := range map[Format]bool{FormatLines: true, FormatHex: false} {
		r := receive(t.Context(), t, ReceiveConfig{Framing: framing.Prefixed, Format: format, Count: 2}, io.Discard)
		write(t, r.dial(t), "\x00\x00\x00\x03a\nb\x00\x00\x00\x01c")
		if err := <-r.done; err != nil || strings.HasSuffix(r.status.String(), note) != told {
			t.Errorf("%s: %v, %s", format, err, r.status)
		}
	}
}

func TestReceiveExactly(t *testing.T) {
	var output bytes.Buffer
	r := receive(t.Context(), t, ReceiveConfig{Framing: framing.Lines, Count: 3}, &output)
	idle, conn := r.dial(t), r.dial(t)
	write(t, idle, "begins")
	write(t, conn, "a\nb\nc\nd\ne\n")
	if err := <-r.done; err != nil || output.String() != "a\nb\nc\n" {
		t.Errorf("%q, %v; want three messages", output.String(), err)
	}
	if status := r.status.String(); strings.Count(status, "\n") != 2 || !strings.Contains(status, "received 3 messages, 6 bytes") {
		t.Errorf("status %q; want where it listens and the summary", status)
	}
}

func TestReceiveOutputGoesAway(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	read.Close()
	r := receive(t.Context(), t, ReceiveConfig{Framing: framing.Lines}, write)
	if _, err := r.dial(t).Write([]byte("text\n")); err != nil {
		t.Fatal(err)
	}
	if err := <-r.done; !errors.Is(err, syscall.EPIPE) {
		t.Errorf("ended with %v; want a broken pipe", err)
	}
	if status := r.status.String(); strings.Contains(status, "received") {
		t.Errorf("status %q", status)
	}
}

func TestReceiveHoldsSendersBack(t *testing.T) {
	const enough = 64 << 20 // far above what the kernels and the receiver may keep
	ctx, cancel := context.WithCancel(t.Context())
	released := make(chan struct{})
	output := writerFunc(func(b []byte) (int, error) { <-released; return len(b), nil })
	r := receive(ctx, t, ReceiveConfig{Framing: framing.Lines}, output)
	conn := r.dial(t)
	if err := conn.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(conn, io.LimitReader(&endless{text: "text\n"}, enough))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes went out though nobody took them, %v", n, err)
	}
	close(released)
	cancel()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

// arrived waits until n bytes have come to a connection.
func arrived(t *testing.T, conn *net.TCPConn, n int) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Read(func(fd uintptr) bool {
		have, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		return err != nil || have >= n
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestServeHandsOnWhatHadArrived(t *testing.T) {
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		close bool
		want  string
		err   string
	}{
		{close: false, want: "one\ntwo\n", err: "stopped inside a message: the 5 bytes that had come of it are dropped"},
		{close: true, want: "one\ntwo\nthree\n"},
	} {
		listener, where := listen(t)
		sender, err := net.Dial("tcp", where.String())
		if err != nil {
			t.Fatal(err)
		}
		conn := accept(t, listener)
		write(t, sender, "one\ntwo\nthree")
		arrived(t, conn, 13)
		if c.close {
			sender.Close()
		} else {
			defer sender.Close()
		}
		out, text := collect(math.MaxInt64)
		in, err := newIncoming(conn, framing.Lines, out)
		if err != nil {
			t.Fatal(err)
		}
		err = in.serve(stopped)
		if finishErr := out.finish(); finishErr != nil || text.String() != c.want {
			t.Errorf("closed %v: %q, %v; want %q", c.close, text, finishErr, c.want)
		}
		if c.err != "" {
			wantError(t, err, c.err)
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestListenRefuses(t *testing.T) {
	taken, where := listen(t)
	for want, config := range map[string]ReceiveConfig{
		"cannot be counted in framing raw": {Framing: framing.Raw, Count: 1},
		"-1 messages cannot be taken":      {Framing: framing.Lines, Count: -1},
		"address already in use":           {Framing: framing.Lines, Listen: where},
	} {
		_, err := Listen(config)
		wantError(t, err, want)
	}
	taken.Close()
}
