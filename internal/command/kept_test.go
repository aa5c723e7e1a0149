package command_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/internal/command"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

// TestMain makes the binary of these tests wallaroo, too, and a program in Go that does as testdata/apps/kept.py does.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"wallaroo": func() { os.Exit(command.Wallaroo(os.Args[1:])) },
		"kept":     func() { wallaroo.Main(keptApplication(slices.Contains(wallaroo.Args(), "plain"))) },
	})
}

func keptApplication(plain bool) *wallaroo.App {
	in, out := tcp.Resumable(), tcp.Resumable()
	if plain {
		in, out = tcp.Frames(4, binary.BigEndian), tcp.Lines()
	}
	app := wallaroo.New("Kept")
	app.From("words", tcp.Listen("", in, func(data []byte) (string, error) { return string(data), nil })).
		FlatMap("split", strings.FieldsSeq).
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
