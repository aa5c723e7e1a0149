package sockets

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

func TestMessagesGoFromSocketToSocket(t *testing.T) {
	s := startSystem(t, connector.Setup{}, framing.U32BE)
	receiver := s.accept()
	sender := s.dial(<-s.address)
	long := strings.Repeat("x", 900)
	for _, b := range framed("why", "", "hello", long) {
		mustWrite(t, sender, []byte{b}) // a byte at a time: frames come in any pieces
	}
	sender.Close()
	s.await("connection closed", "messages=4")
	if got, want := s.finish(receiver), "why\n\nhello\n"+long+"\n"; got != want {
		t.Errorf("received %q; want %q", got, want)
	}
}

func TestALongFrameGrowsTheBufferAsItComes(t *testing.T) {
	s := startSystem(t, connector.Setup{MaxMessage: 3 << 20}, framing.U32BE)
	receiver := s.accept()
	sender := s.dial(<-s.address)
	long := strings.Repeat("y", 3<<20)
	go func() {
		_, _ = sender.Write(framed("a", long, "b"))
		sender.Close()
	}()
	want := "a\n" + long + "\nb\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(receiver, got); err != nil || string(got) != want {
		t.Errorf("%d bytes received, %v", len(got), err)
	}
	if rest := s.finish(receiver); rest != "" {
		t.Errorf("then received %q", rest)
	}
}

func TestWhatAConnectionDoesWrongEndsItAlone(t *testing.T) {
	signed := framing.U32BE
	signed.Signed = true
	for name, c := range map[string]struct {
		framing framing.LengthPrefix
		bytes   []byte
		told    []string
	}{
		"too long": {framing.U32BE, append(framed("good"), 0, 0, 4, 0), []string{
			"level=ERROR", "connection ended: a frame of 1024", "1000", "--max-frame", "position=1",
		}},
		"negative": {signed, append(framed("good"), 0xff, 0xff, 0xff, 0xff), []string{
			"level=ERROR", "connection ended: ", "-1", "position=1",
		}},
		"cut": {framing.U32BE, append(framed("good"), 0, 0, 0, 9, 'x'), []string{"level=WARN", "inside a message", "rest=5", "messages=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := startSystem(t, connector.Setup{}, c.framing)
			receiver := s.accept()
			to := <-s.address
			other, wrong := s.dial(to), s.dial(to)
			mustWrite(t, other, framed("before"))
			s.await("connection opened", other.LocalAddr().String())
			mustWrite(t, wrong, c.bytes)
			_ = wrong.CloseWrite()
			s.await(append(c.told, "source=p/source", "peer="+wrong.LocalAddr().String())...)
			mustWrite(t, other, framed("after"))
			other.Close()
			s.await("connection closed", "messages=2")
			got := strings.Fields(s.finish(receiver))
			if strings.Join(got, " ") != "before good after" && strings.Join(got, " ") != "good before after" {
				t.Errorf("received %q", got)
			}
		})
	}
}

func TestOneConnectionTooManyIsClosed(t *testing.T) {
	s := startSystem(t, connector.Setup{MaxConnections: 1}, framing.U32BE)
	receiver := s.accept()
	to := <-s.address
	first := s.dial(to)
	s.await("connection opened")
	second := s.dial(to)
	if n, err := second.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the second connection read %d bytes, %v", n, err)
	}
	s.await("connection refused", "--max-connections", second.LocalAddr().String())
	first.Close()
	s.await("connection closed")
	third := s.dial(to)
	mustWrite(t, third, framed("third"))
	third.Close()
	s.await("connection closed", "messages=1")
	if got := s.finish(receiver); got != "third\n" {
		t.Errorf("received %q", got)
	}
}

func TestAStopIsToldToSendersWhichMayFinish(t *testing.T) {
	s := startSystem(t, connector.Setup{DrainTimeout: 20 * time.Second}, framing.U32BE)
	receiver := s.accept()
	sender := s.dial(<-s.address)
	mustWrite(t, sender, framed("a"))
	s.await("connection opened")
	s.stop()
	if _, err := sender.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("the sender read %v; want the end", err)
	}
	mustWrite(t, sender, framed("b")) // sent after the end was seen: still taken
	sender.Close()
	if got := s.finish(receiver); got != "a\nb\n" {
		t.Errorf("received %q", got)
	}
}

func TestASenderThatDoesNotFinishIsCut(t *testing.T) {
	s := startSystem(t, connector.Setup{DrainTimeout: 10 * time.Millisecond}, framing.U32BE)
	receiver := s.accept()
	sender := s.dial(<-s.address)
	mustWrite(t, sender, framed("a"))
	s.await("connection opened")
	if got := s.finish(receiver); got != "a\n" {
		t.Errorf("received %q", got)
	}
	s.await("connection cut", "drain_timeout=10ms", "messages=1")
}

// TestASinkThatIsCutSendsEverything resets the sink's connection again and again while messages flow. What the receiver's kernel has by
// then its program still reads; the rest must come on the next connection, and what comes twice must come right at its beginning.
func TestASinkThatIsCutSendsEverything(t *testing.T) {
	const cuts, perCut = 20, 5000
	s := startSystem(t, connector.Setup{}, framing.U32BE)
	receiver := s.accept()
	sender := s.dial(<-s.address)
	go func() {
		w := bufio.NewWriter(sender)
		for i := range cuts * perCut {
			_, _ = w.Write(framed(strconv.Itoa(i)))
		}
		_ = w.Flush()
		sender.Close()
	}()
	next, repeats := 0, 0
	for cut := 1; cut < cuts; cut++ {
		from := readLines(receiver)
		next = s.readNumbers(from, next, cut*perCut, &repeats)
		reset(<-s.dialled)
		next = s.readNumbers(from, next, cuts*perCut, &repeats)
		receiver = s.accept()
	}
	s.await("connection closed", "source=p/source")
	s.stop()
	next = s.readNumbers(readLines(receiver), next, math.MaxInt, &repeats)
	if err := <-s.ended; err != nil || next != cuts*perCut {
		t.Errorf("%d of %d came, %v", next, cuts*perCut, err)
	}
	t.Logf("%d messages repeated at %d cuts", repeats, cuts-1)
}

func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

// numbers reads the numbers that a connection brings. The first may be one that came before; all others follow one another.
type numbers struct {
	*bufio.Scanner
	begun bool
}

// readNumbers reads until a number has come or the connection ends; a line that the end cuts does not count. It returns the next number.
func (s *system) readNumbers(from *numbers, next, until int, repeats *int) int {
	s.t.Helper()
	for next < until && from.Scan() {
		n, err := strconv.Atoi(strings.TrimSuffix(from.Text(), "\n"))
		if !strings.HasSuffix(from.Text(), "\n") {
			break
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if !from.begun && n < next {
			*repeats += next - n
			next = n
		}
		if n != next {
			s.t.Fatalf("%d came; want %d", n, next)
		}
		from.begun = true
		next++
	}
	return next
}

// readLines makes a scanner of lines with their newlines, so that a cut one is known.
func readLines(conn net.Conn) *numbers {
	scanner := bufio.NewScanner(conn)
	scanner.Split(func(data []byte, end bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return i + 1, data[:i+1], nil
		}
		if end && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	return &numbers{Scanner: scanner}
}

// TestAReceiverThatClosedItsSideAndThenBrokeIsSeen has everything written and nothing more to read when the connection breaks: no call
// fails.
func TestAReceiverThatClosedItsSideAndThenBrokeIsSeen(t *testing.T) {
	s := startSystem(t, connector.Setup{}, framing.U32BE)
	receiver := s.accept().(*net.TCPConn)
	if err := receiver.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if err := receiver.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	sender := s.dial(<-s.address)
	var sent []string
	for i := range 100 {
		sent = append(sent, fmt.Sprintf("%d %s", i, strings.Repeat("x", 500)))
	}
	mustWrite(t, sender, framed(sent...))
	sender.Close()
	s.await("connection closed", "messages=100")
	if _, err := receiver.Read(make([]byte, 1)); err != nil { // the sink has begun to write; most of it stays in this machine's buffers
		t.Fatal(err)
	}
	reset(receiver)
	s.await("the sink's connection broke")
	if got := s.finish(s.accept()); !strings.HasSuffix(strings.Join(sent, "\n")+"\n", got) || !strings.Contains(got, sent[99]) {
		t.Errorf("%d bytes received on the next connection", len(got))
	}
}

func TestASinkWaitsForItsReceiver(t *testing.T) {
	placeholder, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to, err := address.Parse(placeholder.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	placeholder.Close()
	s := &system{t: t, logged: make(chan struct{}, 1)}
	sink := NewSink(connector.Setup{ID: "p/sink", Log: slog.New(slog.NewTextHandler(s, nil))}, to)
	connected := make(chan error, 1)
	go func() { connected <- sink.Connect(context.Background()) }()
	s.await("receiver is away", "sink=p/sink")
	receiver, err := net.Listen("tcp", to.String())
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	defer receiver.Close()
	if err := <-connected; err != nil {
		t.Error(err)
	}
	sink.conn.close()
}

func TestAnAddressInUseIsAListenError(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	a, err := address.Parse(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewSource(connector.Setup{ID: "p/source", Log: slog.New(slog.DiscardHandler)}, a, framing.U32BE).Listen()
	var listen *connector.ListenError
	if !errors.As(err, &listen) || !strings.Contains(fmt.Sprint(err), "p/source") {
		t.Errorf("Listen: %v", err)
	}
}
