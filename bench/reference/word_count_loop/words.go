package main

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// WordTotals is the state of a letter: how often each of its words has come.
type WordTotals struct {
	Totals map[string]int
}

// Count counts a word.
func (t *WordTotals) Count(word string) WordCount {
	if t.Totals == nil {
		t.Totals = map[string]int{}
	}
	t.Totals[word]++
	return WordCount{word, t.Totals[word]}
}

// WordCount says that a word has come for the n-th time.
type WordCount struct {
	Word  string
	Count int
}

// decode is the text of a message, which fails if it is none.
func decode(data []byte) (string, error) {
	if !utf8.Valid(data) {
		return "", errors.New("the message is not UTF-8")
	}
	return string(data), nil
}

const punctuation = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// split is the words of a text.
func split(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.SplitSeq(text, "\n") {
			clean := strings.Trim(strings.ToLower(line), punctuation)
			for word := range strings.SplitSeq(clean, " ") {
				if word = strings.Trim(word, punctuation); word != "" && !yield(word) {
					return
				}
			}
		}
	}
}

// firstLetter is the key of a word: its first letter, or "!" if that is none.
func firstLetter(word string) string {
	if word[0] >= 'a' && word[0] <= 'z' {
		return word[:1]
	}
	return "!"
}

func encode(c WordCount, dst []byte) ([]byte, error) {
	return fmt.Appendf(dst, "%s => %d", c.Word, c.Count), nil
}
