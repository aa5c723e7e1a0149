// Package formattest reads, for tests, what the pages in docs/format show.
package formattest

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Block is the first block of a language that a page shows. The test's package is a folder in internal.
func Block(tb testing.TB, page, language string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", page))
	if err != nil {
		tb.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```"+language+"\n")
	block, _, found := strings.Cut(block, "```")
	if !found {
		tb.Fatalf("%s shows no %s", page, language)
	}
	return block
}

// Bytes are those of the first block of hexadecimal digits that a page shows; what they mean stands in its lines behind two spaces.
func Bytes(tb testing.TB, page string) []byte {
	tb.Helper()
	var digits strings.Builder
	for line := range strings.Lines(Block(tb, page, "hex")) {
		line, _, _ = strings.Cut(line, "  ")
		digits.WriteString(strings.ReplaceAll(strings.TrimSpace(line), " ", ""))
	}
	data, err := hex.DecodeString(digits.String())
	if err != nil {
		tb.Fatalf("%s: %v", page, err)
	}
	return data
}
