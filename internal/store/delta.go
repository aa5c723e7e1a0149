package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
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
	gathered *gathered // nil when the delta is no more open; guarded by mu

	writing sync.Mutex
	sealed  *sealed       // that could not be written yet; guarded by writing, as are those below
	objects []Object      // that are written
	spare   *gathered     // the memory of what was sealed, for what is gathered next
	buffer  *bytes.Buffer // the memory of what was written, for what is sealed next
}

// workspace is memory that one delta leaves to the next, so that checkpoints give the garbage collector little to do.
type workspace struct {
	gathered, spare *gathered
	buffer          *bytes.Buffer
}

func (w *workspace) take() (g, spare *gathered, buffer *bytes.Buffer) {
	if w.gathered == nil {
		return &gathered{}, &gathered{}, &bytes.Buffer{}
	}
	g, spare, buffer = w.gathered, w.spare, w.buffer
	*w = workspace{}
	return g, spare, buffer
}

// leave takes in what a delta has used, unless one that had more than usual has made it large.
func (w *workspace) leave(g, spare *gathered, buffer *bytes.Buffer, usual int) {
	if cap(g.data)+cap(spare.data)+buffer.Cap() <= usuals*usual {
		*w = workspace{g, spare, buffer}
	}
}

// usuals is how many times what is usually written at once a delta has in memory at most: lists double when they have no room, and what is
// gathered passes that by a piece.
const usuals = 8

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
	d.gathered, d.spare, d.buffer = s.workspace.take()
	return d, nil
}

// Add gathers entities in the form of internal/entity, in any order; they are copied. Of those with the same key and state the one that is
// added last counts. After an error none of them is.
func (d *Delta) Add(entities []byte) error {
	giveWay()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gathered == nil {
		return d.notOpen()
	}
	before := len(d.gathered.data)
	err := d.add(entities)
	if err != nil {
		d.gathered.cut(before)
	}
	return err
}

// add is Add, of which something remains after an error; who calls it holds mu.
func (d *Delta) add(entities []byte) error {
	g := d.gathered
	at := len(g.data)
	g.data = append(withRoom(g.data, len(entities)), entities...)
	for at < len(g.data) {
		e, size, ok := entity.First(g.data[at:])
		switch {
		case !ok:
			return entity.ErrCut
		case e.State >= len(d.number):
			return fmt.Errorf("an entity has the state %d, and the checkpoint has %d states", e.State, len(d.number))
		case size > mostEntity:
			return fmt.Errorf("an entity of the state %q has %d bytes: it may have %d", d.states[d.number[e.State]], size, mostEntity)
		}
		g.stands(standing{placeOf(partition.Hash(e.Key), d.number[e.State], nil).order, at})
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
	if d.gathered == nil {
		return 0
	}
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
			enough := g != nil && len(g.data) >= least
			if enough {
				d.gathered, d.spare = d.spare, nil
			}
			d.mu.Unlock()
			if !enough {
				return nil
			}
			d.sealed = g.seal(d.buffer, d.states, d.store.blockBytes)
			g.cut(0)
			d.spare = g
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
	d.mu.Lock()
	defer d.mu.Unlock()
	s.workspace.leave(d.gathered, d.spare, d.buffer, s.options.DeltaBytes)
	d.gathered = nil
	return m, nil
}

// name is a name for a new object of the delta, which must be open.
func (d *Delta) name(form func(identity) string) (string, error) {
	s := d.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != d {
		return "", d.notOpen()
	}
	return s.name(d.run, d.epoch, form), nil
}

func (d *Delta) notOpen() error {
	return fmt.Errorf("the checkpoint of epoch %d is not open any more", d.epoch)
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

// gathered are entities, one behind another, and where each stands: a list for each first byte of a hash, since many short lists are sorted
// sooner than a long one, and others need not wait until all are.
type gathered struct {
	data   []byte
	places [1 << firstBits][]standing
}

// firstBits are those of the first byte of an order, which has orderBits.
const (
	firstBits = 8
	orderBits = 48
)

// standing is where an entity stands in some bytes, and in the order of objects but for its key.
type standing struct {
	order uint64
	at    int
}

// stands takes in where the last entity stands.
func (g *gathered) stands(n standing) {
	list := &g.places[n.order>>(orderBits-firstBits)]
	*list = append(*list, n)
}

// cut leaves the entities that stand in the first so many bytes.
func (g *gathered) cut(bytes int) {
	g.data = g.data[:bytes]
	for first, list := range g.places {
		for len(list) > 0 && list[len(list)-1].at >= bytes {
			list = list[:len(list)-1]
		}
		g.places[first] = list
	}
}

func (g *gathered) key(n standing) []byte {
	e, _, _ := entity.First(g.data[n.at:])
	return e.Key
}

func (g *gathered) compare(a, b standing) int {
	if a.order != b.order {
		return cmp.Compare(a.order, b.order)
	}
	return cmp.Or(bytes.Compare(g.key(a), g.key(b)), cmp.Compare(b.at, a.at)) // the last one first
}

// seal makes an object of what was gathered, in a buffer whose content is not needed any more.
func (g *gathered) seal(b *bytes.Buffer, states []string, blockBytes int) *sealed {
	b.Reset()
	b.Grow(len(g.data) + len(g.data)/64 + 4096)
	w, err := newWriter(b, states, blockBytes)
	for _, list := range g.places {
		slices.SortFunc(list, g.compare)
		for n, p := range list {
			if n > 0 && p.order == list[n-1].order && bytes.Equal(g.key(p), g.key(list[n-1])) {
				continue // another came after it
			}
			e, _, _ := entity.First(g.data[p.at:])
			e.State = int(p.order & (mostStates - 1))
			if err == nil {
				err = w.add(uint32(p.order>>16), &e)
			}
		}
		giveWay()
	}
	var o Object
	if err == nil {
		o, err = w.finish()
	}
	return &sealed{data: b.Bytes(), object: invariant.Must(o, err)}
}

// giveWay lets goroutines go first that handle messages. The scheduler would have them wait for 10 ms if all processors are busy.
func giveWay() { runtime.Gosched() }
