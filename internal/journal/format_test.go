package journal

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// example are the records of the segment that docs/format/journal.md shows.
var example = []*Record{
	{Connection: 1, Opened: &Opened{Source: "words/source", Peer: "127.0.0.1:40000"}},
	some(1, 0, "a", "", "bc"),
	{Connection: 1, Closed: true},
}

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
