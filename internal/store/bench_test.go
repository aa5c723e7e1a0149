package store

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
)

// million is how many entities, of 100 bytes each, the benchmarks have; a key is 9 bytes of them, and what stands before it 12.
const million = 1_000_000

func key(dst []byte, n int) []byte {
	return binary.BigEndian.AppendUint64(append(dst[:0], 4), uint64(n))
}

// some are entities from one number to another.
func some(from, to int) (data []byte) {
	value, k := make([]byte, 100-9-12), []byte(nil)
	for n := from; n < to; n++ {
		k = key(k, n)
		data = entity.Append(data, &entity.Entity{Key: k, Value: value})
	}
	return data
}

// filled is a store in a folder with a million entities in bases, and deltas that change so many of them each.
func filled(b *testing.B, deltas, each int) (*Store, *Manifest) {
	b.Helper()
	s, err := Open(b.Context(), Folder(b.TempDir()), Options{})
	if err != nil {
		b.Fatal(err)
	}
	var m *Manifest
	for epoch := range deltas + 2 {
		d, err := s.Begin(1, uint64(epoch)+1, []string{"state"})
		if err != nil {
			b.Fatal(err)
		}
		from, to := epoch*each, (epoch+1)*each
		if epoch == 0 {
			from, to = 0, million
		}
		for at := from; at < to && epoch != 1; at += 1000 {
			if err := d.Add(some(at, min(to, at+1000))); err != nil {
				b.Fatal(err)
			}
			if err := d.Write(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		if m, err = d.Commit(b.Context(), About{}); err != nil {
			b.Fatal(err)
		}
		for folded := epoch == 0; folded; {
			if folded, err = s.Fold(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	return s, m
}

// BenchmarkEntities reads a million entities of 100 bytes, as recovery does.
func BenchmarkEntities(b *testing.B) {
	for _, deltas := range []int{0, 1, 8, 60} {
		b.Run(fmt.Sprint("deltas=", deltas), func(b *testing.B) {
			runtime.GOMAXPROCS(1)
			s, m := filled(b, deltas, 10_000)
			b.SetBytes(m.Bytes())
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for _, err := range s.Entities(b.Context(), m, 0, LastHash) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != million {
					b.Fatal(n)
				}
			}
		})
	}
}

// BenchmarkDelta adds and commits a hundred thousand changed entities of 100 bytes, as a checkpoint does.
func BenchmarkDelta(b *testing.B) {
	const changes = 100_000
	data := some(0, changes)
	s, err := Open(b.Context(), Folder(b.TempDir()), Options{})
	if err != nil {
		b.Fatal(err)
	}
	epoch := uint64(0)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		epoch++
		d, err := s.Begin(1, epoch, []string{"state"})
		if err != nil {
			b.Fatal(err)
		}
		for at := 0; at < len(data); at += 100_000 { // a thousand entities
			if err := d.Add(data[at : at+100_000]); err != nil {
				b.Fatal(err)
			}
			if err := d.Write(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := d.Commit(b.Context(), About{}); err != nil {
			b.Fatal(err)
		}
		s.Use(nil)
	}
}

// BenchmarkFold folds eight deltas of a hundred thousand entities each into bases of a million.
func BenchmarkFold(b *testing.B) {
	s, m := filled(b, 8, 100_000)
	b.SetBytes(m.Bytes())
	for b.Loop() {
		s.Use(m)
		folds := 0
		for folded := true; folded; folds++ {
			var err error
			if folded, err = s.Fold(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		if folds < 2 {
			b.Fatal("nothing is folded")
		}
	}
}
