package logging

import "fmt"

const (
	// longest is how many characters of a text that user code has made are written.
	longest = 1000
	// spare is how many more a text may have that Python has cut at the same length and marked: it is not cut again.
	spare = 50
)

// Cut is a text for people to read: of a long one the beginning and the end, and between them how many characters are missing.
func Cut(text string) string {
	if len(text) <= longest+spare {
		return text
	}
	characters := []rune(text)
	if len(characters) <= longest+spare {
		return text
	}
	const half = longest / 2
	end := len(characters) - half
	return fmt.Sprintf("%s ... %d characters ... %s", string(characters[:half]), end-half, string(characters[end:]))
}
