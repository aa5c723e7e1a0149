package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

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
		for n, p := range []place{placeOf(1, 0, nil), placeOf(2, 1, nil), placeOf(3, 0, nil)} {
			g.stands(standing{p.order, []int{0, 14, 27}[n]})
		}
		f.Add(g.seal(&bytes.Buffer{}, []string{"a", "b"}, blockBytes).data)
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

// TestObjectsThatNoStoreWrites reads objects whose checksums and digests are right, and that are wrong all the same.
func TestObjectsThatNoStoreWrites(t *testing.T) {
	hashed := func(key string) uint32 { return partition.Hash([]byte(key)) }
	low, high := "x", "y"
	if hashed(low) > hashed(high) {
		low, high = high, low
	}
	e := func(state int, key string) *entity.Entity { return &entity.Entity{State: state, Key: []byte(key)} }
	for _, c := range []struct {
		name  string
		write func(w *writer) error
		want  string
	}{
		{"good", func(w *writer) error {
			return errors.Join(w.add(hashed(low), e(0, low)), w.add(hashed(low), e(1, low)), w.add(hashed(high), e(0, high)))
		}, ""},
		{"keys out of order", func(w *writer) error {
			return errors.Join(w.add(hashed(high), e(0, high)), w.add(hashed(low), e(0, low)))
		}, "not in order"},
		{"states out of order", func(w *writer) error {
			return errors.Join(w.add(hashed(low), e(1, low)), w.add(hashed(low), e(0, low)))
		}, "not in order"},
		{"twice", func(w *writer) error {
			return errors.Join(w.add(hashed(low), e(0, low)), w.add(hashed(low), e(0, low)))
		}, "not in order"},
		{"another hash", func(w *writer) error { return w.add(hashed(low)+1, e(0, low)) }, "does not begin with the hash"},
		{"another state", func(w *writer) error { return w.add(hashed(low), e(2, low)) }, "no entity of a state"},
		{"fewer in the block", func(w *writer) error {
			err := w.add(hashed(low), e(0, low))
			w.inBlock++
			w.entities++
			return err
		}, "has not as many entities"},
		{"more in the block", func(w *writer) error {
			err := errors.Join(w.add(hashed(low), e(0, low)), w.add(hashed(high), e(0, high)))
			w.inBlock--
			w.entities--
			return err
		}, "has not as many entities"},
		{"fewer than the manifest says", func(w *writer) error {
			w.entities++
			return w.add(hashed(low), e(0, low))
		}, "has 1 entities, and the manifest says 2"},
		{"a cut entity", func(w *writer) error {
			err := w.add(hashed(low), e(0, low))
			w.block = append(w.block, 1)
			w.inBlock++
			w.entities++
			return err
		}, "no entity of a state"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, m := wrongly(t, c.write)
			err := s.Verify(t.Context(), m)
			_, errRead := read(t.Context(), s, m)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || errRead == nil) {
				t.Errorf("%v, %v; want %q", err, errRead, c.want)
			}
		})
	}
}

// wrongly is a store with a manifest of one object, of the states a and b, that is written so.
func wrongly(t *testing.T, write func(w *writer) error) (*Store, *Manifest) {
	t.Helper()
	var b bytes.Buffer
	w, err := newWriter(&b, []string{"a", "b"}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	err = write(w)
	about, errEnd := w.finish()
	if err = errors.Join(err, errEnd); err != nil {
		t.Fatal(err)
	}
	id := identity{run: 1, epoch: 1, store: strings.Repeat("0", 16)}
	about.Name, about.Epoch = id.object(), 1
	return mustOpen(t, &memory{objects: map[string][]byte{about.Name: b.Bytes()}}), &Manifest{
		Name: id.manifest(), Run: 1, Epoch: 1, States: []string{"a", "b"}, Bases: []Base{{To: LastHash}}, Deltas: []Object{about},
	}
}

// TestManifestsThatNoStoreWrites reads manifests whose digest is right, and that are wrong all the same.
func TestManifestsThatNoStoreWrites(t *testing.T) {
	id := identity{run: 1, epoch: 5, store: strings.Repeat("a", 16)}
	good := func() *Manifest {
		o := func(epoch, number uint64) Object {
			return Object{Name: identity{1, epoch, id.store, number}.object(), Epoch: epoch, Bytes: 1000, Entities: 2}
		}
		return &Manifest{
			Name: id.manifest(), Run: 1, Epoch: 5, States: []string{"a", "b"},
			Bases: []Base{{From: 0, To: 9, Object: o(3, 1)}, {From: 10, To: LastHash}}, Deltas: []Object{o(4, 2), o(5, 3), o(5, 4)},
		}
	}
	for _, c := range []struct {
		change func(m *Manifest)
		want   string
	}{
		{func(*Manifest) {}, ""},
		{func(m *Manifest) { m.Run = 2 }, "are not those of its name"},
		{func(m *Manifest) { m.Epoch = 6 }, "are not those of its name"},
		{func(m *Manifest) { m.States = []string{"b", "a"} }, "not in order"},
		{func(m *Manifest) { m.Bases = nil }, "no base from 0"},
		{func(m *Manifest) { m.Bases = m.Bases[:1] }, "no base from 10"},
		{func(m *Manifest) { m.Bases = m.Bases[1:] }, "the next is from 0"},
		{func(m *Manifest) { m.Bases[1].From = 9 }, "the next is from 10"},
		{func(m *Manifest) { m.Bases[1].From = 11 }, "the next is from 10"},
		{func(m *Manifest) { m.Bases = append(m.Bases, Base{To: LastHash}) }, "the next is from 4294967296"},
		{func(m *Manifest) { m.Bases[0].Epoch = 6 }, "of epoch 6, has no place"},
		{func(m *Manifest) { m.Bases[0].Name = "" }, "has entities and no object"},
		{func(m *Manifest) { m.Bases[0].Name = "../" + m.Bases[0].Name }, "is no object"},
		{func(m *Manifest) { m.Deltas[0].Name = m.Name }, "is no object"},
		{func(m *Manifest) { m.Deltas[0].Bytes = 10 }, "is no object"},
		{func(m *Manifest) { m.Deltas[0].Entities = -1 }, "is no object"},
		{func(m *Manifest) { m.Deltas[1].Epoch = 3 }, "the delta of epoch 3"},
		{func(m *Manifest) { m.Deltas[2].Epoch = 6 }, "the delta of epoch 6"},
	} {
		m := good()
		c.change(m)
		data, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		_, err = parseManifest(id.manifest(), data)
		if _, damaged := errors.AsType[*DamageError](err); damaged != (c.want != "") || damaged && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}
