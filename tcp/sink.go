package tcp

import (
	"errors"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/sockets"
)

// Dial is a sink that connects to a receiver at an address, HOST:PORT; "" takes the next of --out. encode appends what a message looks like
// to dst and returns the longer slice; the frame is put around it.
func Dial[T any](addr string, f Framing, encode func(message T, dst []byte) ([]byte, error)) wallaroo.Sink[T] {
	open := func(s connector.Setup) (connector.Sink, error) {
		to, err := address.Parse(s.Address)
		if err != nil {
			return nil, err
		}
		return sockets.NewSink(s, to), nil
	}
	wrong := f.mistake()
	if encode == nil {
		wrong = errors.Join(wrong, errors.New("it has no encoder"))
	}
	return wallaroo.Sink[T]{
		Destination: connector.Destination{Kind: "tcp", Address: addr, Addressed: true, Wrong: wrong, Open: open},
		Encode: func(message T, dst []byte) ([]byte, error) {
			began := len(dst)
			framed, err := encode(message, f.framing.Begin(dst))
			if err != nil {
				return dst, err
			}
			return f.framing.End(framed, began)
		},
	}
}
