package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// listen is the receiver of a test: a listener and where it is.
func listen(t *testing.T) (*net.TCPListener, address.Address) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	where, err := address.Parse(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return listener.(*net.TCPListener), where
}

func accept(t *testing.T, listener *net.TCPListener) *net.TCPConn {
	t.Helper()
	conn, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// start runs a sender and returns where its error comes, and its status for reading after that.
func start(ctx context.Context, t *testing.T, config SendConfig) (done <-chan error, status *bytes.Buffer) {
	t.Helper()
	status = &bytes.Buffer{}
	config.Status = status
	config.Repeat = max(config.Repeat, 1)
	sender, err := NewSender(config)
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 1)
	go func() { errs <- sender.Run(ctx) }()
	return errs, status
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v; want it to say %q", err, part)
		}
	}
}

func TestSendFramings(t *testing.T) {
	long := strings.Repeat("long", 50_000)
	input := "one\n\n" + long + "\nlast"
	for kind, want := range map[framing.Kind]string{
		framing.Lines:    input + "\n" + input + "\n",
		framing.Raw:      input + input,
		framing.Prefixed: strings.Repeat("\x00\x00\x00\x03one\x00\x00\x00\x00\x00\x03\x0d\x40"+long+"\x00\x00\x00\x04last", 2),
	} {
		listener, to := listen(t)
		done, status := start(t.Context(), t, SendConfig{To: to, Framing: kind, Input: strings.NewReader(input), Repeat: 2})
		got, err := io.ReadAll(accept(t, listener))
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes arrived, %v; want %d", kind, len(got), err, len(want))
		}
		if err := <-done; err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		told := "sent 8 messages, "
		if kind == framing.Raw {
			told = "sent 400020 bytes in "
		}
		if !strings.HasPrefix(status.String(), told) || strings.Count(status.String(), "\n") != 1 {
			t.Errorf("%s: status %q", kind, status)
		}
	}
}

// TestSendAgainWhatWasReceived receives messages of any bytes into a file, sends that file, and receives the same once more.
func TestSendAgainWhatWasReceived(t *testing.T) {
	const stream = "\x00\x00\x00\x04a\nb\xff\x00\x00\x00\x00\x00\x00\x00\x01c"
	for _, format := range []Format{FormatHex, FormatFrames} {
		input := stream
		for range 2 {
			var output bytes.Buffer
			r := receive(t.Context(), t, ReceiveConfig{Framing: framing.Prefixed, Format: format, Count: 3}, &output)
			to, err := address.Parse(r.Addr())
			if err != nil {
				t.Fatal(err)
			}
			from := format
			if input == stream {
				from = FormatFrames
			}
			done, status := start(t.Context(), t, SendConfig{To: to, Framing: framing.Prefixed, Input: strings.NewReader(input), Format: from})
			if err := errors.Join(<-done, <-r.done); err != nil || !strings.HasPrefix(status.String(), "sent 3 messages, 17 bytes in ") {
				t.Errorf("%s: %v, %s", format, err, status)
			}
			input = output.String()
		}
		if want := map[Format]string{FormatHex: "610a62ff\n\n63\n", FormatFrames: stream}[format]; input != want {
			t.Errorf("%s: %q", format, input)
		}
	}
}

func TestSendAFileOfFramesThatIsCut(t *testing.T) {
	listener, to := listen(t)
	input := strings.NewReader("\x00\x00\x00\x01a\x00\x00\x00\x01")
	done, _ := start(t.Context(), t, SendConfig{To: to, Framing: framing.Prefixed, Input: input, Format: FormatFrames, Repeat: 2})
	got, err := io.ReadAll(accept(t, listener))
	if string(got) != "\x00\x00\x00\x01a" || err != nil {
		t.Errorf("arrived: %q, %v", got, err)
	}
	wantError(t, <-done, "the input ends inside a frame: its last 4 bytes are not sent; 1 messages, 5 bytes were written; ")
}

func TestSendDoesNotHoldBackWhatTrickles(t *testing.T) {
	listener, to := listen(t)
	input, feed := io.Pipe()
	done, _ := start(t.Context(), t, SendConfig{To: to, Framing: framing.Lines, Input: input})
	conn := accept(t, listener)
	for range 3 {
		if _, err := feed.Write([]byte("a\nb")); err != nil {
			t.Fatal(err)
		}
		if _, err := feed.Write([]byte("c\n")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "a\nbc\n" {
			t.Fatalf("arrived: %q, %v", got, err)
		}
	}
	feed.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSendKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		sender, err := NewSender(SendConfig{
			Framing: framing.Lines, Input: strings.NewReader("\x00\x00\x00\x01a\x00\x00\x00\x01b"), Format: FormatFrames,
			Repeat: 3, Rate: 8, Status: io.Discard,
		})
		if err != nil {
			t.Fatal(err)
		}
		sender.dial = func(context.Context, string) (stream, error) { return &pipeStream{Conn: here}, nil }
		start := time.Now()
		done := make(chan error, 1)
		go func() { done <- sender.Run(t.Context()) }()
		for i := range 6 {
			if _, err := io.ReadFull(there, make([]byte, 2)); err != nil {
				t.Fatal(err)
			}
			if at, want := time.Since(start), time.Duration(i)*time.Second/8; at != want {
				t.Errorf("message %d came after %v; want %v", i, at, want)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// slowInput is an input that waits before each piece, and before its end.
type slowInput struct {
	pieces []string
	waits  []time.Duration
}

func (s *slowInput) Read(b []byte) (int, error) {
	<-time.After(s.waits[0])
	s.waits = s.waits[1:]
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.pieces[0])
	s.pieces = s.pieces[1:]
	return n, nil
}

// TestTheTimeIsFromTheFirstMessageToTheEnd has the last message acknowledged long before the input ends.
func TestTheTimeIsFromTheFirstMessageToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		var status bytes.Buffer
		sender, err := NewSender(SendConfig{
			Framing: framing.Lines, Input: &slowInput{[]string{"one\n"}, []time.Duration{time.Hour, 20 * time.Second}}, Repeat: 1, Status: &status,
		})
		if err != nil {
			t.Fatal(err)
		}
		sender.dial = func(context.Context, string) (stream, error) { return &pipeStream{Conn: here}, nil }
		go func() { _, _ = io.Copy(io.Discard, there) }()
		if err := sender.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if want := "sent 1 messages, 4 bytes in 20.000 s (0 messages/s)\n"; status.String() != want {
			t.Errorf("status %q; want %q", status.String(), want)
		}
		there.Close()
	})
}

func TestSendStopsWhenTheReceiverCloses(t *testing.T) {
	for name, rate := range map[string]float64{"waiting for input": 0, "waiting for the time": 1e-6} {
		listener, to := listen(t)
		input, feed := io.Pipe()
		done, status := start(t.Context(), t, SendConfig{To: to, Framing: framing.Prefixed, Input: input, Rate: rate})
		conn := accept(t, listener)
		if _, err := feed.Write([]byte("one\ntwo begins")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(conn); len(rest) != 0 || err != nil {
			t.Errorf("%s: after the request to stop came %q, %v", name, rest, err)
		}
		wantError(t, <-done, "it wants no more; 1 messages, 7 bytes were written; the receiver's system acknowledged 7 bytes, of which its ")
		if !strings.HasPrefix(status.String(), "wrote 1 messages, 7 bytes") {
			t.Errorf("%s: status %q", name, status)
		}
		feed.Close()
	}
}

func TestSendEndsAMessageItIsIn(t *testing.T) {
	listener, to := listen(t)
	line := strings.Repeat("x", 99_999) + "\n"
	input := &endless{text: line}
	done, _ := start(t.Context(), t, SendConfig{To: to, Framing: framing.Lines, Input: input})
	conn := accept(t, listener)
	if _, err := io.ReadFull(conn, make([]byte, 150_000)); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(conn)
	if err != nil || (len(rest)+150_000)%len(line) != 0 {
		t.Errorf("the last message was cut: %d bytes, %v", len(rest)+150_000, err)
	}
	wantError(t, <-done, "it wants no more")
}

// endless is a text again and again.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	return n, nil
}

func TestSendIsCut(t *testing.T) {
	listener, to := listen(t)
	input, feed := io.Pipe()
	defer feed.Close()
	done, status := start(t.Context(), t, SendConfig{To: to, Framing: framing.Lines, Input: input})
	conn := accept(t, listener)
	if _, err := feed.Write([]byte("a\nb\nc\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	reset(t, conn)
	wantError(t, <-done, "the connection to "+to.String()+" was cut: connection reset by peer; 3 messages, 6 bytes were written; ")
	if !strings.HasPrefix(status.String(), "wrote 3 messages, 6 bytes") {
		t.Errorf("status %q", status)
	}
}

// TestSendToOneThatReadsNothing has a receiver that closes the connection when everything is acknowledged and nothing read, as one does
// that takes no more connections.
func TestSendToOneThatReadsNothing(t *testing.T) {
	listener, to := listen(t)
	input, feed := io.Pipe()
	done, status := start(t.Context(), t, SendConfig{To: to, Framing: framing.Lines, Input: input})
	conn := accept(t, listener)
	if _, err := feed.Write([]byte("a\nb\nc\n")); err != nil {
		t.Fatal(err)
	}
	feed.Close()
	awaitEnd(t, conn)
	conn.Close()
	wantError(t, <-done, "the connection to "+to.String()+" was cut: connection reset by peer; 3 messages, 6 bytes were written; "+
		"the receiver's system acknowledged 6 bytes, of which its program may not have read all")
	if !strings.HasPrefix(status.String(), "wrote 3 messages, 6 bytes") {
		t.Errorf("status %q", status)
	}
}

// awaitEnd waits until the other end has ended its side, and reads nothing.
func awaitEnd(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	events := []unix.PollFd{{Events: unix.POLLRDHUP}}
	err = raw.Control(func(fd uintptr) {
		events[0].Fd = int32(fd)
		_, err = unix.Poll(events, -1)
	})
	if err != nil || events[0].Revents&unix.POLLRDHUP == 0 {
		t.Fatal(events, err)
	}
}

func TestSendThatDoesNotConnect(t *testing.T) {
	sender, err := NewSender(SendConfig{Framing: framing.Lines, Input: strings.NewReader("a\n"), Repeat: 1, Status: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sender.dial = func(context.Context, string) (stream, error) {
		cancel()
		return nil, syscall.ECONNREFUSED
	}
	if err := sender.Run(ctx); err == nil || err.Error() != "interrupted; nothing was sent" {
		t.Error(err)
	}
}

// reset cuts a connection.
func reset(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	if err := conn.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSendIsInterrupted(t *testing.T) {
	listener, to := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done, status := start(ctx, t, SendConfig{To: to, Framing: framing.Lines, Input: &endless{text: "text\n"}})
	conn := accept(t, listener)
	if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil { // and no more
		t.Fatal(err)
	}
	cancel()
	wantError(t, <-done, "interrupted; ", " were written; the receiver's system acknowledged ")
	if !strings.HasPrefix(status.String(), "wrote ") {
		t.Errorf("status %q", status)
	}
}

func TestSendInputFails(t *testing.T) {
	listener, to := listen(t)
	input := io.MultiReader(strings.NewReader("one\ntwo\nthr"), iotest.ErrReader(errors.New("bad disk")))
	done, _ := start(t.Context(), t, SendConfig{To: to, Framing: framing.Lines, Input: input})
	got, err := io.ReadAll(accept(t, listener))
	if string(got) != "one\ntwo\n" || err != nil {
		t.Errorf("arrived: %q, %v", got, err)
	}
	wantError(t, <-done, "read the input: bad disk; 2 messages, 8 bytes were written; ")
}

func TestNewSenderRefuses(t *testing.T) {
	pipe, _ := io.Pipe()
	for want, config := range map[string]SendConfig{
		"0 times":        {Input: strings.NewReader("")},
		"-1 messages":    {Input: strings.NewReader(""), Repeat: 1, Rate: -1},
		"read only once": {Input: pipe, Repeat: 2},
		"messages cannot be timed in framing raw": {Input: pipe, Repeat: 1, Rate: 1, Framing: framing.Raw},
	} {
		_, err := NewSender(config)
		wantError(t, err, want)
	}
}
