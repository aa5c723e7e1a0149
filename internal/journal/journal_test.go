package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// small are the options of a journal whose segments hold a few records.
var small = Options{SegmentBytes: 300}

// some is a record of so many messages.
func some(connection, first uint64, texts ...string) *Record {
	r := &Record{
		Source: "p/source", Peer: fmt.Sprint("127.0.0.1:", connection), Connection: connection, First: first, Ingest: int64(first) + 1,
	}
	for _, text := range texts {
		r.Sizes = append(r.Sizes, uint32(len(text)))
		r.Payload = append(r.Payload, text...)
	}
	return r
}

// random are records of several connections, as sources make them.
func random(chance *rand.Rand, n int) []*Record {
	var list []*Record
	sent := map[uint64]uint64{}
	for len(list) < n {
		connection := 1 + chance.Uint64N(3)
		var texts []string
		for range 1 + chance.IntN(4) {
			texts = append(texts, strings.Repeat("x", chance.IntN(20)))
		}
		r := some(connection, sent[connection], texts...)
		if connection == 2 {
			r.Stream = "orders"
		}
		list = append(list, r)
		sent[connection] += uint64(len(texts))
	}
	return list
}

func mustOpen(t *testing.T, folder string, o Options) *Journal {
	t.Helper()
	j, err := Open(folder, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func mustAppend(t *testing.T, j *Journal, list []*Record) {
	t.Helper()
	for _, r := range list {
		if _, err := j.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

// check demands that the journal has these records.
func check(t *testing.T, j *Journal, want []*Record) {
	t.Helper()
	n := 0
	for r, err := range j.Records(1) {
		if err != nil {
			t.Fatal(err)
		}
		if n == len(want) || r.Number != uint64(n)+1 || !reflect.DeepEqual(tidy(&r), tidy(want[n])) {
			t.Fatalf("record %d is %s", n, shown(&r))
		}
		n++
	}
	if n != len(want) || j.Next() != uint64(len(want))+1 {
		t.Fatalf("%d records, and the next is %d; want %d", n, j.Next(), len(want))
	}
}

// tidy is a record without its number, in which what is empty is nil.
func tidy(r *Record) *Record {
	same := *r
	same.Number = 0
	if len(same.Payload) == 0 {
		same.Payload = nil
	}
	return &same
}

func shown(r *Record) string {
	text, err := json.Marshal(r)
	return fmt.Sprint(string(text), err)
}

func TestWhatIsAppendedIsThereAgain(t *testing.T) {
	for seed := range uint64(50) {
		chance := rand.New(rand.NewPCG(seed, 1))
		folder := t.TempDir()
		var all []*Record
		for range 4 { // it is closed, or not, and opened again
			j := mustOpen(t, folder, Options{SegmentBytes: 100 + chance.Int64N(500)})
			check(t, j, all)
			more := random(chance, chance.IntN(30))
			mustAppend(t, j, more)
			all = append(all, more...)
			check(t, j, all)
			if chance.IntN(2) == 0 {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// files are those of a journal's folder, the last segment at last.
func files(t *testing.T, folder string) []string {
	t.Helper()
	all, err := segments(folder)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, first := range all {
		paths = append(paths, filepath.Join(folder, nameOf(first)))
	}
	return paths
}

// written makes a journal of some segments and returns its folder, its records, and how many are in front of the last segment.
func written(t *testing.T) (folder string, list []*Record, before int) {
	t.Helper()
	folder = t.TempDir()
	list = random(rand.New(rand.NewPCG(5, 1)), 40)
	j := mustOpen(t, folder, small)
	mustAppend(t, j, list)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := segments(folder)
	if err != nil || len(all) < 3 {
		t.Fatal(all, err)
	}
	return folder, list, int(all[len(all)-1]) - 1
}

func clone(t *testing.T, folder string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestATornEndIsCutOff cuts the last segment at every byte: what was whole is there, and it can be appended to.
func TestATornEndIsCutOff(t *testing.T) {
	folder, list, before := written(t)
	all := files(t, folder)
	data, err := os.ReadFile(all[len(all)-1])
	if err != nil {
		t.Fatal(err)
	}
	whole := before // records up to a place
	at := segmentHead
	for size := range data {
		if size >= segmentHead {
			if _, n, err := parseRecord(data[at:size]); err == nil {
				whole, at = whole+1, at+n
			}
		}
		for _, filled := range []int{0, 700} { // with zeros, as a power cut may leave it
			cut := clone(t, folder)
			path := filepath.Join(cut, filepath.Base(all[len(all)-1]))
			if filled > 0 && size < segmentHead {
				continue
			}
			if err := os.WriteFile(path, append(data[:size:size], make([]byte, filled)...), 0o600); err != nil {
				t.Fatal(err)
			}
			j := mustOpen(t, cut, small)
			check(t, j, list[:whole])
			end := int64(at)
			if size < segmentHead {
				end = 0
			}
			want := Cut{path, end, int64(size+filled) - end}
			if want.Bytes == 0 {
				want = Cut{}
			}
			if j.Cut() != want {
				t.Errorf("%d bytes and %d zeros: it cut off %+v; want %+v", size, filled, j.Cut(), want)
			}
			mustAppend(t, j, list[:3])
			check(t, j, append(list[:whole:whole], list[:3]...))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestADamagedByteIsToldWithItsPlace changes every byte in turn. Only the last record may be given up, since a crash may leave it so.
func TestADamagedByteIsToldWithItsPlace(t *testing.T) {
	folder, list, _ := written(t)
	all := files(t, folder)
	for n, path := range all {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lastRecord := len(data) // where the last record begins
		for at := segmentHead; at < len(data); {
			_, size, err := parseRecord(data[at:])
			if err != nil {
				t.Fatal(err)
			}
			lastRecord, at = at, at+size
		}
		for at := range data {
			flip := []byte{0x01, 0x80, 0xff}[at%3]
			changed := bytes.Clone(data)
			changed[at] ^= flip
			if err := os.WriteFile(path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := Open(folder, small)
			damage, told := errors.AsType[*DamageError](err)
			switch mayBeTorn := n == len(all)-1 && at >= lastRecord; {
			case mayBeTorn && err == nil:
				check(t, j, list[:len(list)-1])
				if want := (Cut{path, int64(lastRecord), int64(len(data) - lastRecord)}); j.Cut() != want {
					t.Errorf("byte %d changed: it cut off %+v; want %+v", at, j.Cut(), want)
				}
			case !told || damage.File != path || damage.Offset > int64(at):
				t.Fatalf("byte %d of %s changed: %v", at, path, err)
			}
			if err == nil {
				_ = j.Close()
			}
			if err := os.WriteFile(path, data, 0o600); err != nil { // the last record was cut off
				t.Fatal(err)
			}
		}
	}
}

func TestAMissingSegmentIsTold(t *testing.T) {
	folder, _, _ := written(t)
	for _, path := range files(t, folder) {
		without := clone(t, folder)
		if err := os.Remove(filepath.Join(without, filepath.Base(path))); err != nil {
			t.Fatal(err)
		}
		j, err := Open(without, small)
		if err == nil { // the first may be gone, as long as nobody asks for it
			for _, wrong := range j.Records(1) {
				err = wrong
			}
			_ = j.Close()
		}
		if damage, told := errors.AsType[*DamageError](err); !told {
			t.Errorf("%s is missing: %v", filepath.Base(path), damage)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, small); err == nil || !strings.Contains(err.Error(), "notes.txt is no file of a journal") {
		t.Error(err)
	}
}

// failing is a segment on a disk that does what a test says.
type failing struct {
	file
	disk *disk
}

// disk fails the write, or the cut, of a number, having done a part of it.
type disk struct {
	mu      sync.Mutex
	writes  int
	failAt  int
	with    error
	partial int
	alsoCut bool
}

func (d *disk) create(path string) (file, error) {
	f, err := create(path)
	return &failing{f, d}, err
}

func (f *failing) WriteAt(b []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.writes++
	if f.disk.writes != f.disk.failAt {
		return f.file.WriteAt(b, offset)
	}
	n, err := f.file.WriteAt(b[:min(f.disk.partial, len(b))], offset)
	return n, errors.Join(err, f.disk.with)
}

func (f *failing) Truncate(size int64) error {
	if f.disk.alsoCut && f.disk.writes >= f.disk.failAt {
		return f.disk.with
	}
	return f.file.Truncate(size)
}

// TestADiskThatFailsAWrite has each write fail in turn, with a part done. What was told to be there is there, in order; a full disk is no
// end.
func TestADiskThatFailsAWrite(t *testing.T) {
	list := random(rand.New(rand.NewPCG(6, 1)), 40)
	for failAt := 1; failAt < 60; failAt++ {
		for _, d := range []*disk{
			{with: unix.ENOSPC, partial: 7},
			{with: unix.EIO, partial: 7},
			{with: unix.EIO, partial: 1 << 20},
			{with: unix.EIO, partial: 9, alsoCut: true},
		} {
			d.failAt = failAt
			folder := t.TempDir()
			j, err := open(folder, small, d.create, freeBytes)
			if err != nil { // the first write is the head's
				if failAt != 1 {
					t.Fatal(err)
				}
				check(t, mustOpen(t, folder, small), nil)
				continue
			}
			var there []*Record
			for _, r := range list {
				_, err := j.Append(r)
				for errors.Is(err, ErrNoRoom) {
					_, err = j.Append(r)
				}
				if err != nil {
					if _, again := j.Append(r); again == nil {
						t.Fatal("what has failed for good goes on")
					}
					break
				}
				there = append(there, r)
			}
			if errors.Is(d.with, unix.ENOSPC) && len(there) < len(list) {
				t.Fatal("a full disk is the end")
			}
			_ = j.Close()
			again := mustOpen(t, folder, small)
			if again.Next() == uint64(len(there))+2 {
				there = append(there, list[len(there)]) // it was written, and told that it may not be
			}
			check(t, again, there)
		}
	}
}

// TestWhatIsTrimmedIsGone trims up to each record: segments go that hold none of those behind it, and the rest is there, also when the
// journal is opened again.
func TestWhatIsTrimmedIsGone(t *testing.T) {
	folder, list, _ := written(t)
	for below := uint64(1); below <= uint64(len(list))+1; below++ {
		in := clone(t, folder)
		j := mustOpen(t, in, small)
		before := j.Length().Bytes
		if err := j.Trim(below); err != nil {
			t.Fatal(err)
		}
		var size int64
		for _, path := range files(t, in) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		if j.Length().Bytes != size || below > uint64(len(list)) && size >= before {
			t.Errorf("%d bytes after %d, the files have %d", j.Length().Bytes, before, size)
		}
		if l := j.Length(); files(t, in)[0] != filepath.Join(in, nameOf(l.First)) || l.First > below || l.Next != uint64(len(list))+1 {
			t.Errorf("below %d: %+v of %v", below, l, files(t, in))
		}
		more := some(9, 0, "more")
		mustAppend(t, j, []*Record{more})
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(list[below-1:]), more)
		n := 0
		for r, err := range mustOpen(t, in, small).Records(below) {
			if err != nil || !reflect.DeepEqual(tidy(&r), tidy(want[n])) {
				t.Fatal(below, n, shown(&r), err)
			}
			n++
		}
		if n != len(want) {
			t.Errorf("below %d: %d records; want %d", below, n, len(want))
		}
	}
}

// TestManyAreSyncedTogether appends from many goroutines: all is on disk when Sync returns, by fewer syncs than records.
func TestManyAreSyncedTogether(t *testing.T) {
	folder := t.TempDir()
	j := mustOpen(t, folder, Options{SegmentBytes: 2000})
	const connections, each = 16, 20
	var all sync.WaitGroup
	for connection := range uint64(connections) {
		all.Go(func() {
			for n := range uint64(each) {
				number, err := j.Append(some(connection, n, "text"))
				if err != nil {
					t.Error(err)
				}
				if synced, err := j.Sync(number); err != nil || synced < number {
					t.Error(number, synced, err)
				}
			}
		})
	}
	all.Wait()
	seen := map[uint64]uint64{}
	for r, err := range j.Records(1) {
		if err != nil || r.First != seen[r.Connection] {
			t.Fatal(r, err)
		}
		seen[r.Connection]++
	}
	if len(seen) != connections || j.Next() != connections*each+1 {
		t.Errorf("%v, next %d", seen, j.Next())
	}
	if g := j.Groups(); g.Syncs == 0 || g.Records > connections*each || g.Syncs > g.Records {
		t.Errorf("%+v", g)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add(appendRecord(nil, some(3, 4, "a", "", "bc")))
	f.Add(appendRecord(nil, example[1]))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, size, err := parseRecord(data)
		if err != nil {
			return
		}
		if again := appendRecord(nil, &r); !bytes.Equal(again, data[:size]) {
			t.Errorf("%x is written again as %x", data[:size], again)
		}
	})
}
