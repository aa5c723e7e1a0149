package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
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
	if found, err := s.Manifests(t.Context()); err != nil || len(found) != 2 {
		t.Error(found, err)
	}
}
