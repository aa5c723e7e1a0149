package sockets

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

// startStreams is a system whose source takes streams.
func startStreams(t *testing.T, c connector.Setup) *system {
	t.Helper()
	return startSystem(t, c, nil, func(s *system, _ *lines) { s.streams = true })
}

// someSender is a sender of a stream as a test needs it.
type someSender struct {
	t    *testing.T
	conn *conversation.Connection
}

func (s *system) open(to, stream string, first uint64) (*someSender, uint64, error) {
	s.t.Helper()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		s.t.Fatal(err)
	}
	c, welcome, err := conversation.Open(s.t.Context(), conn.(*net.TCPConn), &resumable.StreamHello{Stream: stream, First: first})
	if err != nil {
		return nil, 0, err
	}
	s.t.Cleanup(c.Close)
	return &someSender{s.t, c}, welcome.Number, nil
}

// mustOpen opens a connection of a stream of which so many messages are accepted.
func (s *system) mustOpen(to, stream string, accepted uint64) *someSender {
	s.t.Helper()
	sender, number, err := s.open(to, stream, 1)
	if err != nil || number != accepted {
		s.t.Fatalf("%d messages are accepted, %v; want %d", number, err, accepted)
	}
	return sender
}

// say sends messages from a number on.
func (s *someSender) say(number uint64, messages ...string) {
	s.t.Helper()
	m := &resumable.Messages{Number: number}
	for _, text := range messages {
		m.Batch.Append([]byte(text))
	}
	if err := errors.Join(s.conn.Say(m), s.conn.Flush()); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until a message is acknowledged, or the connection ends, which is the error.
func (s *someSender) await(number uint64) error {
	for {
		<-s.conn.News()
		ack, err := s.conn.Heard()
		if ack != nil && ack.Number >= number {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *someSender) wantAck(number uint64) {
	s.t.Helper()
	if err := s.await(number); err != nil {
		s.t.Fatalf("message %d is not acknowledged: %v", number, err)
	}
}

// wantRefusal is a connection that ends with a reason.
func (s *someSender) wantRefusal(reason string) {
	s.t.Helper()
	refusal, is := errors.AsType[*resumable.RefusalError](s.await(1 << 60))
	if !is || refusal.Reason != reason {
		s.t.Errorf("refused: %v; want %q", refusal, reason)
	}
}

func TestEachMessageOfAStreamCountsOnce(t *testing.T) {
	s := startStreams(t, connector.Setup{})
	receiver := s.accept()
	to := <-s.address
	one := s.mustOpen(to, "s", 0)
	one.say(1, "a", "", "c")
	one.wantAck(3)
	one.say(2, "", "c", "d")
	one.wantAck(4)
	other := s.mustOpen(to, "other", 0)
	two := s.mustOpen(to, "s", 4)
	one.wantRefusal("another connection goes on with the stream")
	s.await("level=WARN", "connection ended: another connection goes on with the stream", "stream=s", "messages=4", "accepted=4")
	two.say(4, "d")
	two.wantAck(4)
	two.say(4, "d", "e")
	two.wantAck(5)
	two.say(7, "g")
	two.wantRefusal("message 7 of the stream came behind message 5: those between are missing")
	if _, _, err := s.open(to, "s", 7); err == nil ||
		err.Error() != `5 messages of stream "s" are accepted, and its sender begins with message 7: those between are missing` {
		t.Errorf("a sender that begins too late: %v", err)
	}
	three := s.mustOpen(to, "s", 5)
	if err := three.conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	s.await("level=INFO", "connection closed", "stream=s", "messages=0", "accepted=5")
	s.stop() // a source that ends says what it has
	if err := other.await(1); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if got, want := s.finish(receiver), "a\n\nc\nd\ne\n"; got != want {
		t.Errorf("received %q; want %q", got, want)
	}
}

// TestManyConnectionsOfAStream opens one connection after another, each of which sends what is not accepted and more.
func TestManyConnectionsOfAStream(t *testing.T) {
	s := startStreams(t, connector.Setup{})
	receiver := s.accept()
	to := <-s.address
	want, accepted := "", uint64(0)
	for i := range 50 {
		sender, number, err := s.open(to, "s", 1)
		if err != nil || number < accepted {
			t.Fatalf("%d messages are accepted, %v; want %d at least", number, err, accepted)
		}
		accepted = number
		var rest []string
		for n := number + 1; n <= uint64(3*i+3); n++ {
			rest = append(rest, fmt.Sprint(n))
		}
		if sender.say(number+1, rest...); i%3 == 0 || i == 49 {
			sender.wantAck(uint64(3*i + 3))
		}
	}
	for n := range 150 {
		want += fmt.Sprintln(n + 1)
	}
	if got := s.finish(receiver); got != want {
		t.Errorf("received %q; want %q", got, want)
	}
}

// TestAConnectionThatCameEarlierIsNotTheLast has one say hello when a later one goes on with its stream already, as that of a sender may
// that was killed while it waited to be accepted.
func TestAConnectionThatCameEarlierIsNotTheLast(t *testing.T) {
	s := startStreams(t, connector.Setup{})
	receiver := s.accept()
	to := <-s.address
	early, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	late := s.mustOpen(to, "s", 0)
	_, _, err = conversation.Open(t.Context(), early.(*net.TCPConn), &resumable.StreamHello{Stream: "s", First: 1})
	if refusal, is := errors.AsType[*resumable.RefusalError](err); !is || refusal.Reason != connector.ErrSuperseded.Error() {
		t.Errorf("the earlier connection: %v", err)
	}
	late.say(1, "m")
	late.wantAck(1)
	if got := s.finish(receiver); got != "m\n" {
		t.Errorf("received %q", got)
	}
}

func TestStrangersToASourceOfStreams(t *testing.T) {
	s := startStreams(t, connector.Setup{MaxMessage: 1000})
	s.accept()
	to := <-s.address
	for want, words := range map[string]string{
		`it does not speak the framing resumable: what it says begins with "\x00\x00\x00\x01a"`: "\x00\x00\x00\x01a",
		"it names no stream: it is no sender to a source": string(resumable.Append(resumable.Preamble(),
			&resumable.SinkHello{Sink: "s", Said: resumable.Said{Run: 1}})),
	} {
		conn := s.dial(to)
		began := make([]byte, len(resumable.Magic))
		if _, err := io.ReadFull(conn, began); err != nil || !resumable.Begins(began) {
			t.Fatalf("before it hears anything it says %q, %v", began, err)
		}
		mustWrite(t, conn, []byte(words))
		answer, _ := io.ReadAll(conn)
		wanted := resumable.Append(resumable.Preamble()[len(began):], &resumable.RefusalError{Reason: want})
		if string(answer) != string(wanted) {
			t.Errorf("it answers %q; want %q", answer, wanted)
		}
		s.await("level=ERROR", "connection refused: it ", "peer="+conn.LocalAddr().String())
	}
	long := s.mustOpen(to, "s", 0)
	long.say(1, string(make([]byte, 1001)))
	long.wantRefusal("a frame of 1034 bytes holds a message that is longer than the limit of 1000 bytes")
}

// TestASenderOfStreamsToAPlainSource has both say what is wrong.
func TestASenderOfStreamsToAPlainSource(t *testing.T) {
	for _, f := range []framing.Framing{framing.U32BE, framing.Newline{}, framing.Unframed{}} {
		s := startSystem(t, connector.Setup{}, f)
		receiver := s.accept()
		if _, _, err := s.open(<-s.address, "s", 1); err == nil || err.Error() != "the source does not take the framing resumable" {
			t.Errorf("%T: %v", f, err)
		}
		s.await("level=ERROR", "connection ended: its sender speaks the framing resumable")
		if got := s.finish(receiver); got != "" {
			t.Errorf("%T: received %q", f, got)
		}
	}
}
