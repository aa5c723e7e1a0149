package peer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

// openStore opens one that writes for nobody.
func openStore(t *testing.T, path string) (*Store, error) {
	t.Helper()
	s, err := OpenStore(path, FormatLines)
	if err == nil {
		s.start(0, newMeter("received", framing.Resumable, io.Discard, false), func(error) {})
	}
	return s, err
}

// filled is a store of two sinks with three commits, a rollback, and something kept; wants is what its output holds by what both have
// heard.
func filled(t *testing.T, path string) (wants map[string]string) {
	t.Helper()
	s, err := openStore(t, path)
	if err != nil {
		t.Fatal(err)
	}
	one, two := &resumable.SinkHello{Cluster: "c", Sink: "one"}, &resumable.SinkHello{Cluster: "c", Sink: "two"}
	one.Said.Run, two.Said.Run = 1, 1
	wants = map[string]string{"": "", "{1 0}": ""}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	u, err := s.hello(one)
	must(err)
	v, err := s.hello(two)
	must(err)
	output := ""
	step := func(u *unit, said resumable.Said, commits string) {
		t.Helper()
		must(s.hear(u, said))
		output += commits
		wants[heardBy(s)] = output
	}
	step(v, resumable.Said{Run: 1}, "")
	take := func(u *unit, number, epoch uint64, message string) {
		t.Helper()
		m := &resumable.Messages{Run: u.receiver.Said().Run, Epoch: epoch, Number: number}
		m.Batch.Append([]byte(message))
		must(s.take(u, "lane", m))
	}
	take(u, 1, 1, "a")
	take(v, 1, 1, "A")
	take(u, 2, 2, "b")
	step(u, resumable.Said{Run: 1, Committed: 1}, "a\n")
	step(v, resumable.Said{Run: 1, Committed: 1}, "A\n")
	take(u, 3, 3, "void")
	step(u, resumable.Said{Run: 2, Committed: 2}, "b\n")
	take(u, 1, 3, "c")
	step(u, resumable.Said{Run: 2, Committed: 3}, "c\n")
	take(u, 2, 4, "kept")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return wants
}

// heardBy is what the units of a store have heard.
func heardBy(s *Store) string {
	var all []string
	for _, u := range s.units {
		all = append(all, fmt.Sprint(u.receiver.Said()))
	}
	return strings.Join(all, " ")
}

// TestAStoreIsWholeWhereverItsRecordEnds cuts the record anywhere, as a crash does, and has the output go on behind what is recorded.
func TestAStoreIsWholeWhereverItsRecordEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	wants := filled(t, path)
	whole, err := os.ReadFile(path + recordSuffix)
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "out")
	states := map[string]bool{}
	first := recordHead + 1 + len(`{"Version":1,"Format":"lines","Length":0,"Messages":0,"Units":null}`)
	for end := first; end <= len(whole); end += 5 { // there is no record that is as short
		if err := errors.Join(os.WriteFile(cut, append(output, "not recorded"...), 0o600),
			os.WriteFile(cut+recordSuffix, whole[:end], 0o600)); err != nil {
			t.Fatal(err)
		}
		for range 1 + end%64/63 { // what is opened again is the same
			s, err := openStore(t, cut)
			if err != nil {
				t.Fatalf("cut at %d: %v", end, err)
			}
			heard := heardBy(s)
			states[heard] = true
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			want, is := wants[heard]
			if !is {
				t.Errorf("cut at %d, it has heard %s", end, heard)
			}
			wantFile(t, cut, want)
		}
	}
	if len(states) != len(wants) {
		t.Errorf("%d states came about; want %d", len(states), len(wants))
	}
	s, err := openStore(t, cut)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.hear(s.units[0], resumable.Said{Run: 2, Committed: 4}); err != nil {
		t.Error(err)
	}
	wantFile(t, cut, string(output)+"kept\n")
}

func TestOpenStoreRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string, written []byte) error
		want  string
	}{
		"an output that somebody wrote": {
			func(path string, _ []byte) error { return os.Remove(path + recordSuffix) },
			"out is not empty, and there is no ",
		},
		"an output that was cut": {
			func(path string, _ []byte) error { return os.Truncate(path, 3) },
			"out has 3 bytes, of which 8 are committed by ",
		},
		"damage": {
			func(path string, written []byte) error {
				written[100] ^= 1
				return os.WriteFile(path+recordSuffix, written, 0o600)
			},
			"out.resume is damaged at byte ",
		},
		"another version": {
			func(path string, _ []byte) error {
				file, err := os.Create(path + recordSuffix)
				if err != nil {
					return err
				}
				next := &record{file: file}
				return errors.Join(next.addJSON(recordState, state{Version: 2}), next.sync(), file.Close())
			},
			"out.resume is of version 2, and this program knows version 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			filled(t, path)
			written, err := os.ReadFile(path + recordSuffix)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(path, written); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			_, err = openStore(t, path)
			wantError(t, err, c.want)
			wantFile(t, path, string(before))
		})
	}
	path := filepath.Join(t.TempDir(), "out")
	s, err := openStore(t, path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openStore(t, path)
	wantError(t, err, "is open in another process that receives into it")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = OpenStore(path, FormatHex)
	wantError(t, err, "was begun in format lines: go on in that, or choose another file")
	_, err = OpenStore(os.DevNull, FormatHex)
	wantError(t, err, "is no file on a disk")
}

// TestARecordIsWrittenAnew goes on with a record from which what is committed was left out.
func TestARecordIsWrittenAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	filled(t, path)
	s, err := openStore(t, path)
	if err != nil {
		t.Fatal(err)
	}
	former := s.record
	if err := errors.Join(s.rewrite(former), former.file.Close()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.hear(s.units[0], resumable.Said{Run: 2, Committed: 4}), s.Close()); err != nil {
		t.Error(err)
	}
	wantFile(t, path, "a\nA\nb\nc\nkept\n")
}

// FuzzReplay replays anything behind a record of two sinks: that is refused, or leaves a store that goes on.
func FuzzReplay(f *testing.F) {
	m := &resumable.Messages{Run: 1, Epoch: 1, Number: 1}
	m.Batch.Append([]byte("a"))
	for _, seed := range []string{
		string(recordHeard) + `{"Unit":2,"Cluster":"c","Sink":"s","Said":{"Run":1,"Committed":0},"Length":0,"Messages":0}`,
		string(recordHeard) + `{"Unit":-1}`,
		string(recordState) + `{"Version":1,"Format":"lines","Length":0,"Messages":0,"Units":[{"Said":{"Run":1},"Lanes":{"a":null}}]}`,
		string(recordTaken) + string(messagesBody(1, "lane", m)),
		string(recordKept) + string(messagesBody(1, "lane", m)),
		"\x09",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &Store{format: FormatLines}
		s.begin(0, "c", "one")
		s.begin(1, "c", "two")
		if len(body) == 0 || s.replay(body, recordHead) != nil {
			return
		}
		for _, u := range s.units {
			said := u.receiver.Said()
			m := &resumable.Messages{Run: said.Run, Epoch: said.Committed + 1, Number: u.receiver.Number("a") + 1}
			m.Batch.Append(nil)
			_, _ = u.receiver.Take("a", m)
			if _, _, err := u.receiver.Hear(resumable.Said{Run: said.Run + 1, Committed: said.Committed + 1}); err != nil && said.Run+1 > 1 {
				t.Error(err)
			}
		}
	})
}
