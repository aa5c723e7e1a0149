package codec_test

import (
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/codec"
)

type (
	cents   int64
	address struct{ Street string }
	node    struct {
		N    cents
		Next *node
		Of   []address
		Was  address
	}
	tree   []tree
	tagged struct {
		Kept   string `cbor:"was"`
		Other  int    `json:"other,omitempty"`
		Number bool   `cbor:"1,keyasint"`
		Left   func() `cbor:"-"`
		At     time.Time
		*address
		Pair struct{ A, B uint8 }
	}
	inOrder struct {
		_    struct{} `cbor:",toarray"`
		A, B int
	}
)

// TestTheShapeOfATypeIsWhatCBORSees has types that hold themselves, once and in lists, and tags that decide what is written.
func TestTheShapeOfATypeIsWhatCBORSees(t *testing.T) {
	const ofNode = "N int64; Next *codec_test.node; Of []codec_test.address; codec_test.address.Street string; Was codec_test.address"
	for want, got := range map[string]string{
		ofNode:  shapeOf(codec.CBOR[node]()),
		"int64": shapeOf(codec.CBOR[cents]()),
		"codec_test.tree; codec_test.tree = []codec_test.tree":            shapeOf(codec.CBOR[tree]()),
		"map[string]codec_test.address; codec_test.address.Street string": shapeOf(codec.CBOR[map[string]address]()),
		"*[2]codec_test.address; codec_test.address.Street string":        shapeOf(codec.CBOR[*[2]address]()),
		"A (1 of 3) int; B (2 of 3) int":                                  shapeOf(codec.CBOR[inOrder]()),
		"time.Time":                                                       shapeOf(codec.CBOR[time.Time]()),
		"was string; other int; 1 (keyasint) bool; At time.Time; " +
			"Street string; Pair struct; Pair.A uint8; Pair.B uint8": shapeOf(codec.CBOR[tagged]()),
	} {
		if got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
	if own, err := codec.For[point](); err != nil || shapeOf(own) != "none" {
		t.Errorf("a type with methods of its own: %s, %v", shapeOf(own), err)
	}
}

func shapeOf(c any) string {
	if shaped, is := c.(interface{ Shape() string }); is {
		return shaped.Shape()
	}
	return "none"
}
