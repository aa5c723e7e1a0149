// Command celsius converts temperatures: degrees Celsius come in over TCP, degrees Fahrenheit go out.
//
//	celsius --in 127.0.0.1:7010 --out 127.0.0.1:7002
package main

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

func main() { wallaroo.Main(application()) }

func application() *wallaroo.App {
	frames := tcp.Frames(4, binary.BigEndian)

	app := wallaroo.New("Celsius to Fahrenheit")
	app.From("Convert", tcp.Listen("", frames, decode)).
		Map("multiply by 1.8", multiply).
		Map("add 32", add).
		To("fahrenheit", tcp.Dial("", frames, encode))
	return app
}

func decode(data []byte) (float64, error) {
	if len(data) != 4 {
		return 0, fmt.Errorf("a temperature has 4 bytes, not %d", len(data))
	}
	return float64(math.Float32frombits(binary.BigEndian.Uint32(data))), nil
}

func multiply(degrees float64) float64 { return degrees * 1.8 }

func add(degrees float64) float64 { return degrees + 32 }

func encode(degrees float64, dst []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(degrees))), nil
}
