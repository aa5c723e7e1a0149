// Command alphabet counts votes for letters: a letter and its new votes come in over TCP, the letter and all its votes so far go out.
//
//	alphabet --in 127.0.0.1:7010 --out 127.0.0.1:7002
package main

import (
	"encoding/binary"
	"fmt"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

func main() { wallaroo.Main(application()) }

func application() *wallaroo.App {
	frames := tcp.Frames(4, binary.BigEndian)

	app := wallaroo.New("Alphabet")
	app.From("Count Votes", tcp.Listen("", frames, decode)).
		KeyBy(letter).
		StatefulMap("add votes", (*AllVotes).Add).
		To("votes", tcp.Dial("", frames, encode))
	return app
}

// Votes are votes for a letter.
type Votes struct {
	Letter byte
	Votes  uint64
}

// AllVotes is the state of a letter: all its votes so far.
type AllVotes uint64

// Add adds votes.
func (a *AllVotes) Add(v Votes) Votes {
	*a += AllVotes(v.Votes)
	return Votes{v.Letter, uint64(*a)}
}

func letter(v Votes) byte { return v.Letter }

func decode(data []byte) (Votes, error) {
	if len(data) != 5 {
		return Votes{}, fmt.Errorf("a vote has 5 bytes, not %d", len(data))
	}
	return Votes{data[0], uint64(binary.BigEndian.Uint32(data[1:]))}, nil
}

func encode(v Votes, dst []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(append(dst, v.Letter), v.Votes), nil
}
