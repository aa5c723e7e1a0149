package load

import (
	"encoding/binary"
	"iter"
	"sort"
)

// headerSize is the length in bytes of a frame's header, an unsigned big-endian integer that holds the length of the payload.
const headerSize = 4

// A Tape is a sequence of frames prepared ahead, to be sent round and round. So a sender only writes, and how often each word has been
// sent after any number of frames is known without keeping what was sent. Frames are numbered from 0 and on through all laps. A tape may
// have a lead: frames that come once, ahead of the first lap.
//
// A tape does not change and may be used by many goroutines.
type Tape struct {
	lead   int              // frames
	data   []byte           // the frames of the lead and one lap, one behind the other
	starts []int            // where each frame starts in data, and where the last one ends
	words  []int            // how many words stand before each frame, and in all
	places map[string][]int // for each word, the frame of each of its occurrences in lead and lap, in order
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

// Lead returns the number of frames in the lead.
func (t *Tape) Lead() int {
	return t.lead
}

// Frames returns the number of frames in one lap.
func (t *Tape) Frames() int {
	return len(t.starts) - 1 - t.lead
}

// Words returns how many words the first frames hold.
func (t *Tape) Words(frames int) int {
	laps, rest := t.laps(frames)
	return t.words[rest] + laps*(t.words[t.lead+t.Frames()]-t.words[t.lead])
}

// Counts returns how often each word stands in the first frames. A word that does not stand in them is left out.
func (t *Tape) Counts(frames int) map[string]int {
	laps, rest := t.laps(frames)
	counts := make(map[string]int, len(t.places))
	for word, places := range t.places {
		if n := laps*(len(places)-t.inLead(places)) + sort.SearchInts(places, rest); n > 0 {
			counts[word] = n
		}
	}
	return counts
}

// laps returns how many whole laps the first frames hold, and which frames they hold beside these: the first ones of lead and lap.
func (t *Tape) laps(frames int) (laps, rest int) {
	if frames <= t.lead {
		return 0, frames
	}
	return (frames - t.lead) / t.Frames(), t.index(frames)
}

// index returns where a frame stands in lead and lap.
func (t *Tape) index(frame int) int {
	if frame < t.lead {
		return frame
	}
	return t.lead + (frame-t.lead)%t.Frames()
}

// inLead returns how many of the places of a word are in the lead.
func (t *Tape) inLead(places []int) int {
	if t.lead == 0 {
		return 0
	}
	return sort.SearchInts(places, t.lead)
}

// stretches returns the bytes of the frames from up to, but without, to, in pieces that lie together in memory.
func (t *Tape) stretches(from, to int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for from < to {
			first := t.index(from)
			last := min(first+to-from, t.lead+t.Frames())
			if !yield(t.data[t.starts[first]:t.starts[last]]) {
				return
			}
			from += last - first
		}
	}
}

// holder returns the frame that holds the occurrence of a word, counted from 1 over all laps; places are those of the word.
func (t *Tape) holder(places []int, occurrence int) int {
	lead := t.inLead(places)
	if occurrence <= lead {
		return places[occurrence-1]
	}
	lap, index := (occurrence-1-lead)/(len(places)-lead), (occurrence-1-lead)%(len(places)-lead)
	return lap*t.Frames() + places[lead+index]
}

// frame returns the bytes of one frame.
func (t *Tape) frame(number int) []byte {
	n := t.index(number)
	return t.data[t.starts[n]:t.starts[n+1]]
}
