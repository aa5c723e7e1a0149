// Package checkpoints tells what the checkpoints of a store are and hold, to people and to programs. It reads, and changes nothing; the
// application whose they are may run meanwhile.
package checkpoints

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/store"
)

// List is the checkpoints of a store, the newest first.
type List struct {
	// Cluster is the id of the history that they are of; "" if the store does not say.
	Cluster     string       `json:"cluster"`
	Checkpoints []Checkpoint `json:"checkpoints"`
}

// Checkpoint is one of them. Of one whose own object is damaged only Name and Damage are known.
type Checkpoint struct {
	Name  string `json:"name"`
	Run   uint64 `json:"run"`
	Epoch uint64 `json:"epoch"`
	// Time is when it was committed, AgeSeconds how long ago that was, TookSeconds how long it took to write.
	Time        time.Time `json:"time"`
	AgeSeconds  float64   `json:"age_seconds"`
	TookSeconds float64   `json:"took_seconds"`
	// Bytes is the size of its objects, most of which it shares with those beside it; WrittenBytes that of the ones that it was the first to
	// have.
	Bytes        int64 `json:"bytes"`
	WrittenBytes int64 `json:"written_bytes"`
	// EntitiesAtMost is how many entities its objects have. What has changed more than once, or was removed, is in several.
	EntitiesAtMost int64    `json:"entities_at_most"`
	States         []string `json:"states"`
	// Kept says what for: it is "last", that an application goes on from, "older" than that, or "damaged".
	Kept   string `json:"kept"`
	Damage string `json:"damage,omitempty"`
}

// What checkpoints are kept for.
const (
	Last    = "last"
	Older   = "older"
	Damaged = "damaged"
)

// ErrNone is a place without checkpoints.
var ErrNone = errors.New("there are no checkpoints")

// Of lists the checkpoints of a bucket.
func Of(ctx context.Context, bucket store.Bucket) (*List, error) {
	cluster, err := store.Cluster(ctx, bucket)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, bucket, store.Options{})
	if err != nil {
		return nil, err
	}
	all, err := s.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	list := &List{Cluster: cluster, Checkpoints: []Checkpoint{}}
	kept := Last
	for _, f := range all {
		if f.Manifest == nil {
			list.Checkpoints = append(list.Checkpoints, Checkpoint{Name: f.Name, States: []string{}, Kept: Damaged, Damage: f.Damage.Error()})
			continue
		}
		list.Checkpoints = append(list.Checkpoints, of(f.Manifest, kept))
		kept = Older
	}
	return list, nil
}

func of(m *store.Manifest, kept string) Checkpoint {
	c := Checkpoint{
		Name: m.Name, Run: m.Run, Epoch: m.Epoch, Time: m.Time, AgeSeconds: time.Since(m.Time).Seconds(), TookSeconds: m.Took.Seconds(),
		Bytes: m.Bytes(), WrittenBytes: m.Written, States: append([]string{}, m.States...), Kept: kept,
	}
	for _, b := range m.Bases {
		c.EntitiesAtMost += b.Entities
	}
	for _, d := range m.Deltas {
		c.EntitiesAtMost += d.Entities
	}
	return c
}

// Wanted is which checkpoint is meant: the newest, unless an epoch is named.
type Wanted struct {
	Epoch uint64 // 0 for the newest
	Run   uint64 // 0 for the newest of that epoch
}

// Find finds a checkpoint.
func Find(ctx context.Context, s *store.Store, w Wanted) (*store.Manifest, error) {
	all, err := s.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	var there []string
	for _, f := range all {
		m := f.Manifest
		switch {
		case m == nil && w.Epoch == 0:
			return nil, f.Damage
		case m == nil:
		case w.Epoch == 0 || w.Epoch == m.Epoch && (w.Run == 0 || w.Run == m.Run):
			return m, nil
		default:
			there = append(there, fmt.Sprint(m.Epoch))
		}
	}
	if w.Run != 0 {
		return nil, fmt.Errorf("there is no checkpoint of epoch %d and run %d: the epochs are %v", w.Epoch, w.Run, there)
	}
	return nil, fmt.Errorf("there is no checkpoint of epoch %d: the epochs are %v", w.Epoch, there)
}

// Detail is what a checkpoint holds.
type Detail struct {
	Checkpoint
	Digest      string          `json:"digest"`
	Application string          `json:"application"`
	Partitions  int             `json:"partitions"`
	Entities    int64           `json:"entities"` // exactly
	States      []State         `json:"states"`
	Bases       []Base          `json:"bases"`
	Deltas      []store.Object  `json:"deltas"`
	Sources     []Source        `json:"sources"`
	Fingerprint json.RawMessage `json:"fingerprint"`
}

// State is what a checkpoint holds of a state.
type State struct {
	State    string `json:"state"`
	Entities int64  `json:"entities"`
	Bytes    int64  `json:"bytes"` // of keys and values
	Keys     []Key  `json:"keys,omitempty"`
}

// Key is the key of an entity, as people read it.
type Key struct {
	Key     string `json:"key"`
	Bytes   int    `json:"bytes"` // of its value
	Version int    `json:"version"`
}

// Base is a whole state of a range of hashes.
type Base struct {
	From uint32 `json:"from"`
	To   uint32 `json:"to"`
	store.Object
}

// Source is how far a source had come.
type Source struct {
	Source string `json:"source"`
	// Next is the number of the first record of the journal that it had not handed on.
	Next     uint64            `json:"next"`
	Accepted uint64            `json:"accepted"`
	Streams  map[string]uint64 `json:"streams,omitempty"`
}

// Inspect reads all of a checkpoint, and tells so many keys of each state.
func Inspect(ctx context.Context, s *store.Store, m *store.Manifest, keys int) (*Detail, error) {
	d := &Detail{
		Checkpoint: of(m, ""), Digest: m.Digest, Application: m.Application, Partitions: m.Partitions, Fingerprint: m.Fingerprint,
		Deltas: slices.Concat([]store.Object{}, m.Deltas), States: []State{}, Bases: []Base{}, Sources: []Source{},
	}
	for _, name := range m.States {
		d.States = append(d.States, State{State: name})
	}
	for _, b := range m.Bases {
		if b.Name != "" {
			d.Bases = append(d.Bases, Base{b.From, b.To, b.Object})
		}
	}
	if m.Positions != nil {
		if err := json.Unmarshal(m.Positions, &d.Sources); err != nil {
			return nil, fmt.Errorf("the positions in checkpoint %s: %w", m.Name, err)
		}
	}
	for e, err := range s.Entities(ctx, m, 0, store.LastHash) {
		if err != nil {
			return nil, err
		}
		of := &d.States[e.State]
		of.Entities++
		of.Bytes += int64(len(e.Key) + len(e.Value))
		d.Entities++
		if len(of.Keys) < keys {
			of.Keys = append(of.Keys, Key{partition.Show(e.Key), len(e.Value), e.Version})
		}
	}
	return d, nil
}

// Verified is what became of reading all of a checkpoint.
type Verified struct {
	Name  string `json:"name"`
	Run   uint64 `json:"run"`
	Epoch uint64 `json:"epoch"`
	Bytes int64  `json:"bytes"`
	// Damage is what is wrong: each with its file, and where in it; empty if all is as it was written.
	Damage []string `json:"damage"`
}

// Verify reads all of the newest checkpoint, or of all, and returns what is wrong with each. One that is removed meanwhile is left out.
func Verify(ctx context.Context, bucket store.Bucket, choose func(*store.Manifest) bool) ([]Verified, error) {
	s, err := store.Open(ctx, bucket, store.Options{})
	if err != nil {
		return nil, err
	}
	all, err := s.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	list := []Verified{}
	for _, f := range all {
		v := Verified{Name: f.Name, Damage: []string{}}
		if f.Manifest == nil {
			v.Damage = append(v.Damage, f.Damage.Error())
			list = append(list, v)
			continue
		}
		if !choose(f.Manifest) {
			continue
		}
		v.Run, v.Epoch, v.Bytes = f.Manifest.Run, f.Manifest.Epoch, f.Manifest.Bytes()
		if err := s.Verify(ctx, f.Manifest); err != nil {
			gone, damage := v.blame(ctx, bucket, err)
			if damage != nil {
				return nil, damage
			}
			if gone {
				continue
			}
		}
		list = append(list, v)
	}
	return list, nil
}

// blame notes what is wrong, unless the checkpoint is gone by now. An error is one of reading, and says nothing about the checkpoint.
func (v *Verified) blame(ctx context.Context, bucket store.Bucket, err error) (gone bool, _ error) {
	there, errThere := bucket.List(ctx, v.Name)
	if errThere != nil {
		return false, errThere
	}
	if len(there) == 0 {
		return true, nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, one := range all {
		damage, is := errors.AsType[*store.DamageError](one)
		if !is {
			return false, one
		}
		v.Damage = append(v.Damage, damage.Error())
	}
	return false, nil
}
