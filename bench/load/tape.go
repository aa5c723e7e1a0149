package load

import (
	"encoding/binary"
	"iter"
	"sort"
)

// headerSize is the length in bytes of a frame's header, an unsigned big-endian integer that holds the length of the payload.
const headerSize = 4

// A Tape is a sequence of frames prepared ahead, to be sent round and round. So a sender only writes, and how often each word has been
// sent after any number of frames is known without keeping what was sent. Frames are numbered from 0 and on through all laps.
//
// A tape does not change and may be used by many goroutines.
type Tape struct {
	data   []byte           // the frames of one lap, one behind the other
	starts []int            // where each frame starts in data, and where the last one ends
	words  []int            // how many words stand before each frame, and in the lap
	places map[string][]int // for each word, the frame of each of its occurrences in the lap, in order
}

// NewTape returns a tape whose frames hold the messages, of which there must be at least one. The program under load counts the words
// that split finds in a message.
func NewTape(messages []string, split func(message string) []string) *Tape {
	t := &Tape{starts: []int{0}, words: []int{0}, places: map[string][]int{}}
	total := 0
	for frame, message := range messages {
		t.data = binary.BigEndian.AppendUint32(t.data, uint32(len(message)))
		t.data = append(t.data, message...)
		for _, word := range split(message) {
			t.places[word] = append(t.places[word], frame)
			total++
		}
		t.starts = append(t.starts, len(t.data))
		t.words = append(t.words, total)
	}
	return t
}

// Frames returns the number of frames in one lap.
func (t *Tape) Frames() int {
	return len(t.starts) - 1
}

// Words returns how many words the first frames hold.
func (t *Tape) Words(frames int) int {
	laps, rest := frames/t.Frames(), frames%t.Frames()
	return laps*t.words[t.Frames()] + t.words[rest]
}

// Counts returns how often each word stands in the first frames. A word that does not stand in them is left out.
func (t *Tape) Counts(frames int) map[string]int {
	laps, rest := frames/t.Frames(), frames%t.Frames()
	counts := make(map[string]int, len(t.places))
	for word, places := range t.places {
		if n := laps*len(places) + sort.SearchInts(places, rest); n > 0 {
			counts[word] = n
		}
	}
	return counts
}

// stretches returns the bytes of the frames from up to, but without, to, in pieces that lie together in memory.
func (t *Tape) stretches(from, to int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for from < to {
			first := from % t.Frames()
			last := min(first+to-from, t.Frames())
			if !yield(t.data[t.starts[first]:t.starts[last]]) {
				return
			}
			from += last - first
		}
	}
}

// holder returns the frame that holds the occurrence of a word, counted from 1 over all laps; places are those of the word.
func (t *Tape) holder(places []int, occurrence int) int {
	lap, index := (occurrence-1)/len(places), (occurrence-1)%len(places)
	return lap*t.Frames() + places[index]
}

// frame returns the bytes of one frame.
func (t *Tape) frame(number int) []byte {
	n := number % t.Frames()
	return t.data[t.starts[n]:t.starts[n+1]]
}
