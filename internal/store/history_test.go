package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
)

// state is what a plain map has: values by the name of their state and their key.
type state map[[2]string]string

// history is a random one of a store, beside a plain map.
type history struct {
	t      *testing.T
	chance *rand.Rand
	bucket Bucket
	retry  bool // what fails is tried once more
	store  *Store
	now    state
	epoch  uint64
	saved  map[uint64]state // by epoch, of those that were tried to commit
	last   uint64           // that was committed
}

// tiny has a store do with little what it does with much.
func tiny(s *Store) *Store {
	s.options.DeltaBytes, s.options.BaseBytes = 300, 900
	s.blockBytes, s.foldBytes, s.foldObjects = 100, 400, 6
	return s
}

// do does something, and once more if it fails and may.
func (h *history) do(f func() error) error {
	err := f()
	if err != nil && h.retry {
		if !errors.Is(err, errDisk) {
			h.t.Fatal(err)
		}
		err = f()
	}
	return err
}

// step does something at random. An error ends the history.
func (h *history) step(ctx context.Context) error {
	h.epoch++
	names := []string{"words", "alerts", "limits"}[h.chance.IntN(2):]
	h.chance.Shuffle(len(names), func(a, b int) { names[a], names[b] = names[b], names[a] })
	d, err := h.store.Begin(1, h.epoch, names)
	if err != nil {
		h.t.Fatal(err)
	}
	for range h.chance.IntN(6) {
		if err := d.Add(h.change(names, h.chance.IntN(8))); err != nil {
			h.t.Fatal(err)
		}
		if err := h.do(func() error { return d.Write(ctx) }); err != nil {
			return err
		}
		if h.chance.IntN(4) == 0 {
			if err := h.do(func() error { _, err := h.store.Fold(ctx); return err }); err != nil {
				return err
			}
		}
		if h.chance.IntN(8) == 0 {
			if err := h.do(func() error { return h.store.Clean(ctx) }); err != nil {
				return err
			}
		}
	}
	h.saved[h.epoch] = maps.Clone(h.now)
	positions := fmt.Appendf(nil, `{"epoch":%d}`, h.epoch)
	err = h.do(func() error { _, err := d.Commit(ctx, About{Application: "test", Positions: positions}); return err })
	if err == nil {
		h.last = h.epoch
	}
	return err
}

// change changes some entities at random, here and as bytes.
func (h *history) change(names []string, n int) (data []byte) {
	for range n {
		number := h.chance.IntN(len(names))
		key := fmt.Sprint("\x04key", h.chance.IntN(60))
		e := entity.Entity{State: number, Version: 3, Key: []byte(key)}
		if h.chance.IntN(4) == 0 {
			e.Removed = true
			delete(h.now, [2]string{names[number], key})
		} else {
			e.Value = fmt.Append(nil, strings.Repeat("v", h.chance.IntN(20)), h.chance.IntN(1000))
			h.now[[2]string{names[number], key}] = string(e.Value)
		}
		data = entity.Append(data, &e)
	}
	return data
}

// read is the state of a manifest; an error is one of reading it.
func read(ctx context.Context, s *Store, m *Manifest) (state, error) {
	got := state{}
	hash := uint32(0)
	for e, err := range s.Entities(ctx, m, 0, LastHash) {
		if err != nil {
			return got, err
		}
		if e.Hash < hash || e.Removed || e.Version != 3 {
			return got, fmt.Errorf("%+v comes after the hash %d", e, hash)
		}
		hash = e.Hash
		got[[2]string{m.States[e.State], string(e.Key)}] = string(e.Value)
	}
	return got, nil
}

// check demands that the bucket's newest manifest has what was saved, and that all others can be read.
func (h *history) check(ctx context.Context, bucket Bucket) {
	h.t.Helper()
	s, err := Open(ctx, bucket, Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	m, passed, err := s.Latest(ctx)
	if err != nil || len(passed) > 0 {
		h.t.Fatal(passed, err)
	}
	if m == nil && h.last == 0 {
		return
	}
	if m == nil || m.Epoch < h.last || string(m.Positions) != fmt.Sprintf(`{"epoch":%d}`, m.Epoch) {
		h.t.Fatalf("the newest is %+v, and epoch %d was committed", m, h.last)
	}
	all, err := s.Manifests(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	for n, f := range all {
		got, err := read(ctx, s, f.Manifest)
		want, known := h.saved[f.Manifest.Epoch]
		if err != nil || !known || !maps.Equal(got, want) {
			h.t.Fatalf("manifest %d, of epoch %d: %v; want %v; %v", n, f.Manifest.Epoch, got, want, err)
		}
		if err := s.Verify(ctx, f.Manifest); err != nil {
			h.t.Fatal(err)
		}
	}
}

func newHistory(t *testing.T, bucket Bucket, seed uint64) *history {
	t.Helper()
	return &history{t: t, chance: rand.New(rand.NewPCG(seed, 3)), bucket: bucket, now: state{}, saved: map[uint64]state{}}
}

// run goes through a history of so many epochs. Now and then the process dies and another goes on; that ends it at an error too.
func (h *history) run(ctx context.Context, epochs int) error {
	for range epochs {
		if h.store == nil || h.chance.IntN(8) == 0 {
			if err := h.do(func() error { return h.begin(ctx) }); err != nil {
				return err
			}
		}
		if err := h.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// begin has a new process go on from the newest manifest.
func (h *history) begin(ctx context.Context) error {
	s, err := Open(ctx, h.bucket, Options{Retain: 2})
	if err != nil {
		return err
	}
	m, _, err := s.Latest(ctx)
	if err != nil {
		return err
	}
	h.store = tiny(s)
	h.store.Use(m)
	return nil
}

func TestHistories(t *testing.T) {
	folded, split := 0, 0
	for seed := range uint64(30) {
		bucket := newMemory()
		h := newHistory(t, bucket, seed)
		for range 30 {
			if err := h.run(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			demand(t, h.store, h.store.current, h.now)
		}
		h.check(t.Context(), bucket)
		if m := h.store.current; m.Bases[0].Epoch > 0 {
			folded++
			split += min(1, len(m.Bases)-1)
		}
	}
	if folded < 15 || split < 15 {
		t.Errorf("%d of the last manifests have folded bases, %d several", folded, split)
	}
}

func TestAHistoryInAFolder(t *testing.T) {
	bucket := Folder(t.TempDir())
	h := newHistory(t, bucket, 7)
	if err := h.run(t.Context(), 30); err != nil {
		t.Fatal(err)
	}
	h.check(t.Context(), bucket)
}

// TestEachOperationFailsInTurn has the operation of each number fail: before it is done, or when it is done; once, and it is tried again,
// or the process dies there.
func TestEachOperationFailsInTurn(t *testing.T) {
	for seed := range uint64(2) {
		for mode := range 4 {
			for failAt := 1; ; failAt++ {
				bucket := &memory{objects: map[string][]byte{}, failAt: failAt, late: mode%2 == 0, forGood: mode >= 2}
				h := newHistory(t, bucket, seed)
				h.retry = !bucket.forGood
				err := h.run(t.Context(), 5)
				if bucket.done < failAt {
					break // all have failed
				}
				if err != nil && (h.retry || !errors.Is(err, errDisk)) {
					t.Fatal(err)
				}
				after := bucket.clone()
				h.check(t.Context(), after)
				h.goOn(after)
			}
		}
	}
}

// goOn has another process go on where one has died; in the end nothing is left that no manifest needs.
func (h *history) goOn(bucket *memory) {
	h.t.Helper()
	ctx := h.t.Context()
	h.bucket, h.store, h.retry = bucket, nil, false
	if err := h.begin(ctx); err != nil {
		h.t.Fatal(err)
	}
	h.now, h.epoch = state{}, h.epoch+1
	if m := h.store.current; m != nil {
		h.now, h.epoch = maps.Clone(h.saved[m.Epoch]), m.Epoch
	}
	for range 3 {
		if err := h.step(ctx); err != nil {
			h.t.Fatal(err)
		}
	}
	h.check(ctx, bucket)
	h.store.Use(h.store.current) // what was folded since is not needed
	if err := h.store.Clean(ctx); err != nil {
		h.t.Fatal(err)
	}
	h.check(ctx, bucket)
	all, err := h.store.Manifests(ctx)
	if err != nil || len(all) != 2 {
		h.t.Fatal(len(all), err)
	}
	needed := map[string]bool{}
	for _, f := range all {
		needs(needed, f.Manifest)
	}
	if len(needed) != len(bucket.objects) {
		h.t.Fatalf("there are %d objects, and %d are needed", len(bucket.objects), len(needed))
	}
}
