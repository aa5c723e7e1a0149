// Package store is checkpoints on disk, or in another bucket, of one history of an application. A checkpoint is a manifest and the objects
// that it names: bases, which are the whole state of ranges of hashes, and deltas, which are what has changed after them. Nothing that was
// written is ever changed. When to save, to fold and to clean is for others to decide. docs/format/checkpoints.md draws the objects.
package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// Options bound a store. What is zero has the value that stands with it.
type Options struct {
	// Retain is how many manifests are kept at least: 3.
	Retain int
	// DeltaBytes is how much gathers in a delta before Write makes an object of it: 8 MiB.
	DeltaBytes int
	// BaseBytes is how large a base may be before it is split: 32 MiB.
	BaseBytes int64
}

const (
	blockBytes = 64 << 10
	// Deltas are folded when there are more than foldObjects of them, or when they have more than foldBytes and half of what the bases have.
	foldObjects = 64
	foldBytes   = 1 << 20
)

// Store is a bucket's checkpoints, and the manifest that the next one builds on: none at first, then the one of Use or of the last Commit.
// Its methods may be called from any goroutine. Only one store at a time may write to a bucket or clean it; any number may read.
type Store struct {
	bucket      Bucket
	options     Options
	incarnation string
	blockBytes  int
	foldBytes   int64
	foldObjects int

	folding sync.Mutex // held while a base is written

	mu      sync.Mutex
	current *Manifest         // that the next one builds on; guarded by mu, as are those below
	bases   []Base            // those of current, and in their place those that were folded since
	open    *Delta            // that was begun
	unnamed map[string]bool   // what is written or being written and no manifest names yet
	held    map[*Manifest]int // how often each is held
	uses    int               // how often Use was called
	number  uint64            // of the last name

	workspace workspace // for the next delta
}

// Open makes a bucket's store; nothing is written.
func Open(ctx context.Context, bucket Bucket, o Options) (*Store, error) {
	if o.Retain < 0 || o.DeltaBytes < 0 || o.BaseBytes < 0 {
		return nil, fmt.Errorf("%+v: the bounds of a store cannot be negative", o)
	}
	o.Retain, o.DeltaBytes, o.BaseBytes = cmp.Or(o.Retain, 3), cmp.Or(o.DeltaBytes, 8<<20), cmp.Or(o.BaseBytes, 32<<20)
	var incarnation [8]byte
	if _, err := rand.Read(incarnation[:]); err != nil {
		return nil, err
	}
	s := &Store{
		bucket: bucket, options: o, incarnation: hex.EncodeToString(incarnation[:]),
		blockBytes: blockBytes, foldBytes: foldBytes, foldObjects: foldObjects, held: map[*Manifest]int{},
	}
	s.Use(nil)
	if _, err := bucket.List(ctx, manifests); err != nil {
		return nil, fmt.Errorf("look for checkpoints: %w", err)
	}
	return s, nil
}

// Use goes on from a manifest of this bucket: the next one builds on it. With nil it begins without state. A delta that was begun is given
// up; none may be committed meanwhile.
func (s *Store) Use(m *Manifest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.open, s.unnamed = m, nil, map[string]bool{}
	s.uses++
	s.bases = []Base{{To: LastHash}}
	if m != nil {
		s.bases = slices.Clone(m.Bases)
	}
}

// Hold is the manifest that the next one builds on, nil if there is none; Clean keeps what it needs until release is called.
func (s *Store) Hold() (m *Manifest, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m = s.current; m == nil {
		return nil, func() {}
	}
	s.held[m]++
	return m, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[m]--; s.held[m] == 0 {
			delete(s.held, m)
		}
	})
}

// name is a name for a new object of a run and an epoch. It is kept from Clean until a manifest names it or it is given up. Who calls it
// holds mu.
func (s *Store) name(run, epoch uint64, form func(identity) string) string {
	s.number++
	name := form(identity{run: run, epoch: epoch, store: s.incarnation, number: s.number})
	s.unnamed[name] = true
	return name
}

// giveUp lets Clean delete objects.
func (s *Store) giveUp(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		delete(s.unnamed, name)
	}
}

// Found is a manifest in a bucket.
type Found struct {
	Name string
	// Manifest is nil if its object is damaged, and Damage says how.
	Manifest *Manifest
	Damage   *DamageError

	id identity
}

func (f *Found) time() (t time.Time) {
	if f.Manifest != nil {
		t = f.Manifest.Time
	}
	return t
}

// Manifests are those in the bucket, the newest first: by run, then epoch. Whether their objects are there and whole is not looked at.
func (s *Store) Manifests(ctx context.Context) ([]Found, error) {
	list, err := s.bucket.List(ctx, manifests)
	if err != nil {
		return nil, fmt.Errorf("look for checkpoints: %w", err)
	}
	var all []Found
	for _, l := range list {
		id, ok := parseName(manifestName, l.Name)
		if !ok {
			continue
		}
		f := Found{Name: l.Name, id: id}
		data, err := s.bucket.Read(ctx, l.Name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was deleted meanwhile
		}
		if err == nil {
			f.Manifest, err = parseManifest(l.Name, data)
		}
		if damage, ok := errors.AsType[*DamageError](err); ok {
			f.Damage = damage
		} else if err != nil {
			return nil, fmt.Errorf("read checkpoint %s: %w", l.Name, err)
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(
			cmp.Compare(b.id.run, a.id.run), cmp.Compare(b.id.epoch, a.id.epoch),
			b.time().Compare(a.time()), cmp.Compare(b.id.number, a.id.number), // one epoch was committed again after an error
		)
	})
	return all, nil
}

// Latest is the newest manifest whose own object is whole, and the newer ones that are damaged. It is nil if there are no manifests at
// all; if all of them are damaged, that is an error.
func (s *Store) Latest(ctx context.Context) (m *Manifest, passed []Found, err error) {
	all, err := s.Manifests(ctx)
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	whole := slices.IndexFunc(all, func(f Found) bool { return f.Manifest != nil })
	if whole < 0 {
		return nil, all, fmt.Errorf("none of %d checkpoints can be read: %w", len(all), all[0].Damage)
	}
	return all[whole].Manifest, all[:whole], nil
}

// Verify reads all that a manifest names, and joins what is wrong: a *DamageError of each object that is missing or not as it was written.
func (s *Store) Verify(ctx context.Context, m *Manifest) error {
	list, err := s.bucket.List(ctx, objects)
	if err != nil {
		return fmt.Errorf("look for objects: %w", err)
	}
	sizes := map[string]int64{}
	for _, l := range list {
		sizes[l.Name] = l.Bytes
	}
	var errs []error
	if err := m.check(); err != nil {
		errs = append(errs, &DamageError{File: m.Name, Why: err.Error()})
	}
	for _, b := range m.Bases {
		if b.Name != "" {
			errs = append(errs, s.verify(ctx, &b, m.States, sizes))
		}
	}
	for _, o := range m.Deltas {
		errs = append(errs, s.verify(ctx, &Base{To: LastHash, Object: o}, m.States, sizes))
	}
	return errors.Join(errs...)
}

// verify reads an object, whose hashes must be in a range.
func (s *Store) verify(ctx context.Context, b *Base, states []string, sizes map[string]int64) error {
	if size, ok := sizes[b.Name]; ok && size > b.Bytes {
		return &DamageError{File: b.Name, Offset: b.Bytes, Why: fmt.Sprintf("it has %d bytes, and the manifest says %d", size, b.Bytes)}
	}
	o, err := open(ctx, s.bucket, &b.Object)
	if err != nil {
		return err
	}
	c, ok, err := o.over(ctx, 0, LastHash, states)
	for err == nil && ok {
		if at := c.place.hash(); at < b.From || at > b.To {
			return c.damaged(fmt.Sprintf("the entity before has the hash %d, which is not from %d to %d", at, b.From, b.To))
		}
		ok, err = c.advance(ctx)
	}
	return err
}
