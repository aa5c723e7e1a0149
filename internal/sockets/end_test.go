package sockets

import (
	"bytes"
	"io"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// TestSendersThatComeAndGoTakeNoMoreThanTheirLane has them send while nothing is processed. What is handed on is bounded by the lane; a
// connection with more keeps its place, and senders beyond the last place are refused.
func TestSendersThatComeAndGoTakeNoMoreThanTheirLane(t *testing.T) {
	hold := make(chan struct{})
	s := startSystem(t, connector.Setup{MaxConnections: 1}, framing.U32BE, func(_ *system, x *lines) { x.hold = hold })
	receiver := s.accept()
	to := <-s.address
	go func() { _, _ = io.Copy(io.Discard, receiver) }()
	first := s.dial(to)
	s.await("connection opened", first.LocalAddr().String())
	const messages = 2000 // of a thousand bytes: more than a lane holds
	go func() {
		_, _ = first.Write(bytes.Repeat(framed(strings.Repeat("x", 999)), messages))
		first.Close()
	}()
	second := s.dial(to)
	s.await("connection refused", "--max-connections", second.LocalAddr().String())
	if queued := s.worker.Figures().Executors[0].Queued; queued >= messages {
		t.Errorf("%d messages were handed on", queued)
	}
	close(hold)
	s.await("connection closed", "messages=2000")
}

// TestConnectionsThatWaitToBeAcceptedAreServed asks for the end while connections have come whose senders believe them open.
func TestConnectionsThatWaitToBeAcceptedAreServed(t *testing.T) {
	const connections = 50
	var want []string
	s := startSystem(t, connector.Setup{DrainTimeout: 20 * time.Second}, framing.U32BE, func(s *system, _ *lines) {
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
	s := startSystem(t, connector.Setup{}, framing.U32BE)
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
