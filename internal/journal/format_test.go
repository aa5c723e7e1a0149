package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/formattest"
)

// example are the records of the segment that docs/format/journal.md shows.
var example = []*Record{some(1, 0, "a", "", "bc"), {
	Source: "words/source", Peer: "127.0.0.1:2", Connection: 2, Stream: "orders", First: 7, Ingest: 8,
	Sizes: []uint32{1}, Payload: []byte("d"),
}}

// TestTheFormatIsWhatItsPageShows writes the example, and reads what the page shows.
func TestTheFormatIsWhatItsPageShows(t *testing.T) {
	shown := formattest.Bytes(t, "journal.md")
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
