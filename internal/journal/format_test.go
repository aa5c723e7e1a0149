package journal

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// example are the records of the segment that docs/format/journal.md shows.
var example = []*Record{some(1, 0, "a", "", "bc"), {
	Source: "words/source", Peer: "127.0.0.1:2", Connection: 2, Stream: "orders", First: 7, Ingest: 8,
	Sizes: []uint32{1}, Payload: []byte("d"),
}}

// TestTheFormatIsWhatItsPageShows writes the example, and reads what the page shows.
func TestTheFormatIsWhatItsPageShows(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```hex\n")
	block, _, found := strings.Cut(block, "```")
	var digits strings.Builder
	for line := range strings.Lines(block) {
		line, _, _ = strings.Cut(line, "  ") // what it means stands behind two spaces
		digits.WriteString(strings.ReplaceAll(strings.TrimSpace(line), " ", ""))
	}
	shown, err := hex.DecodeString(digits.String())
	if err != nil || !found {
		t.Fatal(err)
	}
	folder := t.TempDir()
	j := mustOpen(t, folder, small)
	mustAppend(t, j, example)
	data, err := os.ReadFile(filepath.Join(folder, nameOf(1)))
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != string(shown) {
		t.Errorf("it is\n% x\nand shown\n% x", data, shown)
	}
}
