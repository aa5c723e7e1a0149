package store

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"
)

// written is a bucket whose newest manifest has bases and deltas, of several blocks, and its state.
func written(t *testing.T) (bucket *memory, m *Manifest, want state) {
	t.Helper()
	bucket, want = newMemory(), state{}
	s := tiny(mustOpen(t, bucket))
	s.options.BaseBytes, s.foldBytes = 600, 100
	for epoch := range uint64(6) {
		var data [][]byte
		for n := range 9 - epoch {
			key := fmt.Sprint(n)
			data = append(data, one(0, key, fmt.Sprint("value of ", epoch)))
			want[[2]string{"b", key}] = fmt.Sprint("value of ", epoch)
		}
		m = mustCommit(t, s, epoch+1, data...)
		if _, err := s.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.Use(m)
	s.options.Retain = 1
	if err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(m.Bases) < 2 || m.Bases[0].Name == "" || len(m.Deltas) < 1 || len(bucket.objects) != 1+len(m.objects()) {
		t.Fatalf("%+v and %d objects", m, len(bucket.objects))
	}
	return bucket, m, want
}

// changed is the bucket with another object; with none if data is nil.
func changed(bucket *memory, name string, data []byte) *memory {
	other := bucket.clone()
	delete(other.objects, name)
	if data != nil {
		other.objects[name] = data
	}
	return other
}

// demandDamage demands that damage of an object is found, by all who read it, at a place or before. What is read all the same is right.
func demandDamage(t *testing.T, bucket *memory, m *Manifest, name string, at int, want state) {
	t.Helper()
	s := mustOpen(t, bucket)
	told := func(err error) bool {
		d, ok := errors.AsType[*DamageError](err)
		return ok && d.File == name && d.Offset <= int64(at) && d.Why != ""
	}
	if name == m.Name {
		_, passed, err := s.Latest(t.Context())
		if len(passed) != 1 || !told(passed[0].Damage) || !told(err) {
			t.Fatalf("damage of %s at %d: %v, %v", name, at, passed, err)
		}
		return
	}
	if err := s.Verify(t.Context(), m); !told(err) {
		t.Fatalf("damage of %s at %d: %v", name, at, err)
	}
	got, err := read(t.Context(), s, m)
	if err != nil && !told(err) || err == nil && !maps.Equal(got, want) {
		t.Fatalf("damage of %s at %d: %v", name, at, err)
	}
	for key, value := range got {
		if want[key] != value {
			t.Fatalf("damage of %s at %d: %q is %q", name, at, key, value)
		}
	}
}

func TestEveryByteThatIsChangedIsNoticed(t *testing.T) {
	bucket, m, want := written(t)
	for name, data := range bucket.objects {
		for at := range data {
			other := bytes.Clone(data)
			other[at] ^= []byte{0x01, 0x80, 0xff}[at%3]
			until := len(data) // a wrong checksum of head or index may be told with the place of the checksum
			demandDamage(t, changed(bucket, name, other), m, name, until, want)
		}
	}
}

func TestEveryLengthThatIsWrongIsNoticed(t *testing.T) {
	bucket, m, want := written(t)
	for name, data := range bucket.objects {
		for size := range data {
			demandDamage(t, changed(bucket, name, data[:size:size]), m, name, size, want)
		}
		demandDamage(t, changed(bucket, name, append(bytes.Clone(data), 0)), m, name, len(data), want)
		if name != m.Name {
			demandDamage(t, changed(bucket, name, nil), m, name, 0, want)
		}
	}
}

func TestABlockThatIsDamagedIsToldWithItsPlace(t *testing.T) {
	bucket, m, _ := written(t)
	largest := slices.MaxFunc(m.objects(), func(a, b Object) int { return cmp.Compare(a.Bytes, b.Bytes) })
	o, err := open(t.Context(), bucket, &largest)
	if err != nil || len(o.blocks) < 2 {
		t.Fatal(o, err)
	}
	for _, b := range o.blocks {
		data := bytes.Clone(bucket.objects[o.Name])
		data[b.offset+3]++
		err := mustOpen(t, changed(bucket, o.Name, data)).Verify(t.Context(), m)
		if d, ok := errors.AsType[*DamageError](err); !ok || d.Offset != b.offset || !strings.Contains(d.Why, "the digest of the block") {
			t.Error(err)
		}
	}
}

// TestAnotherObjectIsNotTakenForTheOne exchanges objects that are whole.
func TestAnotherObjectIsNotTakenForTheOne(t *testing.T) {
	bucket, m, _ := written(t)
	for n, o := range m.objects() {
		other := m.objects()[(n+1)%len(m.objects())]
		swapped := changed(bucket, o.Name, bucket.objects[other.Name])
		if err := mustOpen(t, swapped).Verify(t.Context(), m); err == nil || !strings.Contains(err.Error(), o.Name) {
			t.Errorf("%s for %s: %v", other.Name, o.Name, err)
		}
	}
}

// TestAllDamageIsTold has every object missing.
func TestAllDamageIsTold(t *testing.T) {
	_, m, _ := written(t)
	err := mustOpen(t, newMemory()).Verify(t.Context(), m)
	for _, o := range m.objects() {
		if err == nil || !strings.Contains(err.Error(), o.Name+" is damaged at byte 0: it is missing") {
			t.Error(err)
		}
	}
}

// TestTheNewestWholeOneIsFound damages one manifest after another, the newest first. None of them, and none of what they need, is deleted
// while it is not too old.
func TestTheNewestWholeOneIsFound(t *testing.T) {
	bucket := newMemory()
	s := mustOpen(t, bucket)
	s.options.Retain = 3
	var all []*Manifest
	for epoch := range uint64(3) {
		all = append(all, mustCommit(t, s, epoch+1, one(0, "x", fmt.Sprint(epoch))))
	}
	objects := len(bucket.objects)
	for n := 2; n >= 0; n-- {
		bucket.objects[all[n].Name] = bucket.objects[all[n].Name][1:]
		other := mustOpen(t, bucket)
		m, passed, err := other.Latest(t.Context())
		if n == 0 {
			if err == nil || m != nil || len(passed) != 3 || !strings.Contains(err.Error(), "none of 3 checkpoints can be read") {
				t.Error(m, passed, err)
			}
			break
		}
		if err != nil || m.Name != all[n-1].Name || len(passed) != 3-n || passed[0].Name != all[2].Name {
			t.Fatal(m, passed, err)
		}
		if err := other.Clean(t.Context()); err != nil || len(bucket.objects) != objects {
			t.Errorf("%d of %d objects are left: %v", len(bucket.objects), objects, err)
		}
	}
	for epoch := range uint64(4) {
		mustCommit(t, s, epoch+4, one(0, "x", "new"))
	}
	if err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Manifests(t.Context()); err != nil || len(found) != 3 || found[2].Manifest == nil {
		t.Error(found, err)
	}
}

func TestCleanLeavesWhatIsNotItsOwn(t *testing.T) {
	bucket := newMemory()
	s := mustOpen(t, bucket)
	m := mustCommit(t, s, 1, one(0, "x", "1"))
	id, _ := parseName(objectName, m.Deltas[0].Name)
	id.number += 10
	foreign := []string{
		"readme.txt", "objects/notes", "objects/a/b.entities", "manifests/notes", "manifests/x.manifest.part", "journal/1",
		"x" + id.object(), id.object() + ".old", id.manifest() + "s",
	}
	ours := []string{id.object(), id.object() + PartSuffix, id.manifest() + PartSuffix}
	for _, name := range append(foreign, ours...) {
		bucket.objects[name] = []byte("text")
	}
	if err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(foreign, m.Name, m.Deltas[0].Name) {
		if bucket.objects[name] == nil {
			t.Errorf("%s is gone", name)
		}
	}
	for _, name := range ours {
		if bucket.objects[name] != nil {
			t.Errorf("%s is left", name)
		}
	}
}

// TestTheManifestInUseIsKept goes on from an old one, while newer ones are there.
func TestTheManifestInUseIsKept(t *testing.T) {
	bucket := newMemory()
	s := mustOpen(t, bucket)
	s.options.Retain = 1
	old := mustCommit(t, s, 1, one(0, "x", "old"))
	s.Use(nil)
	newest := mustCommit(t, s, 2, one(0, "x", "new"))
	s.Use(old)
	if err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	demand(t, s, old, state{{"b", "x"}: "old"})
	demand(t, s, newest, state{{"b", "x"}: "new"})
}

// resealed is an object with the checksums and digests that it should have, so that what lies behind them is tried too.
func resealed(data []byte) ([]byte, *Object) {
	data = bytes.Clone(data)
	about := &Object{Bytes: int64(len(data))}
	index, err := parseTrailer(data, about.Bytes)
	if err != nil {
		return nil, nil
	}
	head := index
	for at := int(index); at < len(data)-trailerBytes; at += entryBytes {
		offset, size := binary.LittleEndian.Uint64(data[at+8:]), uint64(binary.LittleEndian.Uint32(data[at+16:]))
		if at == int(index) {
			head = min(head, int64(offset&(1<<40-1)))
		}
		if offset <= uint64(index) && size <= uint64(index)-offset {
			sum := sha256.Sum256(data[offset : offset+size])
			copy(data[at+20:], sum[:])
		}
		about.Entities += int64(binary.LittleEndian.Uint32(data[at+4:]))
	}
	tail := data[index:]
	binary.LittleEndian.PutUint32(tail[len(tail)-4:], crc32.Checksum(tail[:len(tail)-4], castagnoli))
	if head < int64(headLeast) {
		return nil, nil
	}
	binary.LittleEndian.PutUint32(data[head-4:], crc32.Checksum(data[:head-4], castagnoli))
	about.Digest = digest(data[:head], tail)
	return data, about
}

// FuzzObjects reads any bytes as an object. What can be read is in order, and is the same when it is written and read again.
func FuzzObjects(f *testing.F) {
	f.Add(appendTrailer(nil, int64(len(headOf(nil)))))
	f.Add(append(headOf([]string{"a"}), appendTrailer(nil, int64(len(headOf([]string{"a"}))))...))
	for _, blockBytes := range []int{1, 30, 1000} {
		g := gathered{data: slices.Concat(one(0, "x", "1"), one(1, "x", ""), gone(0, "y"))}
		g.places = []standing{{placeOf(1, 0, nil).order, 0}, {placeOf(2, 1, nil).order, 14}, {placeOf(3, 0, nil).order, 27}}
		f.Add(g.seal([]string{"a", "b"}, blockBytes).data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data, about := resealed(data)
		if data == nil {
			return
		}
		list, states, ok := all(t, data, about)
		if !ok {
			return
		}
		var again bytes.Buffer
		w, err := newWriter(&again, states, 40)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if err := w.add(e.Hash, &e.Entity); err != nil {
				t.Fatal(err)
			}
		}
		o, err := w.finish()
		if err != nil {
			t.Fatal(err)
		}
		if read, _, ok := all(t, again.Bytes(), &o); !ok || fmt.Sprint(read) != fmt.Sprint(list) {
			t.Errorf("%v was read again as %v", list, read)
		}
	})
}

// all are the entities of an object; false if it is damaged.
func all(t *testing.T, data []byte, about *Object) (list []Entity, states []string, ok bool) {
	t.Helper()
	about.Name = "object"
	bucket := &memory{objects: map[string][]byte{about.Name: data}}
	o, err := open(t.Context(), bucket, about)
	if err == nil {
		var c *cursor
		states = o.states
		c, ok, err = o.over(t.Context(), 0, LastHash, o.states)
		for ok && err == nil {
			list = append(list, Entity{c.place.hash(), c.e})
			ok, err = c.advance(t.Context())
		}
	}
	if _, damaged := errors.AsType[*DamageError](err); err != nil && !damaged {
		t.Fatal(err)
	}
	return list, states, err == nil
}

// FuzzManifests reads any JSON as a manifest. What can be read is the same when it is written and read again.
func FuzzManifests(f *testing.F) {
	f.Add([]byte(`{"run":1,"epoch":2,"bases":[{"from":0,"to":4294967295}],"fingerprint":{"a": [1]},"positions":null}`))
	f.Add([]byte(`{"run":1,"epoch":2,"states":["a","b"],"bases":[{"from":0,"to":7,"epoch":1},{"from":8,"to":4294967295,"epoch":2,` +
		`"object":"objects/0000000001-0000000002-0123456789abcdef-1.entities","bytes":100,"entities":1}]}`))
	name := identity{run: 1, epoch: 2, store: "0123456789abcdef"}.manifest()
	f.Fuzz(func(t *testing.T, text []byte) {
		data := append([]byte(manifestHead), text...)
		m, err := parseManifest(name, fmt.Appendf(data, "%s%x\n", digestWord, sha256.Sum256(data)))
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := parseManifest(name, again)
		if err != nil {
			t.Fatal(err)
		}
		read.Digest = m.Digest
		if fmt.Sprintf("%+v", read) != fmt.Sprintf("%+v", m) {
			t.Errorf("%+v was read again as %+v", m, read)
		}
	})
}
