package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// punctuation is what the word count strips from lines and words.
const punctuation = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// caseByContext are the letters that Python makes lower case otherwise than Go, by what stands around them or as two characters.
const caseByContext = "\u03a3\u0130" // capital sigma, and capital I with a dot

// readText returns the lines of a file, and an error if it holds no words or if its words could not be counted here as the application
// counts them.
func readText(file string) ([]string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	text := string(content)
	switch {
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("%s is not UTF-8", file)
	case strings.ContainsAny(text, caseByContext):
		return nil, fmt.Errorf("%s holds one of the letters %q, which lower case differently in Go and in Python", file, caseByContext)
	case len(split(text)) == 0:
		return nil, errors.New(file + " holds no words")
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}

// split does what the application's function of that name does.
func split(message string) []string {
	var words []string
	for line := range strings.SplitSeq(message, "\n") {
		line = strings.Trim(strings.ToLower(line), punctuation)
		for word := range strings.SplitSeq(line, " ") {
			if word = strings.Trim(word, punctuation); word != "" {
				words = append(words, word)
			}
		}
	}
	return words
}
