package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

// keeping is a Receiver in the framing resumable that runs.
type keeping struct {
	*Receiver
	path   string
	cancel context.CancelFunc
	done   chan error
	status *told
}

// keep runs a receiver into a file.
func keep(t *testing.T, path string, count int64) *keeping {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	k := &keeping{path: path, cancel: cancel, done: make(chan error, 1), status: newTold()}
	receiver, err := Listen(ReceiveConfig{
		Listen: address.Address{Host: address.Loopback}, Framing: framing.Resumable, Format: FormatLines, Count: count, Status: k.status,
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(path, FormatLines)
	if err != nil {
		t.Fatal(err)
	}
	k.Receiver = receiver
	go func() { k.done <- receiver.RunResumable(ctx, store) }()
	return k
}

// end ends the receiver.
func (k *keeping) end(t *testing.T) {
	t.Helper()
	k.cancel()
	if err := <-k.done; err != nil {
		t.Error(err)
	}
}

// wantFile compares a file's content.
func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if string(got) != want || err != nil {
		t.Errorf("%s holds %q, %v; want %q", filepath.Base(path), got, err, want)
	}
}

// someSink is a sink as a test needs it: what is said is acknowledged when the call returns.
type someSink struct {
	t      *testing.T
	conn   *conversation.Connection
	window *resumable.Window
}

func open(t *testing.T, to, lane string, said resumable.Said) (*conversation.Connection, *resumable.Welcome, error) {
	t.Helper()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	return conversation.Open(t.Context(), conn.(*net.TCPConn), &resumable.SinkHello{Cluster: "c", Sink: "p/sink", Lane: lane, Said: said})
}

func connectSink(t *testing.T, to, lane string, said resumable.Said) (*someSink, *resumable.Welcome) {
	t.Helper()
	c, welcome, err := open(t, to, lane, said)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &someSink{t, c, resumable.NewSinkWindow(said.Run)}, welcome
}

// say sends messages of an epoch, or, without any, its marker, and awaits the acknowledgement.
func (s *someSink) say(epoch uint64, messages ...string) {
	s.t.Helper()
	var b connector.Batch
	for _, m := range messages {
		b.Append([]byte(m))
	}
	if s.window.Add(epoch, b); len(messages) == 0 {
		s.window.Mark(epoch)
	}
	for f := s.window.Next(); f != nil; f = s.window.Next() {
		if err := s.conn.Say(f); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.conn.Flush(); err != nil {
		s.t.Fatal(err)
	}
	for !s.window.Empty() {
		if _, _, err := s.window.Ack(s.heard()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// heard is the next acknowledgement.
func (s *someSink) heard() *resumable.Ack {
	s.t.Helper()
	for {
		<-s.conn.News()
		ack, err := s.conn.Heard()
		if ack != nil {
			return ack
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// commit says an epoch, and awaits that the receiver has it.
func (s *someSink) commit(said resumable.Said) {
	s.t.Helper()
	if err := errors.Join(s.conn.Say(&resumable.Commit{Said: said}), s.conn.Flush()); err != nil {
		s.t.Fatal(err)
	}
	for ack := s.heard(); ack.Said != said; ack = s.heard() {
		s.t.Logf("not yet: %+v", ack)
	}
}

func TestReceiveWritesWhatIsCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	r := keep(t, path, 0)
	a, _ := connectSink(t, r.Addr(), "a", resumable.Said{Run: 1})
	b, _ := connectSink(t, r.Addr(), "b", resumable.Said{Run: 1})
	b.say(2, "b2")
	a.say(1, "a1", "A1")
	a.say(1)
	a.say(2, "a2")
	b.say(3, "b3")
	wantFile(t, path, "")
	b.commit(resumable.Said{Run: 1, Committed: 1})
	wantFile(t, path, "a1\nA1\n")
	a.commit(resumable.Said{Run: 1, Committed: 2})
	wantFile(t, path, "a1\nA1\nb2\na2\n")
	r.end(t)
	if got := r.status.String(); !strings.Contains(got, "received 4 messages, ") {
		t.Errorf("status %q", got)
	}

	// Started again it has what it has acknowledged.
	r = keep(t, path, 0)
	c, welcome := connectSink(t, r.Addr(), "b", resumable.Said{Run: 1, Committed: 2})
	if want := (resumable.Welcome{Said: resumable.Said{Run: 1, Committed: 2}, Number: 2}); *welcome != want {
		t.Errorf("welcome %+v; want %+v", *welcome, want)
	}
	c.commit(resumable.Said{Run: 1, Committed: 3})
	wantFile(t, path, "a1\nA1\nb2\na2\nb3\n")

	// A greater run drops what followed its epoch.
	d, _ := connectSink(t, r.Addr(), "a", resumable.Said{Run: 1})
	d.window = resumable.NewSinkWindow(1)
	d.window.Add(4, connector.Batch{Sizes: []uint32{1, 1, 1}, Payload: []byte("xyz")}) // repeats of what came, by their numbers
	d.say(4, "void")
	e, _ := connectSink(t, r.Addr(), "e", resumable.Said{Run: 2, Committed: 3})
	e.say(4, "e4")
	e.commit(resumable.Said{Run: 2, Committed: 4})
	wantFile(t, path, "a1\nA1\nb2\na2\nb3\ne4\n")
	if _, _, err := open(t, r.Addr(), "a", resumable.Said{Run: 1, Committed: 3}); err == nil ||
		err.Error() != "run 1 is over: the receiver has heard of run 2" {
		t.Errorf("a sink of a run that is over: %v", err)
	}
	if err := errors.Join(d.conn.Say(&resumable.Commit{Said: resumable.Said{Run: 1, Committed: 4}}), d.conn.Flush()); err != nil {
		t.Fatal(err)
	}
	for err := error(nil); err == nil; _, err = d.conn.Heard() {
		<-d.conn.News()
	}
	if _, err := d.conn.Heard(); !conversation.Lasting(err) {
		t.Errorf("a connection of a run that is over: %v", err)
	}
	r.end(t)
}

func TestReceiveEndsWithTheCommitOfEnough(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	r := keep(t, path, 2)
	a, _ := connectSink(t, r.Addr(), "a", resumable.Said{Run: 1})
	a.say(1, "1", "2", "3")
	a.commit(resumable.Said{Run: 1, Committed: 1})
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	wantFile(t, path, "1\n2\n3\n")
	r = keep(t, path, 3) // it has them
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

func TestReceiveRefusesStrangers(t *testing.T) {
	r := keep(t, filepath.Join(t.TempDir(), "out"), 0)
	for want, words := range map[string]string{
		`it does not speak the framing resumable: what it says begins with "a plain line\n"`: "a plain line\n",
		"it is no sink: a sender sends to a source": string(resumable.Append(resumable.Preamble(),
			&resumable.StreamHello{Stream: "s", First: 1})),
	} {
		conn, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		began := make([]byte, len(resumable.Magic))
		if _, err := io.ReadFull(conn, began); err != nil || !resumable.Begins(began) {
			t.Fatalf("before it hears anything it says %q, %v", began, err)
		}
		if _, err := io.WriteString(conn, words); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn)
		if wanted := resumable.Append(resumable.Preamble()[len(began):], &resumable.RefusalError{Reason: want}); !bytes.Equal(answer, wanted) {
			t.Errorf("it answers %q; want %q", answer, wanted)
		}
		r.status.await("connection from " + conn.LocalAddr().String() + ": " + want)
		conn.Close()
	}
	r.end(t)
}

// TestAPlainSenderIsToldOfTheFraming sends lines to a receiver of the framing resumable.
func TestAPlainSenderIsToldOfTheFraming(t *testing.T) {
	r := keep(t, filepath.Join(t.TempDir(), "out"), 0)
	to, err := address.Parse(r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	input, feed := io.Pipe()
	done, _ := start(t.Context(), t, SendConfig{To: to, Framing: framing.Lines, Input: input})
	if _, err := io.WriteString(feed, "a plain line\n"); err != nil {
		t.Fatal(err)
	}
	wantError(t, <-done, "the other side speaks the framing resumable, and no other: want --framing resumable, and --stream")
	feed.Close()
	r.end(t)
}
