package pyhost

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// golden is a frame of docs/format/python-protocol.golden.json, which the tests of the Python package read too.
type golden struct {
	Name     string
	Hex      string
	Kind     kind
	Body     string
	Call     uint32
	Target   int
	Payloads []string
	Ingest   int64
	Executor int
	Packed   string
	Count    int
	Index    int
	Failure  struct{ Step, Error, Traceback, Key string }
}

func goldens(tb testing.TB) map[string]golden {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "python-protocol.golden.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var list []golden
	if err := json.Unmarshal(data, &list); err != nil {
		tb.Fatal(err)
	}
	byName := map[string]golden{}
	for _, g := range list {
		byName[g.Name] = g
	}
	return byName
}

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func (g *golden) batch(tb testing.TB) message.Batch {
	tb.Helper()
	if g.Count > 0 {
		return message.Batch{Packed: g.Count, Payload: unhex(tb, g.Packed), Ingest: g.Ingest}
	}
	b := message.Batch{Sizes: []uint32{}, Payload: []byte{}, Ingest: g.Ingest}
	for _, p := range g.Payloads {
		b.Append(unhex(tb, p))
	}
	return b
}

func TestCommandsAreAsDrawn(t *testing.T) {
	g := goldens(t)
	start, err := appendJSON(nil, kindStart, struct{}{})
	if want := g["start"]; err != nil || hex.EncodeToString(start) != want.Hex {
		t.Errorf("START = %x, %v; want %s", start, err, want.Hex)
	}
	for _, name := range []string{"batch", "packed batch", "output", "empty output"} {
		want := g[name]
		b := want.batch(t)
		if got := appendBatch(nil, want.Kind, want.Call, want.Target, &b); hex.EncodeToString(got) != want.Hex {
			t.Errorf("%s = %x; want %s", name, got, want.Hex)
		}
	}
}

func TestAnswersAreAsDrawn(t *testing.T) {
	for name, want := range goldens(t) {
		k, body, err := readFrame(bufio.NewReader(bytes.NewReader(unhex(t, want.Hex))))
		if err != nil || k != want.Kind {
			t.Fatalf("%s: kind %d, %v; want %d", name, k, err, want.Kind)
		}
		switch k {
		case kindBatch, kindOutput:
			call, target, b, err := parseBatch(body)
			if err != nil || call != want.Call || target != want.Target || !reflect.DeepEqual(b, want.batch(t)) {
				t.Errorf("%s: call %d, target %d, %+v, %v", name, call, target, b, err)
			}
		case kindExchange:
			call, to, b, err := parseExchange(body)
			if err != nil || call != want.Call || to != (worker.Target{Stage: want.Target, Executor: want.Executor}) {
				t.Errorf("%s: call %d, to %+v, %v", name, call, to, err)
			}
			if !reflect.DeepEqual(b, want.batch(t)) {
				t.Errorf("%s: %+v", name, b)
			}
		case kindFailure:
			call, f, err := parseFailure(body)
			w := want.Failure
			expected := worker.Failure{Index: want.Index, Step: w.Step, Error: w.Error, Traceback: w.Traceback, Key: w.Key}
			if err != nil || call != want.Call || f != expected {
				t.Errorf("%s: call %d, %+v, %v", name, call, f, err)
			}
		case kindDone:
			if call, err := parseDone(body); err != nil || call != want.Call {
				t.Errorf("%s: call %d, %v", name, call, err)
			}
		default:
			if string(body) != want.Body {
				t.Errorf("%s: body %q; want %q", name, body, want.Body)
			}
		}
	}
}

// FuzzFrames reads whatever comes: it must end in a value that holds together or in an error.
func FuzzFrames(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(unhex(f, g.Hex))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 && (data[3] != 0 || data[2] > 16) {
			return // a frame that promises much is only memory
		}
		k, body, err := readFrame(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		switch k {
		case kindBatch, kindOutput:
			_, target, b, err := parseBatch(body)
			if err != nil {
				return
			}
			total := 0
			for _, size := range b.Sizes {
				total += int(size)
			}
			if b.Packed == 0 && total != len(b.Payload) {
				t.Fatalf("sizes of %d bytes for a payload of %d", total, len(b.Payload))
			}
			again, _, same, err := parseBatch(appendBatch(nil, k, 7, target, &b)[5:])
			equal := reflect.DeepEqual(same.Sizes, b.Sizes) && bytes.Equal(same.Payload, b.Payload) && same.Ingest == b.Ingest
			if err != nil || again != 7 || !equal {
				t.Fatalf("%+v came back as %+v, %v", b, same, err)
			}
		case kindExchange:
			_, _, _, _ = parseExchange(body)
		case kindFailure:
			_, _, _ = parseFailure(body)
		case kindDone:
			_, _ = parseDone(body)
		}
	})
}
