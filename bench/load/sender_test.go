package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

var small = Shape{Frames: 50, Words: 4, Vocabulary: 30}

// listen returns a listener that ends with the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// collect returns a channel of what comes over each of n connections.
func collect(listener net.Listener, n int) <-chan []byte {
	all := make(chan []byte, n)
	for range n {
		go func() {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			defer connection.Close()
			data, _ := io.ReadAll(connection)
			all <- data
		}()
	}
	return all
}

func TestSenderSendsEachTapeOnItsConnection(t *testing.T) {
	tapes := RandomTapes(1, 2, small)
	listener := listen(t)
	received := collect(listener, len(tapes))
	sender, err := Dial(t.Context(), listener.Addr().String(), tapes...)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Flood(t.Context(), 120); err != nil {
		t.Error(err)
	}
	if err := sender.Pace(t.Context(), sender.Schedule(time.Now(), 10_000), 60); err != nil {
		t.Error(err)
	}
	if err := sender.Close(); err != nil {
		t.Error(err)
	}
	if sender.Sent() != 180 {
		t.Errorf("says that %d frames were sent, want 180", sender.Sent())
	}
	wanted := map[string]bool{}
	for _, tape := range tapes {
		wanted[string(bytes.Join(collectStretches(tape, 180), nil))] = true
	}
	for range tapes {
		if data := <-received; !wanted[string(data)] {
			t.Errorf("a connection brought %d bytes that are not 180 frames of a tape", len(data))
		}
	}
}

func collectStretches(tape *Tape, frames int) (stretches [][]byte) {
	for stretch := range tape.stretches(0, frames) {
		stretches = append(stretches, stretch)
	}
	return stretches
}

func TestPaceSendsNoFrameBeforeItIsDue(t *testing.T) {
	tape := RandomTapes(1, 1, small)[0]
	receiver, err := Listen(Echoes(tape))
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	sender, err := Dial(t.Context(), receiver.Address(), tape)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	schedule := sender.Schedule(time.Now().Add(5*time.Millisecond), 2000)
	latency := receiver.Record(schedule, 0)
	if err := sender.Pace(t.Context(), schedule, 200); err != nil {
		t.Fatal(err)
	}
	if err := receiver.Wait(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	if latency.Count() != 200 || latency.Percentile(0) <= shortestLatency {
		t.Errorf("%d frames came, the first %v after it was due; want 200, and none early", latency.Count(), latency.Percentile(0))
	}
	if elapsed := time.Since(schedule.start); elapsed < 199*time.Second/2000 {
		t.Errorf("200 frames at 2000 a second were sent within %v", elapsed)
	}
}

func TestPaceUntilSendsOnUntilItIsEnough(t *testing.T) {
	tape := KeyTape(1, 300)
	receiver, err := Listen(Echoes(tape))
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	sender, err := Dial(t.Context(), receiver.Address(), tape)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	enough := make(chan struct{})
	go func() {
		defer close(enough)
		if err := receiver.Wait(t.Context(), 700); err != nil { // more than two laps, and than one piece
			t.Error(err)
		}
	}()
	if err := sender.PaceUntil(t.Context(), sender.Schedule(time.Now(), 5000), enough); err != nil {
		t.Fatal(err)
	}
	if err := receiver.Wait(t.Context(), sender.Sent()); err != nil || sender.Sent() < 700 {
		t.Errorf("%d frames were sent, want at least 700: %v", sender.Sent(), err)
	}
}

func TestKeyTapeHoldsEachKeyOnce(t *testing.T) {
	tape := KeyTape(1, 300)
	counts := tape.Counts(300)
	if tape.Frames() != 300 || len(counts) != 300 || tape.Words(300) != 300 {
		t.Errorf("%d frames with %d words, %d of them different; want 300", tape.Frames(), tape.Words(300), len(counts))
	}
}

func TestSenderEndsWithItsContext(t *testing.T) {
	reason := errors.New("enough")
	for name, send := range map[string]func(context.Context, *Sender) error{
		"flood into a connection that nobody reads": func(ctx context.Context, s *Sender) error { return s.Flood(ctx, 1<<30) },
		"pace far apart": func(ctx context.Context, s *Sender) error { return s.Pace(ctx, s.Schedule(time.Now(), 1e-3), 10) },
	} {
		t.Run(name, func(t *testing.T) {
			sender, err := Dial(t.Context(), listen(t).Addr().String(), RandomTapes(1, 1, small)...)
			if err != nil {
				t.Fatal(err)
			}
			defer sender.Close()
			ctx, end := context.WithCancelCause(t.Context())
			time.AfterFunc(20*time.Millisecond, func() { end(reason) })
			if err := send(ctx, sender); !errors.Is(err, reason) {
				t.Errorf("ended with %v, want %v", err, reason)
			}
		})
	}
}

func TestDialSaysWhatFailed(t *testing.T) {
	listener := listen(t)
	listener.Close()
	if _, err := Dial(t.Context(), listener.Addr().String(), RandomTapes(1, 1, small)...); err == nil {
		t.Error("connected to a port where nobody listens")
	}
}

func TestRedialGoesOn(t *testing.T) {
	tape := RandomTapes(1, 1, small)[0]
	listener := listen(t)
	received := collect(listener, 2)
	sender, err := Dial(t.Context(), listener.Addr().String(), tape)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for range 2 {
		if err := sender.Flood(t.Context(), 70); err != nil {
			t.Fatal(err)
		}
		if err := sender.Redial(t.Context(), listener.Addr().String()); err != nil {
			t.Fatal(err)
		}
		got = append(got, <-received...)
	}
	if err := sender.Close(); err != nil {
		t.Error(err)
	}
	var want []byte
	for frame := range 140 {
		want = append(want, tape.frame(frame)...)
	}
	if !bytes.Equal(got, want) || sender.Sent() != 140 {
		t.Errorf("%d frames, %d bytes were sent; want 140 and %d", sender.Sent(), len(got), len(want))
	}
}
