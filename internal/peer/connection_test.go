package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// pipeStream is one end of a pipe in memory as a stream, for tests in which time is not the real one.
type pipeStream struct {
	net.Conn
	looks []look // what unacked answers, the last one again and again; without any, all is acknowledged
}

type look struct {
	bytes int
	lost  bool
}

func (s *pipeStream) CloseWrite() error { return nil }

func (s *pipeStream) unacked() (int, bool, error) {
	if len(s.looks) == 0 {
		return 0, false, nil
	}
	now := s.looks[0]
	if len(s.looks) > 1 {
		s.looks = s.looks[1:]
	}
	return now.bytes, now.lost, nil
}

func TestConnectTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var attempts []time.Duration
		here, there := net.Pipe()
		conn, err := connect(t.Context(), func(context.Context, string) (stream, error) {
			attempts = append(attempts, time.Since(start).Round(time.Millisecond))
			if len(attempts) < 7 {
				return nil, syscall.ECONNREFUSED
			}
			return &pipeStream{Conn: here}, nil
		}, "127.0.0.1:1", connectFor)
		if err != nil {
			t.Fatal(err)
		}
		there.Close()
		conn.close()
		if got, want := fmt.Sprint(attempts), "[0s 50ms 150ms 350ms 750ms 1.25s 1.75s]"; got != want {
			t.Errorf("attempts came after %s; want %s", got, want)
		}
	})
}

func TestConnectGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := connect(t.Context(), func(ctx context.Context, _ string) (stream, error) {
			if time.Since(start) < 5*time.Second {
				return nil, syscall.ECONNREFUSED
			}
			<-ctx.Done() // the last attempt hangs
			return nil, ctx.Err()
		}, "127.0.0.1:1", connectFor)
		want := "no connection to 127.0.0.1:1 in 10s: connection refused"
		if err == nil || err.Error() != want || !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) != connectFor {
			t.Errorf("after %v: %v; want %q", time.Since(start), err, want)
		}
	})
}

func TestFinishWaitsForAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		s := &pipeStream{Conn: here, looks: []look{{bytes: 500}, {bytes: 500}, {bytes: 2}, {bytes: 1}}}
		conn := watch(s)
		start := time.Now()
		if err := conn.finish(t.Context()); err != nil {
			t.Error(err)
		}
		if len(s.looks) != 1 || time.Since(start) != 7*time.Millisecond {
			t.Errorf("finished after %v with %d looks left", time.Since(start), len(s.looks)-1)
		}
		there.Close()
		conn.close()
	})
}

func TestFinishNoticesACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		there.Close() // a polite end first: nobody reads any more when the cut comes
		conn := watch(&pipeStream{Conn: here, looks: []look{{bytes: 500}, {bytes: 400, lost: true}}})
		err := conn.finish(t.Context())
		if err == nil || !strings.Contains(err.Error(), "cut before the last 399 bytes") {
			t.Errorf("finish: %v", err)
		}
		conn.close()
	})
}

// TestWhatIsWrittenIsNotAcknowledged asks for the fate of what was written, before and after the end of the stream, which counts as a byte.
func TestWhatIsWrittenIsNotAcknowledged(t *testing.T) {
	m := newMeter("sent", framing.Lines, io.Discard, false)
	c := &connection{stream: &pipeStream{looks: []look{{bytes: 500, lost: true}}}}
	if got := c.fate(m); got != "nothing was sent" {
		t.Errorf("%q", got)
	}
	m.add(3, 600)
	const text = "3 messages, 600 bytes were written; the receiver's system acknowledged %d bytes, of which its program may not have read all"
	if got, want := c.fate(m), fmt.Sprintf(text, 100); got != want {
		t.Errorf("%q; want %q", got, want)
	}
	c.done = true
	if got, want := c.fate(m), fmt.Sprintf(text, 101); got != want {
		t.Errorf("%q; want %q", got, want)
	}
}
