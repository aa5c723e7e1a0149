package codec_test

import (
	"fmt"
	"net/netip"

	"github.com/wallaroo-stream/wallaroo/codec"
)

// show makes bytes of a value, and a value of these, and prints both.
func show[T any](c codec.Codec[T], value T) {
	data, err := c.Append(nil, value)
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := c.Decode(data)
	fmt.Printf("%x %+v %v\n", data, again, err)
}

// A type that would come back as something else is refused, with the way to what is wrong in it.
func ExampleFor() {
	type Payment struct {
		To     string
		Amount int
	}
	payments, err := codec.For[Payment]()
	if err != nil {
		fmt.Println(err)
		return
	}
	show(payments, Payment{"ann", 5})

	type Waiting struct {
		Payments []Payment
		Done     chan bool
	}
	_, err = codec.For[Waiting]()
	fmt.Println(err)
	// Output:
	// a262546f63616e6e66416d6f756e7405 {To:ann Amount:5} <nil>
	// codec_test.Waiting.Done is a chan, which has no bytes
}

// A map has the same bytes, whatever order it is in.
func ExampleCBOR() {
	show(codec.CBOR[map[string]int](), map[string]int{"hat": 1, "cat": 2})
	// Output:
	// a263636174026368617401 map[cat:2 hat:1] <nil>
}

// An address makes its bytes itself: For leaves them as they are, Item has them as a byte string of CBOR.
func ExampleItem() {
	address := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	plain, err := codec.For[netip.Addr]()
	if err != nil {
		fmt.Println(err)
		return
	}
	show(plain, address)
	show(codec.Item(plain), address)
	// Output:
	// 7f000001 127.0.0.1 <nil>
	// 447f000001 127.0.0.1 <nil>
}
