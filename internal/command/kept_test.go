package command_test

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/internal/command"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

// The binary of these tests is a program in Go, too, that does as testdata/apps/kept.py does.
func init() {
	command.Programs["kept"] = func() { wallaroo.Main(keptApplication(slices.Contains(wallaroo.Args(), "plain"))) }
}

func keptApplication(plain bool) *wallaroo.App {
	in, out := tcp.Resumable(), tcp.Resumable()
	if plain {
		in, out = tcp.Frames(4, binary.BigEndian), tcp.Lines()
	}
	app := wallaroo.New("Kept")
	app.From("words", tcp.Listen("", in, func(data []byte) (string, error) { return string(data), nil })).
		FlatMap("split", func(line string) iter.Seq[string] { return strings.FieldsSeq(line) }).
		KeyBy(func(word string) string { return word[:strings.IndexByte(word, '=')] }).
		StatefulMap("add", (*total).add).
		To("totals", tcp.Dial("", out, func(text string, dst []byte) ([]byte, error) { return append(dst, text...), nil }))
	return app
}

// total is what has come of a key.
type total struct{ Count, Sum int }

func (t *total) add(word string) string {
	key, text, _ := strings.Cut(word, "=")
	number, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	t.Count++
	t.Sum += number
	return fmt.Sprint(key, " ", t.Count, " ", t.Sum)
}
