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
// *DamageError, and an error is the last thing it yields; each entity before it is as it was saved. Keys and values may be kept; they share
// memory with their neighbours in the object. Different ranges may be read at the same time.
func (s *Store) Entities(ctx context.Context, m *Manifest, from, to uint32) iter.Seq2[Entity, error] {
	return entities(ctx, s.bucket, m, from, to)
}

func entities(ctx context.Context, bucket Bucket, m *Manifest, from, to uint32) iter.Seq2[Entity, error] {
	return func(yield func(Entity, error) bool) {
		g := &merge{bucket: bucket, m: m, from: from, to: to}
		if err := g.each(ctx, func(e Entity) bool { return yield(e, nil) }); err != nil {
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
}

// each yields the newest entity of each key, as long as yield asks for more.
func (g *merge) each(ctx context.Context, yield func(Entity) bool) error {
	if err := g.begin(ctx); err != nil {
		return err
	}
	for len(g.heap) > 0 {
		newest := g.heap[0]
		at := newest.place
		if !newest.e.Removed && !yield(Entity{Hash: at.hash(), Entity: newest.e}) {
			return nil
		}
		for len(g.heap) > 0 && g.heap[0].place.compare(&at) == 0 {
			if err := g.advance(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin opens the inputs that have something in the range.
func (g *merge) begin(ctx context.Context) error {
	for n := range g.m.Deltas {
		o, err := open(ctx, g.bucket, &g.m.Deltas[n])
		if err != nil {
			return err
		}
		c, ok, err := o.over(ctx, g.from, g.to, g.m.States)
		if err != nil {
			return err
		}
		if ok {
			g.heap = append(g.heap, &input{cursor: c, age: len(g.m.Deltas) - n})
		}
	}
	c, ok, err := g.nextBase(ctx)
	if ok {
		g.heap = append(g.heap, &input{cursor: c, age: len(g.m.Deltas) + 1, bases: true})
	}
	for n := len(g.heap)/2 - 1; n >= 0; n-- {
		g.sift(n)
	}
	return err
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
