package tcp

import (
	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/sockets"
)

// Dial is a sink that connects to a receiver at an address, HOST:PORT; "" takes the next of --out. encode appends what a message looks like
// to dst, which is empty and may have room, and returns the longer slice; the frame is put around it.
func Dial[T any](addr string, f Framing, encode func(message T, dst []byte) ([]byte, error)) wallaroo.Sink[T] {
	open := func(s connector.Setup) (connector.Sink, error) {
		to, err := address.Parse(s.Address)
		if err != nil {
			return nil, err
		}
		if f.resumable {
			return sockets.NewStager(s, to), nil
		}
		return sockets.NewSink(s, to), nil
	}
	return wallaroo.Sink[T]{
		Destination: connector.Destination{Kind: "tcp", Address: addr, Addressed: true, Wrong: f.mistake(), Open: open},
		Encode:      framed(f.framing, encode),
	}
}

// framed makes an encoder that puts a frame around what another writes; nil if that is.
func framed[T any](f framing.Framing, encode func(T, []byte) ([]byte, error)) func(T, []byte) ([]byte, error) {
	if encode == nil {
		return nil
	}
	return func(message T, dst []byte) ([]byte, error) {
		began := len(dst)
		begun := f.Begin(dst)
		encoded, err := encode(message, begun[len(begun):])
		if err != nil {
			return dst, err
		}
		return f.End(framing.Behind(begun, encoded), began)
	}
}
