package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// mustFold folds until nothing is due, and returns how often that was.
func mustFold(t *testing.T, s *Store) (folds int) {
	t.Helper()
	for {
		folded, err := s.Fold(t.Context())
		if err != nil || folds > 1000 {
			t.Fatal(folds, err)
		}
		if !folded {
			return folds
		}
		folds++
	}
}

// demandOnlyNeeded demands that a bucket has nothing but what its manifests need, once it was cleaned.
func demandOnlyNeeded(t *testing.T, s *Store, bucket *memory) {
	t.Helper()
	if err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := s.Manifests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	needed := map[string]bool{}
	for _, f := range all {
		needs(needed, f.Manifest)
	}
	for name := range bucket.objects {
		if !needed[name] {
			t.Errorf("%s is left", name)
		}
	}
}

func TestDeltasAreFoldedWhenTheyAreMany(t *testing.T) {
	bucket := newMemory()
	s := mustOpen(t, bucket)
	s.options.Retain, s.foldObjects = 1, 4
	want := state{}
	for epoch := uint64(1); epoch <= 5; epoch++ {
		if folds := mustFold(t, s); folds > 0 {
			t.Fatal("folded at epoch", epoch)
		}
		want[[2]string{"b", fmt.Sprint(epoch)}] = "1"
		mustCommit(t, s, epoch, one(0, fmt.Sprint(epoch), "1"))
	}
	if folds := mustFold(t, s); folds != 1 {
		t.Error(folds, "folds")
	}
	m := mustCommit(t, s, 6, one(0, "1", "2"), gone(0, "2"))
	want[[2]string{"b", "1"}] = "2"
	delete(want, [2]string{"b", "2"})
	if len(m.Deltas) != 1 || len(m.Bases) != 1 || m.Bases[0].Epoch != 5 || m.Bases[0].Entities != 5 {
		t.Errorf("%+v", m)
	}
	demand(t, s, m, want)
	demandOnlyNeeded(t, s, bucket)
	if folds := mustFold(t, s); folds != 0 {
		t.Error(folds, "folds")
	}
}

func TestDeltasAreFoldedWhenTheyAreLarge(t *testing.T) {
	s := mustOpen(t, newMemory())
	s.options.BaseBytes = 20_000
	large := strings.Repeat("x", 40_000)
	for epoch := range uint64(30) {
		m := mustCommit(t, s, epoch+1, one(0, fmt.Sprint(epoch), large))
		if m.Bytes() > foldBytes {
			break
		}
		if folds := mustFold(t, s); folds > 0 {
			t.Fatal("folded at", m.Bytes())
		}
	}
	if folds := mustFold(t, s); folds != 1 {
		t.Error(folds, "folds")
	}
	m := mustCommit(t, s, 1000)
	if len(m.Deltas) > 0 || len(m.Bases) != 64 {
		t.Errorf("%d deltas, %d bases", len(m.Deltas), len(m.Bases))
	}
}

func TestWhichBaseIsFolded(t *testing.T) {
	const mib = 1 << 20
	delta := func(epoch uint64, bytes int64) Object { return Object{Epoch: epoch, Bytes: bytes} }
	base := func(from uint32, epoch uint64, bytes int64) Base {
		return Base{From: from, Epoch: epoch, Bytes: bytes}
	}
	many := slices.Repeat([]Object{delta(9, 1)}, foldObjects)
	for n, c := range []struct {
		bases  []Base
		deltas []Object
		want   int // the base; -1 for none
	}{
		{[]Base{base(0, 0, 0)}, nil, -1},
		{[]Base{base(0, 0, 0)}, []Object{delta(1, mib)}, -1},
		{[]Base{base(0, 0, 0)}, []Object{delta(1, mib), delta(2, 1)}, 0},
		{[]Base{base(0, 1, 0)}, []Object{delta(1, mib), delta(2, 1)}, -1}, // it has the first
		{[]Base{base(0, 0, 2*mib), base(9, 0, 2*mib)}, []Object{delta(1, 2*mib)}, -1},
		{[]Base{base(0, 0, 2*mib), base(9, 0, 2*mib)}, []Object{delta(1, 2*mib+1)}, 0},
		{[]Base{base(0, 7, 2*mib), base(9, 0, 2*mib), base(99, 0, 0)}, []Object{delta(1, 2*mib+1), delta(8, 1)}, 1},
		{[]Base{base(0, 8, 2*mib), base(9, 8, 2*mib)}, []Object{delta(1, 2*mib+1), delta(8, 1)}, -1},
		{[]Base{base(0, 8, 9*mib), base(9, 3, 9*mib)}, many, -1},
		{[]Base{base(0, 8, 9*mib), base(9, 3, 9*mib)}, append(many, delta(9, 1)), 1},
		{[]Base{base(0, 9, 9*mib), base(9, 9, 9*mib)}, append(many, delta(9, 1)), -1},
	} {
		s := mustOpen(t, newMemory())
		s.current, s.bases = &Manifest{Epoch: 9, Deltas: c.deltas}, c.bases
		if got, due := s.due(); due != (c.want >= 0) || due && got != c.bases[c.want] {
			t.Errorf("%d: %+v, %v; want %d", n, got, due, c.want)
		}
	}
}

func TestABaseWithoutEntitiesHasNoObject(t *testing.T) {
	bucket := newMemory()
	s := mustOpen(t, bucket)
	s.options.Retain, s.foldObjects = 1, 1
	mustCommit(t, s, 1, one(0, "x", "1"))
	mustCommit(t, s, 2, gone(0, "x"))
	mustFold(t, s)
	m := mustCommit(t, s, 3)
	demand(t, s, m, state{})
	if demandOnlyNeeded(t, s, bucket); len(bucket.objects) != 1 || len(m.Bases) != 1 || m.Bases[0].Epoch != 2 {
		t.Errorf("%d objects, %+v", len(bucket.objects), m)
	}
}

// TestEqualHashesInSeveralBlocks reads the range of one hash, whose entities are in blocks of their own.
func TestEqualHashesInSeveralBlocks(t *testing.T) {
	s := mustOpen(t, newMemory())
	s.blockBytes = 1
	m := mustCommit(t, s, 1, one(0, "w", "1"), one(0, "x", "2"), one(1, "x", "3"), one(0, "y", "4"))
	at, n := partition.Hash([]byte("x")), 0
	for e, err := range s.Entities(t.Context(), m, at, at) {
		if err != nil || e.Hash != at || string(e.Key) != "x" {
			t.Errorf("%+v, %v", e, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d entities", n)
	}
}

// TestWhatFailsLateIsCleaned has each write fail when it is done.
func TestWhatFailsLateIsCleaned(t *testing.T) {
	for failAt := 1; failAt < 40; failAt++ {
		bucket := newMemory()
		s := mustOpen(t, bucket)
		s.options.Retain, s.foldObjects = 1, 1
		bucket.done, bucket.failAt, bucket.late = 0, failAt, true
		try := func(f func() error) {
			for f() != nil {
				bucket.failAt = 0
			}
		}
		for epoch := uint64(1); epoch < 5; epoch++ {
			try(func() error { _, err := s.Fold(t.Context()); return err })
			d, err := s.Begin(1, epoch, []string{"b"})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Add(one(0, fmt.Sprint(epoch), "1")); err != nil {
				t.Fatal(err)
			}
			try(func() error { _, err := d.Commit(t.Context(), About{}); return err })
		}
		bucket.failAt = 0
		demandOnlyNeeded(t, s, bucket)
		demand(t, s, s.current, state{{"b", "1"}: "1", {"b", "2"}: "1", {"b", "3"}: "1", {"b", "4"}: "1"})
	}
}

// hooked is a bucket that does something at the first write of some name.
type hooked struct {
	*memory
	prefix string
	hook   func()
}

func (h *hooked) Write(ctx context.Context, name string, content func(io.Writer) error) error {
	if hook := h.hook; hook != nil && strings.HasPrefix(name, h.prefix) {
		h.hook = nil
		hook()
	}
	return h.memory.Write(ctx, name, content)
}

// TestUseWhileItFolds goes back to a manifest that has the same bases as the one that is folded.
func TestUseWhileItFolds(t *testing.T) {
	bucket := &hooked{memory: newMemory(), prefix: objects}
	s := mustOpen(t, bucket)
	s.options.Retain, s.foldObjects = 1, 1
	first := mustCommit(t, s, 1, one(0, "x", "1"))
	mustCommit(t, s, 2, one(0, "x", "2"), one(0, "y", "2"))
	bucket.hook = func() { s.Use(first) }
	if folded, err := s.Fold(t.Context()); folded || err != nil {
		t.Error(folded, err)
	}
	m := mustCommit(t, s, 3, one(0, "z", "3"))
	demand(t, s, m, state{{"b", "x"}: "1", {"b", "z"}: "3"})
	demandOnlyNeeded(t, s, bucket.memory)
}

func TestUseWhileItCommits(t *testing.T) {
	bucket := &hooked{memory: newMemory(), prefix: manifests}
	s := mustOpen(t, bucket)
	first := mustCommit(t, s, 1, one(0, "x", "1"))
	d, err := s.Begin(1, 2, []string{"b"})
	if err != nil {
		t.Fatal(err)
	}
	bucket.hook = func() { s.Use(first) }
	if m, err := d.Commit(t.Context(), About{}); err == nil || !strings.Contains(err.Error(), "was given up while it was committed") {
		t.Error(m, err)
	}
	demand(t, s, mustCommit(t, s, 3), state{{"b", "x"}: "1"})
}

// TestOneEpochThatIsCommittedTwice is by two processes, the second of which has given out fewer names.
func TestOneEpochThatIsCommittedTwice(t *testing.T) {
	bucket := newMemory()
	for _, texts := range [][]string{{"1", "2", "3"}, {"4"}} {
		s := tiny(mustOpen(t, bucket))
		var data [][]byte
		for _, text := range texts {
			data = append(data, one(0, text, strings.Repeat(text, 300)))
		}
		m := mustCommit(t, s, 1, data...)
		newest, _, err := s.Latest(t.Context())
		if err != nil || newest.Name != m.Name {
			t.Errorf("the newest is %+v, %v; want %s", newest, err, m.Name)
		}
	}
}

// TestVerifyDemandsTheRangesOfBases exchanges the ranges of two bases.
func TestVerifyDemandsTheRangesOfBases(t *testing.T) {
	bucket, m, _ := written(t)
	swapped := *m
	swapped.Bases = slices.Clone(m.Bases)
	swapped.Bases[0].Object, swapped.Bases[1].Object = m.Bases[1].Object, m.Bases[0].Object
	err := mustOpen(t, bucket).Verify(t.Context(), &swapped)
	if d, ok := errors.AsType[*DamageError](err); !ok || !strings.Contains(d.Why, "which is not from") {
		t.Error(err)
	}
}

// TestTheLastHashOfARangeIsInIt exports bases whose ranges end at the hash of a key.
func TestTheLastHashOfARangeIsInIt(t *testing.T) {
	s := mustOpen(t, newMemory())
	m := *mustCommit(t, s, 1, one(0, "x", "1"), one(0, "y", "1"))
	x := partition.Hash([]byte("x"))
	m.Bases = []Base{{To: x - 1}, {From: x, To: x}, {From: x + 1, To: LastHash}}
	to := newMemory()
	exported, err := s.Export(t.Context(), &m, to)
	if err != nil {
		t.Fatal(err)
	}
	if b := exported.Bases[1]; b.From != x || b.To != x || b.Entities != 1 {
		t.Errorf("%+v", exported.Bases)
	}
	other := mustOpen(t, to)
	demand(t, other, exported, state{{"b", "x"}: "1", {"b", "y"}: "1"})
	if err := other.Verify(t.Context(), exported); err != nil {
		t.Error(err)
	}
}
