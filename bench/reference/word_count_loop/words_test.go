package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheFunctionsAreThoseOfTheExample compares the declarations as text: the loop is a measure only while both do
// the same work.
func TestTheFunctionsAreThoseOfTheExample(t *testing.T) {
	t.Parallel()
	loop := declarations(t, "words.go")
	example := declarations(t, filepath.Join("..", "..", "..", "examples", "go", "word_count", "main.go"))
	if loop != example {
		t.Errorf("words.go has\n%s\nand the example\n%s", loop, example)
	}
}

// declarations are a file's, from its state on.
func declarations(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "// WordTotals is ")
	if !found {
		t.Fatalf("%s has no WordTotals", file)
	}
	return rest
}
