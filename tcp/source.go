package tcp

import (
	"fmt"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/sockets"
)

// Listen is a source that takes connections at an address, HOST:PORT; "" takes the next of --in. Port 0 is a free one. decode makes a
// message of what stands in a frame, which is its to keep.
func Listen[T any](addr string, f Framing, decode func([]byte) (T, error)) wallaroo.Source[T] {
	open := func(s connector.Setup) (connector.Source, error) {
		at, err := check(s.Address, f)
		if err != nil {
			return nil, err
		}
		return sockets.NewSource(s, at, f.framing), nil
	}
	return wallaroo.Source[T]{
		Origin: connector.Origin{Kind: "tcp", Address: addr, Addressed: true, Open: open}, Decode: decode,
	}
}

// check reads the address of a connector that is opened.
func check(addr string, f Framing) (address.Address, error) {
	if f.wrong != nil {
		return address.Address{}, f.wrong
	}
	if f.framing == nil {
		return address.Address{}, fmt.Errorf("it has no framing: use tcp.Frames, tcp.Lines or tcp.Raw")
	}
	return address.Parse(addr)
}
