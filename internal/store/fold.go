package store

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
)

// Fold folds deltas into the base of one range, the one that was folded the longest ago, if the deltas have become many or large; false if
// not. The next manifest that is committed lists the new base, or several if it would be too large, and the deltas that all bases have drop
// out of it. It holds a few blocks of each object in memory.
func (s *Store) Fold(ctx context.Context) (folded bool, err error) {
	s.folding.Lock()
	defer s.folding.Unlock()
	s.mu.Lock()
	base, due := s.due()
	current, uses := s.current, s.uses
	s.mu.Unlock()
	if !due {
		return false, nil
	}
	part := &Manifest{Run: current.Run, Epoch: current.Epoch, States: current.States, Deltas: newer(current.Deltas, base.Epoch)}
	var unused []string // names, at first all
	written, err := s.rewrite(ctx, s.bucket, part, base, func() string {
		s.mu.Lock()
		defer s.mu.Unlock()
		unused = append(unused, s.name(current.Run, current.Epoch, identity.object))
		return unused[len(unused)-1]
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := slices.Index(s.bases, base); err == nil && at >= 0 && uses == s.uses {
		folded = true
		s.bases = slices.Replace(s.bases, at, at+1, written...)
		unused = slices.DeleteFunc(unused, func(name string) bool {
			return slices.ContainsFunc(written, func(b Base) bool { return b.Name == name })
		})
	}
	for _, name := range unused {
		delete(s.unnamed, name)
	}
	return folded, err
}

// due is the base that is folded next; false if there are too few deltas that it lacks. Who calls it holds mu.
func (s *Store) due() (base Base, due bool) {
	if s.current == nil {
		return base, false
	}
	base = s.bases[oldest(s.bases)]
	lacking := newer(s.current.Deltas, base.Epoch)
	large := deltaBytes(lacking) > max(s.foldBytes, baseBytes(s.bases)/2)
	return base, len(lacking) > s.foldObjects || large
}

// rewrite writes the state that a base and the deltas of a manifest make as new bases: as many as it takes for each to have the size that a
// base has. Hashes are even, so that an equal part of the hashes is an equal part of the state.
func (s *Store) rewrite(ctx context.Context, to Bucket, part *Manifest, base Base, name func() string) (written []Base, err error) {
	part.Bases = []Base{base}
	width := uint64(base.To) - uint64(base.From) + 1
	size := uint64(base.Bytes)
	for _, o := range part.Deltas {
		size += uint64(float64(o.Bytes) * float64(width) / (1 << 32))
	}
	parts := uint64(1)
	for size/parts > uint64(s.options.BaseBytes) && 2*parts <= width {
		parts *= 2
	}
	p := &pulled{}
	if p.merge, p.err = newMerge(ctx, s.bucket, part, base.From, base.To); p.err != nil {
		return nil, p.err
	}
	p.advance(ctx)
	for n := range parts {
		b := Base{From: uint32(uint64(base.From) + width*n/parts), To: uint32(uint64(base.From) + width*(n+1)/parts - 1)}
		if p.within(b.To) {
			if b.Object, err = s.writeBase(ctx, to, part.States, p, b.To, name()); err != nil {
				return nil, err
			}
		}
		b.Epoch = part.Epoch
		written = append(written, b)
	}
	return written, p.err
}

// pulled are entities that are taken one after another, and the next one is looked at before it is.
type pulled struct {
	*merge
	e    Entity // the next one
	err  error
	more bool
}

func (p *pulled) advance(ctx context.Context) { p.e, p.more, p.err = p.take(ctx) }

// within reports whether there is another entity up to a hash.
func (p *pulled) within(last uint32) bool { return p.more && p.err == nil && p.e.Hash <= last }

// writeBase writes the entities up to a hash as an object.
func (s *Store) writeBase(ctx context.Context, to Bucket, states []string, p *pulled, last uint32, name string) (o Object, err error) {
	err = to.Write(ctx, name, func(out io.Writer) error {
		w, err := newWriter(out, states, s.blockBytes)
		for err == nil && p.within(last) {
			err = w.add(p.e.Hash, &p.e.Entity)
			p.advance(ctx)
		}
		if err = cmp.Or(err, p.err); err != nil {
			return err
		}
		o, err = w.finish()
		return err
	})
	if err != nil {
		return Object{}, fmt.Errorf("write %s: %w", name, err)
	}
	o.Name = name
	return o, nil
}

// Export writes the state of a manifest into another bucket, which has no checkpoints yet: a manifest and bases, which share nothing with
// this one.
func (s *Store) Export(ctx context.Context, m *Manifest, to Bucket) (*Manifest, error) {
	there, err := to.List(ctx, manifests)
	if err != nil {
		return nil, fmt.Errorf("look for checkpoints: %w", err)
	}
	if len(there) > 0 {
		return nil, fmt.Errorf("there is a checkpoint already, %s: export to another place", there[0].Name)
	}
	copied := *m
	copied.Name = identity{run: m.Run, epoch: m.Epoch, store: s.incarnation}.manifest()
	copied.Bases, copied.Deltas, copied.Written = nil, nil, 0
	number := uint64(0)
	name := func() string {
		number++
		return identity{m.Run, m.Epoch, s.incarnation, number}.object()
	}
	for _, base := range m.Bases {
		part := &Manifest{Run: m.Run, Epoch: m.Epoch, States: m.States, Deltas: newer(m.Deltas, base.Epoch)}
		written, err := s.rewrite(ctx, to, part, base, name)
		if err != nil {
			return nil, err
		}
		copied.Bases = append(copied.Bases, written...)
	}
	return put(ctx, to, &copied)
}

// Again writes a manifest that says the same of the state as one of this bucket, in a later run and with something else about it.
func (s *Store) Again(ctx context.Context, m *Manifest, run uint64, about About) (*Manifest, error) {
	if run <= m.Run {
		return nil, fmt.Errorf("run %d is not after run %d, whose checkpoint is written again", run, m.Run)
	}
	again := *m
	again.Run, again.About, again.Written = run, about, 0
	again.Name = identity{run: run, epoch: m.Epoch, store: s.incarnation}.manifest()
	return put(ctx, s.bucket, &again)
}
