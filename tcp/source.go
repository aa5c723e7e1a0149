package tcp

import (
	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/sockets"
)

// Listen is a source that takes connections at an address, HOST:PORT; "" takes the next of --in. Port 0 is a free one. decode makes a
// message of what stands in a frame, which is its to keep.
func Listen[T any](addr string, f Framing, decode func([]byte) (T, error)) wallaroo.Source[T] {
	open := func(s connector.Setup) (connector.Source, error) {
		at, err := address.Parse(s.Address)
		if err != nil {
			return nil, err
		}
		if f.resumable {
			return sockets.NewStreamSource(s, at), nil
		}
		return sockets.NewSource(s, at, f.framing), nil
	}
	return wallaroo.Source[T]{
		Origin: connector.Origin{Kind: "tcp", Address: addr, Addressed: true, Wrong: f.mistake(), Open: open}, Decode: decode,
	}
}
