package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

func mustOpen(t *testing.T, bucket Bucket) *Store {
	t.Helper()
	s, err := Open(t.Context(), bucket, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// one is an entity as bytes.
func one(state int, key, value string) []byte {
	return entity.Append(nil, &entity.Entity{State: state, Version: 3, Key: []byte(key), Value: []byte(value)})
}

// gone is a removed one.
func gone(state int, key string) []byte {
	return entity.Append(nil, &entity.Entity{State: state, Version: 3, Key: []byte(key), Removed: true})
}

// mustCommit commits some entities of the states b, which is 0, and a.
func mustCommit(t *testing.T, s *Store, epoch uint64, entities ...[]byte) *Manifest {
	t.Helper()
	d, err := s.Begin(1, epoch, []string{"b", "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entities {
		if err := errors.Join(d.Add(e), d.Write(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	m, err := d.Commit(t.Context(), About{
		Application: "test", Fingerprint: []byte(`{"steps": ["<a>"]}`), Partitions: 1024, Positions: []byte(`[1, 2]`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// demand demands the state of a manifest.
func demand(t *testing.T, s *Store, m *Manifest, want state) {
	t.Helper()
	if got, err := read(t.Context(), s, m); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestWhatIsCommittedIsReadByAnother(t *testing.T) {
	bucket := newMemory()
	s := mustOpen(t, bucket)
	first := mustCommit(t, s, 3, one(0, "x", "b of x"), one(1, "x", "a of x"), one(0, "y", ""), one(0, "x", "b of x again"))
	second := mustCommit(t, s, 5, gone(1, "x"), one(1, "z", "a of z"))
	other := mustOpen(t, bucket)
	m, passed, err := other.Latest(t.Context())
	if err != nil || len(passed) > 0 || fmt.Sprint(m) != fmt.Sprint(second) {
		t.Fatalf("%+v, %v, %v; want %+v", m, passed, err, second)
	}
	if m.Run != 1 || m.Epoch != 5 || m.Application != "test" || string(m.Fingerprint) != `{"steps":["<a>"]}` || m.Partitions != 1024 ||
		string(m.Positions) != `[1,2]` || !slices.Equal(m.States, []string{"a", "b"}) || m.Time.IsZero() || len(m.Deltas) != 2 ||
		m.Written != m.Deltas[1].Bytes || m.Bytes() != m.Deltas[0].Bytes+m.Deltas[1].Bytes || m.Deltas[0].Entities != 3 {
		t.Errorf("%+v", m)
	}
	demand(t, other, m, state{{"b", "x"}: "b of x again", {"b", "y"}: "", {"a", "z"}: "a of z"})
	demand(t, other, first, state{{"b", "x"}: "b of x again", {"b", "y"}: "", {"a", "x"}: "a of x"})
}

func TestAnEmptyBucketHasNoCheckpoint(t *testing.T) {
	s := mustOpen(t, Folder(t.TempDir()))
	if m, passed, err := s.Latest(t.Context()); m != nil || passed != nil || err != nil {
		t.Error(m, passed, err)
	}
	if folded, err := s.Fold(t.Context()); folded || err != nil {
		t.Error(folded, err)
	}
	if err := s.Clean(t.Context()); err != nil {
		t.Error(err)
	}
	demand(t, s, mustCommit(t, s, 1), state{})
}

func TestManifestsAreInTheOrderOfRunsThenEpochs(t *testing.T) {
	bucket := newMemory()
	var want []string
	for _, id := range [][2]uint64{{1, 7}, {1, 11}, {2, 9}, {10, 3}} {
		s := mustOpen(t, bucket)
		d, err := s.Begin(id[0], id[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Commit(t.Context(), About{})
		if err != nil {
			t.Fatal(err)
		}
		want = slices.Insert(want, 0, m.Name)
	}
	all, err := mustOpen(t, bucket).Manifests(t.Context())
	if err != nil || len(all) != len(want) {
		t.Fatal(all, err)
	}
	for n, f := range all {
		if f.Name != want[n] || f.Manifest.Name != f.Name {
			t.Errorf("%d is %s; want %s", n, f.Name, want[n])
		}
	}
}

func TestRangesMakeTheWhole(t *testing.T) {
	bucket := newMemory()
	s := tiny(mustOpen(t, bucket))
	want := state{}
	var m *Manifest
	for epoch := range uint64(30) {
		var data [][]byte
		for n := range 20 {
			key, value := fmt.Sprint("key", uint64(n)*(epoch+1)%170), fmt.Sprint(epoch)
			data = append(data, one(0, key, value))
			want[[2]string{"b", key}] = value
		}
		m = mustCommit(t, s, epoch+1, data...)
		if _, err := s.Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Bases) < 3 || m.Bases[1].Epoch == 0 {
		t.Fatalf("%+v", m.Bases)
	}
	for _, bounds := range [][]uint32{
		{0, 1 << 31},
		{0, 1, 2, 3, LastHash},
		{0, m.Bases[1].From, m.Bases[1].From + 1, m.Bases[1].To},
		{0, partition.Hash([]byte("key7")), partition.Hash([]byte("key7")) + 1},
	} {
		slices.Sort(bounds)
		got := state{}
		for n, from := range bounds {
			to := LastHash
			if n+1 < len(bounds) {
				to = bounds[n+1] - 1
			}
			for e, err := range s.Entities(t.Context(), m, from, to) {
				at := [2]string{m.States[e.State], string(e.Key)}
				if err != nil || e.Hash < from || e.Hash > to || got[at] != "" {
					t.Fatalf("%+v from %d to %d, %v", e, from, to, err)
				}
				got[at] = string(e.Value)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%v: %v; want %v", bounds, got, want)
		}
	}
}

func TestABeginningThatCannotBe(t *testing.T) {
	s := mustOpen(t, newMemory())
	mustCommit(t, s, 4)
	many := make([]string, mostStates+1)
	for n := range many {
		many[n] = fmt.Sprint(n)
	}
	open := mustOpen(t, newMemory())
	if _, err := open.Begin(1, 1, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store      *Store
		run, epoch uint64
		states     []string
		want       string
	}{
		{s, 1, 4, nil, "epoch 4 of run 1 is not after epoch 4 of run 1"},
		{s, 0, 5, nil, "epoch 5 of run 0 is not after"},
		{s, 2, 4, nil, "epoch 4 of run 2 is not after"},
		{mustOpen(t, newMemory()), 1, 0, nil, "epoch 0"},
		{s, 1, 5, []string{"a", "b", "a"}, `"a" and "a" are not in order`},
		{s, 1, 5, many, "65537 states are too many"},
		{open, 1, 2, nil, "the checkpoint of epoch 1 is open"},
	} {
		if _, err := c.store.Begin(c.run, c.epoch, c.states); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
	if _, err := Open(t.Context(), newMemory(), Options{Retain: -1}); err == nil {
		t.Error("a negative bound passes")
	}
}

func TestWhatCannotBeAddedChangesNothing(t *testing.T) {
	s := mustOpen(t, newMemory())
	d, err := s.Begin(1, 1, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	good := one(0, "x", "1")
	if err := d.Add(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{append(one(0, "x", "2"), 1), append(one(0, "x", "2"), one(1, "x", "2")...)} {
		if err := d.Add(bad); err == nil || d.Buffered() != len(good) {
			t.Error(err, d.Buffered())
		}
	}
	m, err := d.Commit(t.Context(), About{Positions: []byte("{")})
	if err == nil {
		t.Error("a manifest that is no JSON:", m)
	}
	if m, err = d.Commit(t.Context(), About{}); err != nil {
		t.Fatal(err)
	}
	demand(t, s, m, state{{"a", "x"}: "1"})
	if _, err := d.Commit(t.Context(), About{}); err == nil || !strings.Contains(err.Error(), "not open any more") {
		t.Error("it is committed twice:", err)
	}
}

func TestMemoryIsGivenBackByWrite(t *testing.T) {
	bucket := newMemory()
	s := mustOpen(t, bucket)
	s.options.DeltaBytes = 100
	d, err := s.Begin(1, 1, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	for d.Buffered() < 100 {
		if err := errors.Join(d.Write(t.Context()), d.Add(one(0, fmt.Sprint(d.Buffered()), "value"))); err != nil {
			t.Fatal(err)
		}
		if len(bucket.objects) > 0 {
			t.Fatal("too little is written")
		}
	}
	if err := d.Write(t.Context()); err != nil || d.Buffered() != 0 || len(bucket.objects) != 1 {
		t.Error(err, d.Buffered(), len(bucket.objects))
	}
}

func TestADeltaThatIsGivenUpLeavesNothing(t *testing.T) {
	for name, giveUp := range map[string]func(*Store, *Delta, *Manifest){
		"by itself": func(_ *Store, d *Delta, _ *Manifest) { d.GiveUp() },
		"by use":    func(s *Store, _ *Delta, m *Manifest) { s.Use(m) },
	} {
		t.Run(name, func(t *testing.T) {
			bucket := newMemory()
			s := tiny(mustOpen(t, bucket))
			m := mustCommit(t, s, 1, one(0, "x", "1"))
			d, err := s.Begin(1, 2, []string{"b"})
			if err != nil {
				t.Fatal(err)
			}
			before := len(bucket.objects)
			err = errors.Join(d.Add(bytes.Repeat(one(0, "x", "2"), 30)), d.Write(t.Context()), s.Clean(t.Context()))
			if err != nil || len(bucket.objects) != before+1 {
				t.Fatal(len(bucket.objects), err)
			}
			giveUp(s, d, m)
			if err := s.Clean(t.Context()); err != nil || len(bucket.objects) != before {
				t.Error(len(bucket.objects), err)
			}
			if _, err := d.Commit(t.Context(), About{}); err == nil || len(bucket.objects) != before {
				t.Error("it is committed:", err)
			}
			demand(t, s, mustCommit(t, s, 2), state{{"b", "x"}: "1"})
		})
	}
}

// TestAllAtOnce adds, writes, folds, cleans and reads from many goroutines.
func TestAllAtOnce(t *testing.T) {
	bucket := newMemory()
	s := tiny(mustOpen(t, bucket))
	mustCommit(t, s, 1)
	want := state{}
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for _, f := range []func() error{
		func() error { _, err := s.Fold(ctx); return err },
		func() error { return s.Clean(ctx) },
	} {
		others.Go(func() {
			for ctx.Err() == nil {
				if err := f(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for epoch := uint64(2); epoch < 40; epoch++ {
		d, err := s.Begin(1, epoch, []string{"a"})
		if err != nil {
			t.Fatal(err)
		}
		var adders sync.WaitGroup
		for adder := range 4 {
			adders.Go(func() {
				for n := range 10 {
					data := one(0, fmt.Sprint(adder, " ", n), fmt.Sprint(epoch))
					if err := errors.Join(d.Add(data), d.Write(t.Context())); err != nil {
						t.Error(err)
					}
				}
			})
		}
		adders.Wait()
		m, err := d.Commit(t.Context(), About{})
		if err != nil {
			t.Fatal(err)
		}
		for adder := range 4 {
			for n := range 10 {
				want[[2]string{"a", fmt.Sprint(adder, " ", n)}] = fmt.Sprint(epoch)
			}
		}
		demand(t, s, m, want)
	}
	cancel()
	others.Wait()
}

func TestAnExportSharesNothing(t *testing.T) {
	for seed := range uint64(20) {
		bucket, to := newMemory(), newMemory()
		h := newHistory(t, bucket, seed)
		if err := h.run(t.Context(), 20); err != nil {
			t.Fatal(err)
		}
		from := h.store.current
		m, err := h.store.Export(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.store.Export(t.Context(), from, to); err == nil || !strings.Contains(err.Error(), "there is a checkpoint already") {
			t.Error(err)
		}
		if len(m.Deltas) > 0 || m.Epoch != from.Epoch || m.Run != from.Run || string(m.Positions) != string(from.Positions) {
			t.Errorf("%+v", m)
		}
		h.check(t.Context(), to)
		other := mustOpen(t, to)
		other.Use(m)
		demand(t, other, mustCommit(t, other, m.Epoch+1), h.saved[m.Epoch])
		if err := other.Clean(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
