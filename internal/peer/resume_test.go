package peer

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
)

// someSource is a source of the framing resumable that keeps what it accepts, and breaks connections by chance.
type someSource struct {
	t        *testing.T
	listener *net.TCPListener
	to       address.Address
	chance   *rand.Rand // nil if nothing breaks
	breaks   int        // connections still to be broken
	ended    sync.WaitGroup
	accepted map[string][]string
}

func newSource(t *testing.T, chance *rand.Rand) *someSource {
	t.Helper()
	s := &someSource{t: t, chance: chance, accepted: map[string][]string{}}
	if chance != nil {
		s.breaks = 5
	}
	s.listener, s.to = listen(t)
	s.ended.Go(func() {
		for {
			conn, err := s.listener.AcceptTCP()
			if err != nil {
				return
			}
			if err := s.serve(conn); err != nil && !errors.Is(err, io.EOF) {
				conversation.Refuse(conn, resumable.Preamble(), &resumable.RefusalError{Reason: err.Error()})
			}
			conn.Close()
		}
	})
	return s
}

// close ends it, and returns what it accepted of a stream.
func (s *someSource) close(stream string) []string {
	s.listener.Close()
	s.ended.Wait()
	return s.accepted[stream]
}

// broken reports whether to break a connection now.
func (s *someSource) broken() bool {
	if s.breaks == 0 || s.chance.IntN(6) > 0 {
		return false
	}
	s.breaks--
	return true
}

// serve is one connection; io.EOF is its end.
func (s *someSource) serve(conn *net.TCPConn) error {
	r := resumable.NewReader(conn, maxMessage)
	if err := r.Open(); err != nil {
		return err
	}
	f, err := r.Next()
	if err != nil || s.broken() {
		return io.EOF
	}
	hello := f.(*resumable.StreamHello)
	a, err := resumable.NewAcceptor(hello, uint64(len(s.accepted[hello.Stream])))
	if err != nil {
		return err
	}
	_, _ = conn.Write(resumable.Append(resumable.Preamble(), &resumable.Welcome{Number: a.Accepted()}))
	for {
		f, err := r.Next()
		if err != nil {
			return io.EOF
		}
		fresh, err := a.Take(f.(*resumable.Messages))
		if err != nil {
			return err
		}
		for fresh.Count() > 0 {
			one := fresh.Take(1)
			s.accepted[hello.Stream] = append(s.accepted[hello.Stream], string(one.Payload))
		}
		if s.broken() {
			if s.breaks%2 == 0 {
				_ = conn.SetLinger(0)
			}
			return io.EOF
		}
		_, _ = conn.Write(resumable.Append(nil, &resumable.Ack{Number: a.Accepted()}))
	}
}

// numbered are lines of a file.
func numbered(count int) (lines []string) {
	for i := range count {
		lines = append(lines, fmt.Sprint("message ", i, strings.Repeat(" x", i%700)))
	}
	return lines
}

func TestASenderGoesOnWhereItsConnectionsBreak(t *testing.T) {
	lines := numbered(2000)
	for seed := range uint64(20) {
		source := newSource(t, rand.New(rand.NewPCG(seed, 1)))
		done, status := start(t.Context(), t, SendConfig{
			To: source.to, Framing: framing.Resumable, Stream: "s", Input: strings.NewReader(strings.Join(lines, "\n")),
		})
		err := <-done
		got := source.close("s")
		if err != nil || strings.Join(got, "\n") != strings.Join(lines, "\n") {
			t.Errorf("seed %d: %d messages are accepted, %v\n%s", seed, len(got), err, status)
		}
		if !strings.Contains(status.String(), "sent 2000 messages, ") {
			t.Errorf("seed %d: status %s", seed, status)
		}
	}
}

func TestASenderThatStartsAgainGoesOn(t *testing.T) {
	source := newSource(t, nil)
	for _, c := range []struct{ text, before string }{
		{"one\n", ""},
		{"one\ntwo\n", "1 message was accepted before\n"},
		{"one\ntwo\n", "2 messages were accepted before\n"},
		{"one\ntwo\n\nfour\nlast", "2 messages were accepted before\n"},
		{"one\ntwo\n\nfour\nlast", "5 messages were accepted before\n"},
	} {
		done, status := start(t.Context(), t, SendConfig{
			To: source.to, Framing: framing.Resumable, Stream: "s", Input: strings.NewReader(c.text), Rate: 1e6,
		})
		if err := <-done; err != nil {
			t.Errorf("%v, %s", err, status)
		}
		if said := status.String(); !strings.HasPrefix(said, c.before+"sent ") {
			t.Errorf("it says %q; want %q in front", said, c.before)
		}
	}
	done, _ := start(t.Context(), t, SendConfig{To: source.to, Framing: framing.Resumable, Stream: "s", Input: strings.NewReader("one\n")})
	wantError(t, <-done, `the source has accepted 5 messages of stream "s", and the input has only 1: it is another stream's`)
	done, _ = start(t.Context(), t, SendConfig{
		To: source.to, Framing: framing.Resumable, Stream: "hex", Format: FormatHex, Input: strings.NewReader("61\n0\n"),
	})
	wantError(t, <-done, "line 2 of the input", `; 1 messages of stream "hex" are known to be accepted`)
	if got := strings.Join(source.close("s"), ","); got != "one,two,,four,last" {
		t.Errorf("accepted: %q", got)
	}
}

// TestTheTimeOfAStreamIsUpToTheEnd has the only message accepted long before the input ends.
func TestTheTimeOfAStreamIsUpToTheEnd(t *testing.T) {
	source := newSource(t, nil)
	defer source.close("s")
	done, status := start(t.Context(), t, SendConfig{
		To: source.to, Framing: framing.Resumable, Stream: "s", Input: &slowInput{[]string{"one\n"}, []time.Duration{0, 300 * time.Millisecond}},
	})
	if err := <-done; err != nil {
		t.Error(err)
	}
	var bytes int
	var seconds float64
	if _, err := fmt.Sscanf(status.String(), "sent 1 messages, %d bytes in %f s", &bytes, &seconds); err != nil || seconds < 0.25 {
		t.Errorf("it says %q, %v; want 0.3 s at least", status, err)
	}
}

func TestASenderWhoseSourceHasGone(t *testing.T) {
	listener, to := listen(t)
	input, feed := io.Pipe()
	defer feed.Close()
	done, _ := start(t.Context(), t, SendConfig{To: to, Framing: framing.Resumable, Stream: "s", Input: input, Retry: time.Millisecond})
	conn := accept(t, listener)
	listener.Close()
	if _, err := conn.Write(resumable.Append(resumable.Preamble(), &resumable.Welcome{})); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	wantError(t, <-done, "no connection to "+to.String()+" in 1ms: ", `; 0 messages of stream "s" are known to be accepted`)
}

// TestASenderToAPlainReceiver has both say what is wrong.
func TestASenderToAPlainReceiver(t *testing.T) {
	for _, kind := range []framing.Kind{framing.Lines, framing.Prefixed, framing.Raw} {
		var output strings.Builder
		r := receive(t.Context(), t, ReceiveConfig{Framing: kind}, &output)
		to, err := address.Parse(r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		done, _ := start(t.Context(), t, SendConfig{To: to, Framing: framing.Resumable, Stream: "s", Input: strings.NewReader("a\n")})
		wantError(t, <-done, " refuses the stream: the receiver does not take the framing resumable: it is for --framing resumable")
		r.status.await("the receiver does not take the framing resumable")
		if output.Len() > 0 {
			t.Errorf("%s: it writes %q", kind, output.String())
		}
	}
}
