package load

import (
	"bytes"
	"encoding/binary"
	"maps"
	"strings"
	"testing"
	"time"
)

func TestTapeCountsOverLaps(t *testing.T) {
	tape := NewTape([]string{"a b a", "c", "b"}, strings.Fields)
	for _, test := range []struct {
		frames, words int
		counts        map[string]int
	}{
		{0, 0, map[string]int{}},
		{1, 3, map[string]int{"a": 2, "b": 1}},
		{3, 5, map[string]int{"a": 2, "b": 2, "c": 1}},
		{8, 14, map[string]int{"a": 6, "b": 5, "c": 3}},
	} {
		if words := tape.Words(test.frames); words != test.words {
			t.Errorf("Words(%d) = %d, want %d", test.frames, words, test.words)
		}
		if counts := tape.Counts(test.frames); !maps.Equal(counts, test.counts) {
			t.Errorf("Counts(%d) = %v, want %v", test.frames, counts, test.counts)
		}
	}
}

func TestTapeStretchesAreTheFrames(t *testing.T) {
	tape := RandomTapes(1, 1, Shape{Frames: 5, Words: 3, Vocabulary: 20})[0]
	for from := range 12 {
		for to := from; to < 17; to++ {
			var got, want []byte
			for stretch := range tape.stretches(from, to) {
				got = append(got, stretch...)
			}
			for frame := from; frame < to; frame++ {
				want = append(want, tape.frame(frame)...)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("stretches(%d, %d) = %q, want %q", from, to, got, want)
			}
		}
	}
}

// TestALeadComesOnce compares a tape that has a lead with the frames that it should send.
func TestALeadComesOnce(t *testing.T) {
	tape := KeysTape(1, 5, 2)
	order := []int{0, 1, 2, 3, 4, 0, 1, 0, 1, 0, 1, 0, 1}
	if tape.Lead() != 5 || tape.Frames() != 2 {
		t.Fatalf("a lead of %d frames and laps of %d, want 5 and 2", tape.Lead(), tape.Frames())
	}
	all := KeyTape(1, 5)
	counts := map[string]int{}
	var sent []byte
	for frames, key := range order {
		if tape.Words(frames) != frames || !maps.Equal(tape.Counts(frames), counts) {
			t.Errorf("%d frames hold %d words, %v; want %v", frames, tape.Words(frames), tape.Counts(frames), counts)
		}
		word := string(all.frame(key)[headerSize:])
		counts[word]++
		if holder := tape.holder(tape.places[word], counts[word]); holder != frames {
			t.Errorf("the %d. %s is in frame %d, want %d", counts[word], word, holder, frames)
		}
		sent = append(sent, all.frame(key)...)
	}
	for from := range order {
		var got []byte
		for stretch := range tape.stretches(from, len(order)) {
			got = append(got, stretch...)
		}
		want := sent
		for frame := range from {
			want = want[len(tape.frame(frame)):]
		}
		if !bytes.Equal(got, want) {
			t.Errorf("from frame %d on %q is sent, want %q", from, got, want)
		}
	}
}

func TestRandomTapes(t *testing.T) {
	shape := Shape{Frames: 500, Words: 10, Vocabulary: 100}
	tapes := RandomTapes(7, 2, shape)
	if again := RandomTapes(7, 2, shape); !bytes.Equal(tapes[0].data, again[0].data) || !bytes.Equal(tapes[1].data, again[1].data) {
		t.Error("the same seed gave other tapes")
	}
	if other := RandomTapes(8, 2, shape); bytes.Equal(tapes[0].data, other[0].data) {
		t.Error("another seed gave the same tape")
	}
	for word := range tapes[0].places {
		if tapes[1].places[word] != nil {
			t.Errorf("%q stands on both tapes", word)
		}
	}
	counts, most, total := recount(t, tapes[0]), 0, 0
	for _, n := range counts {
		most, total = max(most, n), total+n
	}
	if !maps.Equal(counts, tapes[0].Counts(shape.Frames)) {
		t.Error("the tape's counts are not those of its frames")
	}
	if even := total / shape.Vocabulary; most < 3*even {
		t.Errorf("the most frequent word comes %d times, evenly it were %d: not skewed", most, even)
	}
}

// recount counts the words by reading the frames.
func recount(t *testing.T, tape *Tape) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for rest := tape.data; len(rest) > 0; {
		end := headerSize + int(binary.BigEndian.Uint32(rest))
		for word := range strings.SplitSeq(string(rest[headerSize:end]), " ") {
			if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" || word == "" {
				t.Errorf("%q is no lower-case word", word)
			}
			counts[word]++
		}
		rest = rest[end:]
	}
	return counts
}

func TestHolderFindsTheFrame(t *testing.T) {
	tape := NewTape([]string{"a b a", "c", "b a"}, strings.Fields)
	var frames []int
	for k := 1; k <= 7; k++ {
		frames = append(frames, tape.holder(tape.places["a"], k))
	}
	for k, want := range []int{0, 0, 2, 3, 3, 5, 6} {
		if frames[k] != want {
			t.Fatalf("the occurrences of a are in the frames %v", frames)
		}
	}
}

func TestScheduleTakesConnectionsInTurn(t *testing.T) {
	start := time.Unix(1000, 0)
	schedule := Schedule{start: start, interval: float64(time.Millisecond), connections: 2, first: 10}
	for turn := range 6 {
		connection, frame := turn%2, 10+turn/2
		due := start.Add(time.Duration(turn) * time.Millisecond)
		if got := schedule.due(connection, frame); !got.Equal(due) {
			t.Errorf("due(%d, %d) = %v after the start, want %v", connection, frame, got.Sub(start), due.Sub(start))
		}
		if got := schedule.dueBy(connection, due); got != frame+1 {
			t.Errorf("at the moment it is due frame %d of connection %d is not the last: dueBy = %d", frame, connection, got)
		}
		if got := schedule.dueBy(connection, due.Add(-1)); got != frame {
			t.Errorf("just before it is due frame %d of connection %d is counted: dueBy = %d", frame, connection, got)
		}
	}
}
