// Command reverse reverses texts: a text comes in over TCP and goes out backwards.
//
//	reverse --in 127.0.0.1:7010 --out 127.0.0.1:7002
package main

import (
	"encoding/binary"
	"slices"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

func main() { wallaroo.Main(application()) }

func application() *wallaroo.App {
	app := wallaroo.New("Reverse Word")
	app.From("Reverse", tcp.Listen("", tcp.Frames(4, binary.BigEndian), decode)).
		Map("reverse", reverse).
		To("backwards", tcp.Dial("", tcp.Lines(), encode))
	return app
}

func decode(data []byte) (string, error) { return string(data), nil }

func reverse(text string) string {
	characters := []rune(text)
	slices.Reverse(characters)
	return string(characters)
}

func encode(text string, dst []byte) ([]byte, error) { return append(dst, text...), nil }
