package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// countLines returns what a right word count gives for the first frames of a tape.
func countLines(tape *Tape, frames int) []byte {
	var lines []byte
	counts := map[string]int{}
	for frame := range frames {
		for word := range strings.FieldsSeq(string(tape.frame(frame)[headerSize:])) {
			counts[word]++
			lines = fmt.Appendf(lines, "%s => %d\n", word, counts[word])
		}
	}
	return lines
}

// connected returns a receiver of the counts of a tape and a connection to it; both end with the test.
func connected(t *testing.T, tape *Tape) (*Receiver, net.Conn) {
	t.Helper()
	receiver, err := Listen(Counts(tape))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(receiver.Close)
	connection, err := net.Dial("tcp", receiver.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return receiver, connection
}

func write(t *testing.T, connection net.Conn, data []byte) {
	t.Helper()
	if _, err := connection.Write(data); err != nil {
		t.Fatal(err)
	}
}

func TestWhileEndsWithAWrongResult(t *testing.T) {
	receiver, err := Listen(Counts(NewTape([]string{"a"}, strings.Fields)))
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	during, release := receiver.While(t.Context())
	defer release()
	connection, err := net.Dial("tcp", receiver.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.Write([]byte("a => 2\n")); err != nil {
		t.Fatal(err)
	}
	<-during.Done()
	if err := context.Cause(during); !errors.Is(err, ErrGap) {
		t.Errorf("ended with %v, want %v", err, ErrGap)
	}
}

func TestReceiverTakesWhatIsRight(t *testing.T) {
	tape := RandomTapes(1, 1, small)[0]
	receiver, connection := connected(t, tape)
	lines := countLines(tape, 120)
	write(t, connection, lines[:1001])
	write(t, connection, lines[1001:])
	if err := receiver.Wait(t.Context(), 120); err != nil {
		t.Fatal(err)
	}
	if receiver.Results() != tape.Words(120) {
		t.Errorf("%d results, want %d", receiver.Results(), tape.Words(120))
	}
	connection.Close()
	if err := receiver.Finish(t.Context(), 120); err != nil {
		t.Error(err)
	}
}

func TestReceiverSaysWhatIsWrong(t *testing.T) {
	tape := NewTape([]string{"a b"}, strings.Fields)
	for _, test := range []struct {
		name, data string
		want       error
	}{
		{"a wrong line", "a => 2\n", ErrGap},
		{"results after the last", "a => 1\nb => 1\nb => 2\n", ErrUnknown},
		{"half a line at the end", "a => 1\nb => 1\na =", ErrMalformed},
		{"too few", "a => 1\n", ErrGap},
		{"a line without an end", strings.Repeat("a", readSize+1), ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			receiver, connection := connected(t, tape)
			write(t, connection, []byte(test.data))
			connection.Close()
			if err := receiver.Finish(t.Context(), 1); !errors.Is(err, test.want) {
				t.Errorf("the receiver says %v, want %v", err, test.want)
			}
		})
	}
}

func TestWaitEndsWhenAResultIsWrong(t *testing.T) {
	receiver, connection := connected(t, NewTape([]string{"a b"}, strings.Fields))
	write(t, connection, []byte("b => 7\n"))
	if err := receiver.Wait(t.Context(), 1); !errors.Is(err, ErrGap) {
		t.Errorf("waited until %v, want %v", err, ErrGap)
	}
}

func TestWaitEndsInSilence(t *testing.T) {
	receiver, connection := connected(t, NewTape([]string{"a b"}, strings.Fields))
	receiver.silence = 10 * time.Millisecond
	write(t, connection, []byte("b => 1\n"))
	if err := receiver.Wait(t.Context(), 1); !errors.Is(err, ErrSilence) {
		t.Errorf("waited until %v, want %v", err, ErrSilence)
	}
}

func TestEchoesJudgesFrames(t *testing.T) {
	tape := RandomTapes(1, 1, small)[0]
	data := append([]byte(nil), tape.data...)
	if taken, frames, err := Echoes(tape).take(0, data[:len(data)-1], time.Time{}); err != nil || frames != tape.Frames()-1 {
		t.Errorf("took %d bytes and %d frames of all but the last byte, %v", taken, frames, err)
	}
	data[tape.starts[3]+headerSize] ^= 1
	if _, frames, err := Echoes(tape).take(0, data, time.Time{}); !errors.Is(err, ErrMalformed) || frames != 3 {
		t.Errorf("took %d frames of which the fourth is damaged, %v", frames, err)
	}
	echoes := Echoes(tape)
	if _, _, err := echoes.take(0, tape.data, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for frames, want := range map[int]error{tape.Frames(): nil, tape.Frames() + 1: ErrGap, tape.Frames() - 1: ErrUnknown} {
		if err := echoes.complete(frames); !errors.Is(err, want) {
			t.Errorf("of %d frames the audit says %v, want %v", frames, err, want)
		}
	}
}
