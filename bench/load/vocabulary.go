package load

import (
	"math/rand/v2"
	"strings"
)

// Shape says how random tapes look. All of it counts for one tape.
type Shape struct {
	Frames     int // frames in a lap
	Words      int // words in a frame, with one space between them
	Vocabulary int // different words; the frequent ones come far more often than the rare ones, as in a language
}

// DefaultShape is a tape of about one megabyte: too large for a processor's first caches, and soon made.
var DefaultShape = Shape{Frames: 16_384, Words: 10, Vocabulary: 10_000}

// How the words are made: their lengths lie evenly between the bounds, and the word of rank r has a weight of (r+shift)^-exponent.
const (
	shortestWord = 3
	longestWord  = 10
	zipfExponent = 1.1
	zipfShift    = 10
)

// RandomTapes returns n tapes made from a seed; the same seed gives the same tapes. No word stands on two of them: so a word travels on one
// connection alone, and its k-th occurrence is known although several connections send at once.
func RandomTapes(seed uint64, n int, shape Shape) []*Tape {
	random := rand.New(rand.NewPCG(seed, 0))
	words := vocabulary(random, n*shape.Vocabulary)
	tapes := make([]*Tape, n)
	for i := range tapes {
		tapes[i] = randomTape(random, words[i*shape.Vocabulary:(i+1)*shape.Vocabulary], shape)
	}
	return tapes
}

// KeyTape returns a tape made from a seed, on whose lap so many keys come, each once and alone in a frame. The order is random, and the
// same in each lap: so a key comes at equal distances.
func KeyTape(seed uint64, keys int) *Tape {
	random := rand.New(rand.NewPCG(seed, 0))
	return NewTape(vocabulary(random, keys), func(key string) []string { return []string{key} })
}

// KeysTape is a KeyTape with a lead, in which all keys come; only the first some of them, which are at least one, come again in the laps.
func KeysTape(seed uint64, keys, again int) *Tape {
	random := rand.New(rand.NewPCG(seed, 0))
	words := vocabulary(random, keys)
	t := NewTape(append(words, words[:again]...), func(key string) []string { return []string{key} })
	t.lead = keys
	return t
}

func randomTape(random *rand.Rand, vocabulary []string, shape Shape) *Tape {
	rank := rand.NewZipf(random, zipfExponent, zipfShift, uint64(len(vocabulary)-1))
	messages := make([]string, shape.Frames)
	words := make([]string, shape.Words)
	for i := range messages {
		for j := range words {
			words[j] = vocabulary[rank.Uint64()]
		}
		messages[i] = strings.Join(words, " ")
	}
	return NewTape(messages, strings.Fields)
}

// vocabulary returns n different words.
func vocabulary(random *rand.Rand, n int) []string {
	words := make([]string, 0, n)
	known := make(map[string]bool, n)
	for len(words) < n {
		if word := randomWord(random); !known[word] {
			known[word] = true
			words = append(words, word)
		}
	}
	return words
}

func randomWord(random *rand.Rand) string {
	word := make([]byte, shortestWord+random.IntN(longestWord-shortestWord+1))
	for i := range word {
		word[i] = byte('a' + random.IntN('z'-'a'+1))
	}
	return string(word)
}
