// Command key_state counts messages for each key in a state of 100 bytes: what is measured while state is saved and restored.
//
// A message is a key, as text. What comes out for it is "PROCESS KEY => COUNT", so that whoever reads it sees that no count was lost, and
// when another process goes on.
//
//	key_state --in 127.0.0.1:7010 --out 127.0.0.1:7002 --data-dir data
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

func main() { wallaroo.Main(application()) }

func application() *wallaroo.App {
	app := wallaroo.New("Key State")
	app.From("keys", tcp.Listen("", tcp.Frames(4, binary.BigEndian), decode)).
		KeyBy(itself).
		StatefulMap("count", (*Total).Count).
		To("counts", tcp.Dial("", tcp.Lines(), encode))
	return app
}

// stateBytes is how long a state is when it is saved.
const stateBytes = 100

// Total is how many messages of a key have come.
type Total struct {
	Messages uint64
	Rest     [stateBytes - 8]byte
}

// Counted says that a key has come for the n-th time.
type Counted struct {
	Key      string
	Messages uint64
}

// Count counts a message.
func (t *Total) Count(key string) Counted {
	t.Messages++
	return Counted{key, t.Messages}
}

// AppendBinary appends the bytes that are saved.
func (t *Total) AppendBinary(dst []byte) ([]byte, error) {
	return append(binary.LittleEndian.AppendUint64(dst, t.Messages), t.Rest[:]...), nil
}

// UnmarshalBinary reads what AppendBinary has appended.
func (t *Total) UnmarshalBinary(data []byte) error {
	if len(data) != stateBytes {
		return fmt.Errorf("a state has %d bytes, not %d", stateBytes, len(data))
	}
	t.Messages = binary.LittleEndian.Uint64(data)
	copy(t.Rest[:], data[8:])
	return nil
}

func decode(data []byte) (string, error) { return string(data), nil }

func itself(key string) string { return key }

var process = os.Getpid()

func encode(c Counted, dst []byte) ([]byte, error) {
	dst = strconv.AppendInt(dst, int64(process), 10)
	dst = append(append(append(dst, ' '), c.Key...), " => "...)
	return strconv.AppendUint(dst, c.Messages, 10), nil
}
