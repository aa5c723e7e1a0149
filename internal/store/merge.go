package store

import (
	"context"
	"iter"
	"math"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
)

// LastHash is the last one of all hashes; the first is 0.
const LastHash uint32 = math.MaxUint32

// Entity is the state of one key in a manifest.
type Entity struct {
	// Hash is that of the key (internal/partition).
	Hash uint32
	// Entity has the number of its state in the manifest's States. It is never a removed one.
	entity.Entity
}

// Entities are the entities of a manifest whose hashes are from one to another, both included, in the order of hashes. What is damaged is a
// *DamageError, and an error is the last thing it yields; each entity before it is as it was saved. Keys and values must be copied if they
// are needed when the next one is asked for. Different ranges may be read at the same time.
func (s *Store) Entities(ctx context.Context, m *Manifest, from, to uint32) iter.Seq2[Entity, error] {
	return func(yield func(Entity, error) bool) {
		g, err := newMerge(ctx, s.bucket, m, from, to)
		for more := true; err == nil && more; {
			var e Entity
			if e, more, err = g.take(ctx); more && !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(Entity{}, err)
		}
	}
}

// input is entities in order that are merged with others: an object of a delta, or the bases one behind another.
type input struct {
	*cursor
	age   int // inputs with a lower one are newer
	bases bool
}

// before reports whether an input comes first: by its place and, if another is at the same, by being newer.
func (r *input) before(q *input) bool {
	c := r.place.compare(&q.place)
	return c < 0 || c == 0 && r.age < q.age
}

// merge is a merge under way of what a manifest lists. A base may have some of its deltas already: since the newest entity counts, and no
// delta is left out that is newer than another one here, these change nothing.
type merge struct {
	bucket   Bucket
	m        *Manifest
	from, to uint32
	heap     []*input // as in container/heap, whose calls through an interface would cost more than all else here
	next     int      // the base that is read next
	taken    bool     // something was, and last is its place
	last     place
}

// newMerge opens the inputs that have something in the range.
func newMerge(ctx context.Context, bucket Bucket, m *Manifest, from, to uint32) (*merge, error) {
	g := &merge{bucket: bucket, m: m, from: from, to: to}
	for n := range m.Deltas {
		o, err := open(ctx, bucket, &m.Deltas[n])
		if err != nil {
			return nil, err
		}
		c, ok, err := o.over(ctx, from, to, m.States)
		if err != nil {
			return nil, err
		}
		if ok {
			g.heap = append(g.heap, &input{cursor: c, age: len(m.Deltas) - n})
		}
	}
	c, ok, err := g.nextBase(ctx)
	if ok {
		g.heap = append(g.heap, &input{cursor: c, age: len(m.Deltas) + 1, bases: true})
	}
	for n := len(g.heap)/2 - 1; n >= 0; n-- {
		g.sift(n)
	}
	return g, err
}

// take takes the newest entity of the next key that has one; false if there is none. Its memory is the inputs' again with the next call.
func (g *merge) take(ctx context.Context) (e Entity, ok bool, err error) {
	for {
		if err := g.pass(ctx); err != nil || len(g.heap) == 0 {
			return e, false, err
		}
		newest := g.heap[0]
		g.taken = true
		g.last.order, g.last.key = newest.place.order, append(g.last.key[:0], newest.place.key...)
		if !newest.e.Removed {
			return Entity{Hash: g.last.hash(), Entity: newest.e}, true, nil
		}
	}
}

// pass advances the inputs that are at the key that was taken last.
func (g *merge) pass(ctx context.Context) error {
	for g.taken && len(g.heap) > 0 && g.heap[0].place.compare(&g.last) == 0 {
		if err := g.advance(ctx); err != nil {
			return err
		}
	}
	return nil
}

// nextBase opens the next base that has something in the range; false if there is none.
func (g *merge) nextBase(ctx context.Context) (c *cursor, ok bool, err error) {
	for !ok && err == nil && g.next < len(g.m.Bases) {
		b := &g.m.Bases[g.next]
		g.next++
		if b.Name == "" || b.To < g.from || b.From > g.to {
			continue
		}
		var o *opened
		if o, err = open(ctx, g.bucket, &b.Object); err == nil {
			c, ok, err = o.over(ctx, max(b.From, g.from), min(b.To, g.to), g.m.States)
		}
	}
	return c, ok, err
}

// advance advances the input that came first.
func (g *merge) advance(ctx context.Context) error {
	r := g.heap[0]
	ok, err := r.advance(ctx)
	if err == nil && !ok && r.bases {
		var c *cursor
		if c, ok, err = g.nextBase(ctx); ok {
			r.cursor = c
		}
	}
	if err != nil {
		return err
	}
	if !ok {
		last := len(g.heap) - 1
		g.heap[0] = g.heap[last]
		g.heap = g.heap[:last]
	}
	g.sift(0)
	return nil
}

// sift brings the input at a place of the heap down to where it belongs.
func (g *merge) sift(n int) {
	for {
		least := n
		for child := 2*n + 1; child <= 2*n+2 && child < len(g.heap); child++ {
			if g.heap[child].before(g.heap[least]) {
				least = child
			}
		}
		if least == n {
			return
		}
		g.heap[n], g.heap[least] = g.heap[least], g.heap[n]
		n = least
	}
}
