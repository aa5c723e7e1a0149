package message

import (
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
