package store

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/formattest"
)

// page is about the format.
const page = "checkpoints.md"

// TestObjectsAreWhatTheirPageShows writes the example of the page.
func TestObjectsAreWhatTheirPageShows(t *testing.T) {
	shown := formattest.Bytes(t, page)
	bucket := newMemory()
	s := mustOpen(t, bucket)
	s.blockBytes = 30
	d, err := s.Begin(1, 2, []string{"words/totals", "alerts"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Add(slices.Concat(one(0, "\x04a", "7"), one(0, "\x04b", "8"), gone(1, "\x04b"))); err != nil {
		t.Fatal(err)
	}
	m, err := d.Commit(t.Context(), About{})
	if err != nil {
		t.Fatal(err)
	}
	if data := bucket.objects[m.Deltas[0].Name]; string(data) != string(shown) {
		t.Errorf("it is\n% x\nand shown\n% x", data, shown)
	}
	if !strings.Contains(formattest.Block(t, page, "json"), m.Deltas[0].Digest) {
		t.Errorf("its digest is %s, and another is shown", m.Deltas[0].Digest)
	}
}

// TestManifestsAreWhatTheirPageShows reads the example of the page, and writes it.
func TestManifestsAreWhatTheirPageShows(t *testing.T) {
	shown := formattest.Block(t, page, "json")
	name := identity{run: 1, epoch: 2, store: "5a3c9e0f1b2d4c6e", number: 2}
	m := &Manifest{
		Name: name.manifest(), Run: 1, Epoch: 2, Time: time.Date(2026, 7, 1, 9, 30, 0, 0, time.UTC), Took: 1500 * time.Microsecond,
		Written: 217, About: About{"word count", json.RawMessage(`{"steps":2}`), 1024, json.RawMessage(`{"words/lines":17}`)},
		States: []string{"alerts", "words/totals"}, Bases: []Base{{To: LastHash}},
	}
	name.number--
	m.Deltas = []Object{{Name: name.object(), Epoch: 2, Bytes: 217, Entities: 3}}
	_, digest, _ := strings.Cut(shown, `"deltas"`)
	_, digest, _ = strings.Cut(digest, `"digest": "`)
	m.Deltas[0].Digest, _, _ = strings.Cut(digest, `"`)
	data, err := m.encode()
	if err != nil || string(data) != shown {
		t.Errorf("it is\n%s\nand shown\n%s, %v", data, shown, err)
	}
	if _, err := parseManifest(m.Name, []byte(shown)); err != nil {
		t.Error(err)
	}
}
