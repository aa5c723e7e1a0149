package message

import (
	"bytes"
	"math"
	"reflect"
	"testing"
)

func batch(ingest int64, payloads ...string) Batch {
	b := Batch{Ingest: ingest}
	for _, p := range payloads {
		b.Append([]byte(p))
	}
	return b
}

func payloads(b Batch) []string {
	list := []string{}
	for b.Count() > 0 {
		first := b.Take(1)
		list = append(list, string(first.Payload))
	}
	return list
}

func TestTake(t *testing.T) {
	b := batch(5, "a", "", "ccc", "dd")
	first := b.Take(3)
	if first.Ingest != 5 || !reflect.DeepEqual(payloads(first), []string{"a", "", "ccc"}) {
		t.Errorf("Take(3) = %+v", first)
	}
	if !reflect.DeepEqual(payloads(b), []string{"dd"}) {
		t.Errorf("rest = %+v", b)
	}
}

func TestTakeDoesNotLetWritesReachTheRest(t *testing.T) {
	b := batch(0, "a", "b")
	first := b.Take(1)
	first.Append([]byte("x"))
	if got := payloads(b); got[0] != "b" {
		t.Errorf("the rest became %q", got)
	}
}

func TestJoin(t *testing.T) {
	joined := Join([]Batch{batch(7, "a"), batch(3, "b", ""), batch(math.MaxInt64, "c")})
	if joined.Ingest != 3 || !reflect.DeepEqual(payloads(joined), []string{"a", "b", "", "c"}) {
		t.Errorf("Join = %+v", joined)
	}
}

func packed(pieces ...Piece) Batch {
	b := Batch{Ingest: 1}
	for n, p := range pieces {
		b.Pack(p.Messages, bytes.Repeat([]byte{byte('a' + n)}, p.Bytes))
	}
	return b
}

func TestTakeKeepsPiecesWhole(t *testing.T) {
	for _, c := range []struct {
		limit int
		taken []Piece
		bytes string
	}{
		{0, []Piece{{3, 2}}, "aa"}, // one at least
		{3, []Piece{{3, 2}}, "aa"},
		{4, []Piece{{3, 2}, {1, 0}}, "aa"},
		{8, []Piece{{3, 2}, {1, 0}}, "aa"},
		{9, []Piece{{3, 2}, {1, 0}, {5, 1}}, "aac"},
		{100, []Piece{{3, 2}, {1, 0}, {5, 1}}, "aac"},
	} {
		b := packed(Piece{3, 2}, Piece{1, 0}, Piece{5, 1})
		first := b.Take(c.limit)
		if !reflect.DeepEqual(first.Pieces, c.taken) || string(first.Payload) != c.bytes || first.Count()+b.Count() != 9 {
			t.Errorf("Take(%d) = %+v, rest %+v", c.limit, first, b)
		}
		if int(b.Position) != first.Count() {
			t.Errorf("the rest begins at %d", b.Position)
		}
	}
}

func TestJoinKeepsPieces(t *testing.T) {
	joined := Join([]Batch{packed(Piece{3, 2}), packed(Piece{1, 0}, Piece{5, 1})})
	want := []Piece{{3, 2}, {1, 0}, {5, 1}}
	if joined.Count() != 9 || !reflect.DeepEqual(joined.Pieces, want) || string(joined.Payload) != "aab" {
		t.Errorf("Join = %+v", joined)
	}
}
