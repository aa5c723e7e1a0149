package tcp

import (
	"sort"
	"strings"
	"testing"
	"time"
)

// TestAPlaceIsFreeWhenWhatItsConnectionBroughtIsProcessed has senders come and go while nothing is processed: what they bring takes memory.
func TestAPlaceIsFreeWhenWhatItsConnectionBroughtIsProcessed(t *testing.T) {
	hold := make(chan struct{})
	s := startSystem(t, SourceConfig{MaxConnections: 1}, func(_ *system, x *lines) { x.hold = hold })
	receiver := s.accept()
	to := <-s.address
	first := s.dial(to)
	mustWrite(t, first, framed("first"))
	first.Close()
	s.await("connection closed", "messages=1")
	second := s.dial(to)
	s.await("connection refused", "--max-connections", second.LocalAddr().String())
	close(hold)
	for third := 0; ; third++ {
		conn := s.dial(to)
		mustWrite(t, conn, framed("third"))
		_ = conn.CloseWrite()
		if _, err := conn.Read(make([]byte, 1)); err != nil && strings.Contains(err.Error(), "EOF") {
			break // taken to its end, not refused; a refused one was reset
		}
		if third == 1000 {
			t.Fatal("the place is never free again")
		}
	}
	if got := s.finish(receiver); !strings.HasPrefix(got, "first\nthird\n") {
		t.Errorf("received %q", got)
	}
}

// TestConnectionsThatWaitToBeAcceptedAreServed asks for the end while connections have come whose senders believe them open.
func TestConnectionsThatWaitToBeAcceptedAreServed(t *testing.T) {
	const connections = 50
	var want []string
	s := startSystem(t, SourceConfig{DrainTimeout: 20 * time.Second}, func(s *system, _ *lines) {
		s.ready = func(address string) {
			for i := range connections {
				m := strings.Repeat("x", i)
				want = append(want, m)
				conn := s.dial(address)
				mustWrite(t, conn, framed(m))
				conn.Close()
			}
			s.stop()
		}
	})
	receiver := s.accept()
	got := strings.Split(strings.TrimSuffix(s.finish(receiver), "\n"), "\n")
	sort.Slice(got, func(i, j int) bool { return len(got[i]) < len(got[j]) })
	if strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("%d of %d messages came", len(got), connections)
	}
}

// TestAnEndDoesNotWaitForAReceiverThatNeedsNothing has the receiver break when all is delivered, and not come back.
func TestAnEndDoesNotWaitForAReceiverThatNeedsNothing(t *testing.T) {
	s := startSystem(t, SourceConfig{})
	receiver := s.accept()
	<-s.address
	s.receiver.Close()
	reset(<-s.dialled) // as a network does that drops it: the sink is told
	s.await("the sink's connection broke", "kept=0")
	receiver.Close()
	s.stop()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}
