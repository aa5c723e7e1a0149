package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sort"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
)

// readBytes is about how much of an object is read at once.
const readBytes = 256 << 10

// opened is an object that is read.
type opened struct {
	bucket Bucket
	Object
	states []string
	blocks []entry
	whole  []byte // of a small object
}

// open reads head and index of an object, and checks that they are what a manifest says.
func open(ctx context.Context, bucket Bucket, about *Object) (_ *opened, err error) {
	o := &opened{bucket: bucket, Object: *about}
	if o.Bytes <= readBytes {
		if o.whole, err = o.read(ctx, 0, o.Bytes); err != nil {
			return nil, err
		}
	}
	begin := max(0, o.Bytes-readBytes/4)
	tail, err := o.read(ctx, begin, o.Bytes-begin)
	if err != nil {
		return nil, err
	}
	index, err := parseTrailer(tail, o.Bytes)
	if err != nil {
		return nil, damage(o.Name, begin, err)
	}
	if index < begin {
		if tail, err = o.read(ctx, index, o.Bytes-index); err != nil {
			return nil, err
		}
		begin = index
	}
	tail = tail[index-begin:]
	if o.blocks, err = parseIndex(tail, index); err != nil {
		return nil, damage(o.Name, index, err)
	}
	headEnd := index
	if len(o.blocks) > 0 {
		headEnd = o.blocks[0].offset
	}
	head, err := o.read(ctx, 0, headEnd)
	if err != nil {
		return nil, err
	}
	if o.states, err = parseHead(head); err != nil {
		return nil, damage(o.Name, 0, err)
	}
	if digest(head, tail) != o.Digest {
		return nil, &DamageError{File: o.Name, Why: "its digest is not the one in the manifest: it is another object"}
	}
	return o, o.checkCount()
}

func (o *opened) checkCount() error {
	entities := int64(0)
	for n := range o.blocks {
		entities += int64(o.blocks[n].entities)
	}
	if entities != o.Entities {
		return &DamageError{File: o.Name, Why: fmt.Sprintf("it has %d entities, and the manifest says %d", entities, o.Entities)}
	}
	return nil
}

// read reads a part. That there is none is damage.
func (o *opened) read(ctx context.Context, offset, length int64) ([]byte, error) {
	if o.whole != nil {
		return o.whole[offset : offset+length], nil
	}
	data := make([]byte, length)
	return data, o.readAt(ctx, data, offset)
}

// readAt reads a part that is not in memory.
func (o *opened) readAt(ctx context.Context, dst []byte, offset int64) error {
	err := o.bucket.ReadAt(ctx, o.Name, dst, offset)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &DamageError{File: o.Name, Why: "it is missing"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &DamageError{File: o.Name, Offset: offset, Why: "it is cut off"}
	}
	return err
}

// place is where an entity stands in the order of objects: by the hash of its key, its state, its key.
type place struct {
	order uint64 // the hash, and the number of the state below it
	key   []byte
}

func placeOf(hash uint32, state int, key []byte) place {
	return place{uint64(hash)<<16 | uint64(state), key}
}

func (p *place) hash() uint32 { return uint32(p.order >> 16) }

func (p *place) compare(q *place) int {
	if c := cmp.Compare(p.order, q.order); c != 0 {
		return c
	}
	return bytes.Compare(p.key, q.key)
}

// cursor goes over the entities of an object whose hashes are in a range, in order. An entity's memory is its own until it advances.
type cursor struct {
	*opened
	to     uint32
	number []int // in the manifest, of the states of the object

	next   int    // the block that is read next
	memory []byte // for chunks
	chunk  []byte // blocks that were fetched, from next on
	block  []byte // what is left of the block that is read
	left   uint32 // how many entities the index says are left in it
	place  place  // of e, or of the last one before
	last   []byte // the key of that, when its block is over
	e      entity.Entity
	begun  bool
}

// over is a cursor at the first entity of a range; false if there is none. The object's states are among those of a manifest.
func (o *opened) over(ctx context.Context, from, to uint32, states []string) (c *cursor, ok bool, err error) {
	c = &cursor{opened: o, to: to}
	for _, name := range o.states {
		n, found := slices.BinarySearch(states, name)
		if !found {
			return nil, false, &DamageError{File: o.Name, Why: fmt.Sprintf("its state %q is not in the manifest", name)}
		}
		c.number = append(c.number, n)
	}
	// The block before the first one that begins at from, or behind it, may reach into the range.
	c.next = max(0, sort.Search(len(o.blocks), func(n int) bool { return o.blocks[n].first >= from })-1)
	for {
		ok, err := c.advance(ctx)
		if err != nil || !ok || c.place.hash() >= from {
			return c, ok, err
		}
	}
}

// advance goes to the next entity; false if there is none in the range.
func (c *cursor) advance(ctx context.Context) (ok bool, err error) {
	if len(c.block) == 0 {
		if c.next == len(c.blocks) || c.blocks[c.next].first > c.to {
			return false, nil
		}
		c.last = append(c.last[:0], c.place.key...)
		c.place.key = c.last
		if c.block, err = c.nextBlock(ctx); err != nil {
			return false, err
		}
	}
	e, size, ok := entity.First(c.block)
	if !ok || e.State >= len(c.number) {
		return false, c.damaged("it is no entity of a state of the object")
	}
	e.State = c.number[e.State]
	at := placeOf(partition.Hash(e.Key), e.State, e.Key)
	if c.begun && c.place.compare(&at) >= 0 {
		return false, c.damaged("the entities are not in order")
	}
	c.place, c.e, c.begun, c.block = at, e, true, c.block[size:]
	if c.left--; (c.left == 0) != (len(c.block) == 0) {
		return false, c.damaged("the block has not as many entities as the index says")
	}
	return at.hash() <= c.to, nil
}

// damaged is damage of the block that is read, at what is left of it.
func (c *cursor) damaged(why string) error {
	return &DamageError{File: c.Name, Offset: c.blocks[c.next-1].end() - int64(len(c.block)), Why: why}
}

// nextBlock is the next block, as the index says it is.
func (c *cursor) nextBlock(ctx context.Context) ([]byte, error) {
	b := &c.blocks[c.next]
	if len(c.chunk) == 0 {
		end := b.end()
		for _, more := range c.blocks[c.next+1:] {
			if more.end()-b.offset > readBytes || more.first > c.to {
				break
			}
			end = more.end()
		}
		if err := c.fetch(ctx, b.offset, int(end-b.offset)); err != nil {
			return nil, err
		}
	}
	block := c.chunk[:b.size:b.size]
	c.chunk = c.chunk[b.size:]
	c.next++
	if sha256.Sum256(block) != b.digest {
		return nil, &DamageError{File: c.Name, Offset: b.offset, Why: "the digest of the block is wrong"}
	}
	if first, _, _ := entity.First(block); partition.Hash(first.Key) != b.first {
		return nil, &DamageError{File: c.Name, Offset: b.offset, Why: "the block does not begin with the hash that the index says"}
	}
	c.left = b.entities
	giveWay()
	return block, nil
}

// fetch reads blocks, over those before.
func (c *cursor) fetch(ctx context.Context, offset int64, length int) (err error) {
	if c.whole != nil {
		c.chunk, err = c.read(ctx, offset, int64(length))
		return err
	}
	c.memory = slices.Grow(c.memory[:0], length)[:length]
	c.chunk = c.memory
	return c.readAt(ctx, c.chunk, offset)
}
