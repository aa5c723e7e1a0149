package worker

import "testing"

// TestWhereSourcesGoOn looks for positions in a checkpoint of two sources, and in none.
func TestWhereSourcesGoOn(t *testing.T) {
	m := Manifest{Sources: []Position{{Source: "a", Next: 90, Accepted: 5}, {Source: "b", Next: 70}}}
	for source, want := range map[string]uint64{
		"a": 90, "b": 70,
		"new": 70, // the journal behind the checkpoint may hold something of it
	} {
		if got := m.of(source); got.Next != want || got.Source != source {
			t.Errorf("%s goes on from %+v; want record %d", source, got, want)
		}
	}
	var none Manifest
	if got := none.of("a"); got.Next != 1 {
		t.Errorf("without a checkpoint it goes on from %+v", got)
	}
}
