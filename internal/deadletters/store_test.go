package deadletters

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func open(tb testing.TB, dir string) (*Store, int) {
	tb.Helper()
	s, cut, err := Open(dir, Least)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s, cut
}

// record is one whose message is a text.
func record(message string) Record {
	encoding, key, connection, position := "text", "'k'", "127.0.0.1:9", uint64(7)
	return Record{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Application: "app", Pipeline: "p", Step: "p/step", Key: &key, Message: &message,
		MessageEncoding: &encoding, Error: "ValueError: <bad>", Traceback: "a\nb", Connection: &connection, Position: &position,
	}
}

func add(tb testing.TB, s *Store, r Record) Added {
	tb.Helper()
	added, err := s.Add(r)
	if err != nil {
		tb.Fatal(err)
	}
	return added
}

// list reads all letters, by pages of so many bytes.
func list(tb testing.TB, s *Store, bytes int) (letters []Letter, broken int) {
	tb.Helper()
	for after := ""; ; {
		page, err := s.List(after, bytes)
		if err != nil {
			tb.Fatal(err)
		}
		letters, broken = append(letters, page.Letters...), broken+page.Broken
		if !page.More {
			return letters, broken
		}
		after = page.Letters[len(page.Letters)-1].ID
	}
}

func ids(letters []Letter) string {
	var list []string
	for _, l := range letters {
		list = append(list, l.ID)
	}
	return strings.Join(list, " ")
}

func TestARecordComesBackAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dead-letters")
	s, _ := open(t, dir)
	want := record("caf\u00e9 <&> \n\x00")
	for _, id := range []string{"1", "2"} {
		if added := add(t, s, want); added.ID != id || added.Dropped != 0 {
			t.Errorf("%+v", added)
		}
	}
	want.ID = "2"
	got, found, err := s.Find("2")
	if err != nil || !found || !reflect.DeepEqual(got, Letter{Record: want}) {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
	for _, id := range []string{"0", "3", "x", "", "-1", "99999999999999999999"} {
		if _, found, err := s.Find(id); found || err != nil {
			t.Errorf("found %q, %v", id, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "1.jsonl"))
	if err != nil || bytes.Count(data, []byte("\n")) != 2 || !bytes.Contains(data, []byte(`"error":"ValueError: <bad>"`)) {
		t.Errorf("%s, %v", data, err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "1.jsonl"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestWhatIsReplayedIsMarkedAlsoBehindARestart(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for start := range 3 {
		s, _ := open(t, dir)
		add(t, s, record("m"))
		add(t, s, record("m"))
		if err := s.Replayed(fmt.Sprint(2*start+1), at, Place{}); err != nil {
			t.Fatal(err)
		}
		letters, _ := list(t, s, 1)
		if got := ids(letters); got != strings.Join(strings.Fields("1 2 3 4 5 6")[:2*start+2], " ") {
			t.Errorf("letters %s", got)
		}
		for n, l := range letters {
			if replayed := n%2 == 0; replayed != (l.Replayed != nil) || replayed && !l.Replayed.Equal(at) {
				t.Errorf("letter %s was replayed at %v", l.ID, l.Replayed)
			}
		}
		if got := s.Counts(); got != (Counts{Written: 2, Replayed: 1}) {
			t.Errorf("%+v", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheOldestGo adds more than is kept: the bound holds, what went is counted, and what was replayed is not missed.
func TestTheOldestGo(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	const records = 400
	dropped, replayed := 0, 0
	for n := range records {
		added := add(t, s, record(strings.Repeat("x", 9000)))
		dropped += added.Dropped
		if n%3 == 0 {
			replayed++
			if err := s.Replayed(added.ID, time.Now(), Place{}); err != nil {
				t.Fatal(err)
			}
		}
		total := int64(0)
		for _, path := range glob(t, dir) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			total += info.Size()
		}
		if total > Least {
			t.Fatalf("after %d records there are %d bytes", n+1, total)
		}
	}
	letters, _ := list(t, s, 20000)
	waiting := 0
	for n, l := range letters {
		if l.ID != fmt.Sprint(records-len(letters)+n+1) {
			t.Fatalf("letter %d of %d is %s", n, len(letters), l.ID)
		}
		if l.Replayed == nil {
			waiting++
		}
	}
	if len(letters) < 70 || dropped == 0 || records-replayed != dropped+waiting {
		t.Errorf("%d letters, %d dropped, %d replayed, %d wait", len(letters), dropped, replayed, waiting)
	}
	if got := s.Counts(); got.Dropped != uint64(dropped) {
		t.Errorf("%+v; %d dropped", got, dropped)
	}
	if _, found, err := s.Find("1"); found || err != nil {
		t.Errorf("the first is still there, %v", err)
	}
	if err := s.Replayed("1", time.Now(), Place{}); err == nil {
		t.Error("one that is gone was marked")
	}
	if marks, _ := filepath.Glob(filepath.Join(dir, "*.replayed")); len(marks) > len(glob(t, dir)) {
		t.Errorf("marks of files that are gone: %v", marks)
	}
}

func glob(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAMessageThatIsTooLongIsLeftOut(t *testing.T) {
	s, _ := open(t, t.TempDir())
	r := record(strings.Repeat("\x00", Least/files/6+1))
	r.Traceback = strings.Repeat("\u00e9", 100_000)
	add(t, s, r)
	l, _, err := s.Find("1")
	if err != nil || l.Message != nil || l.MessageEncoding != nil || !strings.Contains(l.MessageMissing, "one of at most 131072 is kept") {
		t.Errorf("%+v, %v", l.MessageMissing, err)
	}
	if len(l.Traceback) > 2*longestText || !strings.Contains(l.Traceback, " bytes ...") || strings.ContainsRune(l.Traceback, '\uFFFD') {
		t.Errorf("a traceback of %d bytes", len(l.Traceback))
	}
	if size := s.last.size; size > Least/files {
		t.Errorf("its line has %d bytes", size)
	}
}

// TestACrashAnywhereLeavesWholeRecords cuts the last file at each of its bytes.
func TestACrashAnywhereLeavesWholeRecords(t *testing.T) {
	whole := t.TempDir()
	s, _ := open(t, whole)
	var ends []int
	for n := range 3 {
		add(t, s, record(fmt.Sprint("m", n)))
		ends = append(ends, int(s.last.size))
	}
	data, err := os.ReadFile(filepath.Join(whole, "1.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at <= len(data); at += 1 + at%5 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "1.jsonl"), data[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		left := 0
		for left < len(ends) && ends[left] <= at {
			left++
		}
		s, cut := open(t, dir)
		kept := append([]int{0}, ends...)[left]
		if cut != at-kept {
			t.Fatalf("cut at %d: %d bytes were cut off; want %d", at, cut, at-kept)
		}
		if added := add(t, s, record("next")); added.ID != fmt.Sprint(left+1) {
			t.Fatalf("cut at %d: the next is %s", at, added.ID)
		}
		letters, broken := list(t, s, 1<<20)
		if len(letters) != left+1 || broken != 0 || *letters[left].Message != "next" {
			t.Fatalf("cut at %d: %d letters, %d broken", at, len(letters), broken)
		}
	}
}

func TestATornMarkIsCutOff(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	add(t, s, record("m"))
	add(t, s, record("m"))
	if err := os.WriteFile(filepath.Join(dir, "1.replayed"), []byte(`{"id":"1","ti`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Replayed("2", time.Now(), Place{}); err != nil {
		t.Fatal(err)
	}
	letters, _ := list(t, s, 1<<20)
	if letters[0].Replayed != nil || letters[1].Replayed == nil {
		t.Errorf("%+v", letters)
	}
}

func TestLinesThatAreNoRecordsAreCounted(t *testing.T) {
	dir := t.TempDir()
	text := `{"id":"1"}` + "\nnonsense\n" + `{"id":"x"}` + "\n{}\n" + `{"id":"5"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "1.jsonl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, cut := open(t, dir)
	letters, broken := list(t, s, 1<<20)
	if ids(letters) != "1 5" || broken != 3 || cut != 0 {
		t.Errorf("letters %s, %d broken, %d cut", ids(letters), broken, cut)
	}
	if added := add(t, s, record("m")); added.ID != "6" {
		t.Errorf("the next is %s", added.ID)
	}
}

// fullDisk is a file on a disk with room for so many bytes.
type fullDisk struct {
	file

	room  int
	stuck bool // nothing can be cut off
}

func (f *fullDisk) Write(data []byte) (int, error) {
	n := min(len(data), f.room)
	f.room -= n
	n, err := f.file.Write(data[:n])
	if err == nil && n < len(data) {
		err = syscall.ENOSPC
	}
	return n, err
}

func (f *fullDisk) Truncate(size int64) error {
	if f.stuck {
		return syscall.EIO
	}
	return f.file.Truncate(size)
}

func TestAFullDiskIsToldAndLeavesWholeRecords(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		for room := 0; room < 400; room += 11 {
			dir := t.TempDir()
			s, _ := open(t, dir)
			add(t, s, record("first"))
			disk := s.last.file
			s.last.file = &fullDisk{file: disk, room: room, stuck: stuck}
			added, err := s.Add(record("second"))
			written := added.ID != ""
			if written != (err == nil) || !written && !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("room for %d: %+v, %v", room, added, err)
			}
			if s.last != nil {
				s.last.file = disk // there is room again
			}
			add(t, s, record("third"))
			want := []string{"first", "third"}
			if written {
				want = []string{"first", "second", "third"}
			}
			for range 2 {
				letters, broken := list(t, s, 1<<20)
				var got []string
				for _, l := range letters {
					got = append(got, *l.Message)
				}
				if !reflect.DeepEqual(got, want) || broken != 0 {
					t.Fatalf("room for %d: %v; want %v; %d broken", room, got, want, broken)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s, _ = open(t, dir)
			}
			if counts := s.Counts(); counts.Failed != 0 {
				t.Errorf("%+v", counts)
			}
		}
	}
}

// torn are files as crashes, people and disks may leave them.
func torn(tb testing.TB) [][]byte {
	tb.Helper()
	r := record("m")
	r.ID = "3"
	data, err := r.line(Least)
	if err != nil {
		tb.Fatal(err)
	}
	return [][]byte{
		nil, data, append(bytes.Clone(data), data[:len(data)/2]...), []byte("\n\n"), bytes.Repeat([]byte("x"), 200_000),
		[]byte("{}\n\n{\"id\":\"4611686018427387903\"}\n{\"id\":\"18446744073709551615\"}\nx"),
	}
}

// TestAStoreOpensWhateverStandsThere demands that records that are whole stay, and that what is added comes behind.
func TestAStoreOpensWhateverStandsThere(t *testing.T) {
	for n, data := range torn(t) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "1.jsonl"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, cut := open(t, dir)
		if last := bytes.LastIndexByte(data, '\n'); cut != len(data)-last-1 {
			t.Errorf("%d: %d bytes were cut off", n, cut)
		}
		before, _ := list(t, s, 1<<20)
		if len(before) != records(data) {
			t.Errorf("%d: %d letters of %d records", n, len(before), records(data))
		}
		added := add(t, s, record("next"))
		letter, found, err := s.Find(added.ID)
		if err != nil || !found || *letter.Message != "next" {
			t.Errorf("%d: what was added is not found, %v", n, err)
		}
	}
}

// FuzzRead reads whatever comes: nothing of it is lost, and what is a record stays the same one when it is written again.
func FuzzRead(f *testing.F) {
	for _, data := range torn(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var all []byte
		rest, err := lines(bytes.NewReader(data), func(line []byte) bool {
			all = append(append(all, line...), '\n')
			r, ok := parse(line)
			if !ok {
				return true
			}
			written, err := r.line(1 << 30)
			if err != nil {
				return true // a time that RFC 3339 does not know
			}
			if again, ok := parse(written[:len(written)-1]); !ok || again.ID != r.ID || !reflect.DeepEqual(again.Message, r.Message) {
				t.Errorf("%q became %q", line, written)
			}
			return true
		})
		if err != nil || string(all)+string(data[len(data)-rest:]) != string(data) {
			t.Errorf("%d bytes in lines and %d behind them of %d, %v", len(all), rest, len(data), err)
		}
	})
}

// records is how many lines are ones.
func records(data []byte) (n int) {
	_, _ = lines(bytes.NewReader(data), func(line []byte) bool {
		if _, ok := parse(line); ok {
			n++
		}
		return true
	})
	return n
}

// TestWhatWasRolledBackCountsNoMore writes and replays records in two runs, and goes back.
func TestWhatWasRolledBackCountsNoMore(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	for _, in := range []Place{{1, 1}, {1, 2}, {1, 3}} {
		r := record("m")
		r.Place = in
		add(t, s, r)
	}
	if err := s.Replayed("1", time.Now(), Place{1, 3}); err != nil {
		t.Fatal(err)
	}
	shown := func(s *Store) (ids []string) {
		letters, _ := list(t, s, 1<<20)
		for _, l := range letters {
			text := l.ID
			if l.Replayed != nil {
				text += " replayed"
			}
			ids = append(ids, text)
		}
		return ids
	}
	same := func(s *Store, want ...string) {
		t.Helper()
		if got := shown(s); !slices.Equal(got, want) {
			t.Errorf("listed are %q; want %q", got, want)
		}
	}
	same(s, "1 replayed", "2", "3")
	if err := s.RollBack(2, 2); err != nil { // back to the checkpoint of epoch 2
		t.Fatal(err)
	}
	same(s, "1", "2")
	if _, found, err := s.Find("3"); found || err != nil {
		t.Errorf("3 is found, %v", err)
	}
	r := record("m")
	r.Place = Place{2, 3} // the same epoch, in the run that has begun
	add(t, s, r)
	same(s, "1", "2", "4")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := open(t, dir)
	same(again, "1", "2", "4")
	if err := again.RollBack(3, 0); err != nil {
		t.Fatal(err)
	}
	same(again)
}
