package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/invariant"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// mostEntity bounds an entity, so that the sizes of blocks have room.
const mostEntity = 1 << 30

// Delta is what has changed since the manifest that it builds on, as it is gathered. Its methods may be called from any goroutine.
type Delta struct {
	store      *Store
	run, epoch uint64
	states     []string // in order
	number     []int    // in states, of those that Begin was given
	begun      time.Time

	mu       sync.Mutex
	gathered gathered // guarded by mu

	writing sync.Mutex
	sealed  *sealed      // that could not be written yet; guarded by writing, as are those below
	objects []Object     // that are written
	spare   gathered     // the memory of what was sealed, for what is gathered next
	buffer  bytes.Buffer // the memory of what was written, for what is sealed next
}

// sealed is an object that is ready to be written.
type sealed struct {
	data   []byte
	object Object
}

// Begin begins the delta of an epoch, which is a later one than that of the manifest it builds on, in the same run or a later one. Entities
// have the numbers of these states. One can be open at a time: until it is committed or given up, or Use is called.
func (s *Store) Begin(run, epoch uint64, states []string) (*Delta, error) {
	d := &Delta{store: s, run: run, epoch: epoch, states: slices.Sorted(slices.Values(states)), begun: time.Now()}
	if err := checkStates(d.states); err != nil {
		return nil, err
	}
	for _, name := range states {
		n, _ := slices.BinarySearch(d.states, name)
		d.number = append(d.number, n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.open != nil:
		return nil, fmt.Errorf("the checkpoint of epoch %d is open: commit it or give it up before that of epoch %d", s.open.epoch, epoch)
	case epoch == 0:
		return nil, errors.New("epoch 0 is that before the first one")
	case s.current != nil && (run < s.current.Run || epoch <= s.current.Epoch):
		return nil, fmt.Errorf("epoch %d of run %d is not after epoch %d of run %d, on which it would build",
			epoch, run, s.current.Epoch, s.current.Run)
	}
	s.open = d
	return d, nil
}

// Add gathers entities in the form of internal/entity, in any order; they are copied. Of those with the same key and state the one that is
// added last counts. After an error none of them is.
func (d *Delta) Add(entities []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.gathered
	d.gathered.data = append(withRoom(d.gathered.data, len(entities)), entities...)
	for at := len(before.data); at < len(d.gathered.data); {
		e, size, ok := entity.First(d.gathered.data[at:])
		switch {
		case !ok:
			d.gathered = before
			return entity.ErrCut
		case e.State >= len(d.number):
			d.gathered = before
			return fmt.Errorf("an entity has the state %d, and the checkpoint has %d states", e.State, len(d.number))
		case size > mostEntity:
			d.gathered = before
			return fmt.Errorf("an entity of the state %q has %d bytes: it may have %d", d.states[d.number[e.State]], size, mostEntity)
		}
		d.gathered.places = append(withRoom(d.gathered.places, 1), standing{placeOf(partition.Hash(e.Key), d.number[e.State], nil).order, at})
		at += size
	}
	return nil
}

// withRoom is a list with room for some more: twice as long if it had none, since append makes long ones grow by less, and copies more.
func withRoom[T any](list []T, more int) []T {
	if cap(list)-len(list) >= more {
		return list
	}
	return slices.Grow(list, max(more, len(list)))
}

// Buffered is how many bytes of entities are in memory and not written. It grows with Add until Write is called.
func (d *Delta) Buffered() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.gathered.data)
}

// Write writes what was gathered if that is Options.DeltaBytes or more. After an error it is still there, and Write may be called again.
func (d *Delta) Write(ctx context.Context) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.write(ctx, d.store.options.DeltaBytes)
}

// write writes what could not be written before, and what was gathered if it is so much; who calls it holds writing.
func (d *Delta) write(ctx context.Context, least int) error {
	for {
		if d.sealed == nil {
			d.mu.Lock()
			g := d.gathered
			enough := len(g.data) >= least
			if enough {
				d.gathered, d.spare = d.spare, gathered{}
			}
			d.mu.Unlock()
			if !enough {
				return nil
			}
			d.sealed = g.seal(&d.buffer, d.states, d.store.blockBytes)
			d.spare = gathered{data: g.data[:0], places: g.places[:0]}
		}
		name, err := d.name(identity.object)
		if err != nil {
			return err
		}
		err = d.store.bucket.Write(ctx, name, func(w io.Writer) error {
			_, err := w.Write(d.sealed.data)
			return err
		})
		if err != nil {
			d.store.giveUp(name)
			return fmt.Errorf("write %s: %w", name, err)
		}
		o := d.sealed.object
		o.Name, o.Epoch = name, d.epoch
		d.objects, d.sealed = append(d.objects, o), nil
	}
}

// Commit writes what is left and then the manifest, and the next delta builds on that. After an error it may be called again; the manifest
// may be there all the same, as after a crash at this moment, and then it is as good as that of the next call.
func (d *Delta) Commit(ctx context.Context, about About) (*Manifest, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if err := d.write(ctx, 1); err != nil {
		return nil, err
	}
	s := d.store
	name, err := d.name(identity.manifest)
	if err != nil {
		return nil, err
	}
	defer s.giveUp(name)
	m, err := put(ctx, s.bucket, d.manifest(name, about))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != d {
		return nil, fmt.Errorf("the checkpoint of epoch %d was given up while it was committed", d.epoch)
	}
	s.current, s.open = m, nil
	for _, o := range m.objects() {
		delete(s.unnamed, o.Name)
	}
	return m, nil
}

// name is a name for a new object of the delta, which must be open.
func (d *Delta) name(form func(identity) string) (string, error) {
	s := d.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != d {
		return "", fmt.Errorf("the checkpoint of epoch %d is not open any more", d.epoch)
	}
	return s.name(d.run, d.epoch, form), nil
}

// manifest is the manifest that makes the delta valid.
func (d *Delta) manifest(name string, about About) *Manifest {
	s := d.store
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &Manifest{
		Name: name, Run: d.run, Epoch: d.epoch, Time: time.Now().UTC(), Took: time.Since(d.begun), Written: deltaBytes(d.objects),
		About: about, States: d.states, Bases: slices.Clone(s.bases), Deltas: slices.Clone(d.objects),
	}
	if s.current != nil {
		m.States = union(s.current.States, d.states)
		m.Deltas = newer(slices.Concat(s.current.Deltas, d.objects), m.Bases[oldest(m.Bases)].Epoch)
	}
	return m
}

// put writes a manifest, and returns it as it will be read.
func put(ctx context.Context, bucket Bucket, m *Manifest) (*Manifest, error) {
	data, err := m.encode()
	if err != nil {
		return nil, err
	}
	read, err := parseManifest(m.Name, data)
	if err != nil {
		return nil, err
	}
	err = bucket.Write(ctx, m.Name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write checkpoint %s: %w", m.Name, err)
	}
	return read, nil
}

// GiveUp gives the delta up: it is as if it had not been begun. Clean deletes what it has written.
func (d *Delta) GiveUp() {
	d.writing.Lock()
	defer d.writing.Unlock()
	s := d.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != d {
		return
	}
	s.open = nil
	for _, o := range d.objects {
		delete(s.unnamed, o.Name)
	}
}

// gathered are entities, one behind another, and where each stands.
type gathered struct {
	data   []byte
	places []standing
}

// standing is where an entity stands in some bytes, and in the order of objects but for its key.
type standing struct {
	order uint64
	at    int
}

func (g *gathered) key(n standing) []byte {
	e, _, _ := entity.First(g.data[n.at:])
	return e.Key
}

// seal makes an object of what was gathered, in a buffer whose content is not needed any more.
func (g *gathered) seal(b *bytes.Buffer, states []string, blockBytes int) *sealed {
	slices.SortFunc(g.places, func(a, b standing) int {
		if a.order != b.order {
			return cmp.Compare(a.order, b.order)
		}
		return cmp.Or(bytes.Compare(g.key(a), g.key(b)), cmp.Compare(b.at, a.at)) // the last one first
	})
	b.Reset()
	b.Grow(len(g.data) + len(g.data)/64 + 4096)
	w, err := newWriter(b, states, blockBytes)
	for n, p := range g.places {
		if n > 0 && p.order == g.places[n-1].order && bytes.Equal(g.key(p), g.key(g.places[n-1])) {
			continue // another came after it
		}
		e, _, _ := entity.First(g.data[p.at:])
		e.State = int(p.order & (mostStates - 1))
		if err == nil {
			err = w.add(uint32(p.order>>16), &e)
		}
	}
	var o Object
	if err == nil {
		o, err = w.finish()
	}
	return &sealed{data: b.Bytes(), object: invariant.Must(o, err)}
}
