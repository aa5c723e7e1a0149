package wallaroo_test

import (
	"encoding/binary"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

func decodeText(data []byte) (string, error) { return string(data), nil }

func encodeText(message string, dst []byte) ([]byte, error) { return append(dst, message...), nil }

func texts(app *wallaroo.App) wallaroo.Stream[string] {
	return app.From("Texts", tcp.Listen("127.0.0.1:0", tcp.Frames(4, binary.BigEndian), decodeText))
}

// hiding is a state that would lose what it holds.
type hiding struct{ n int }

func (h *hiding) count(text string) string {
	h.n++
	return text
}

func same(text string) string { return text }

// TestMistakes puts applications together wrongly, and compares all that Run tells.
func TestMistakes(t *testing.T) {
	t.Parallel()
	var noMap func(string) string
	for name, test := range map[string]struct {
		build func(*wallaroo.App)
		c     wallaroo.Config
		want  string
	}{
		"nil function": {
			build: func(a *wallaroo.App) {
				texts(a).Map("same", noMap).To("out", tcp.Dial("127.0.0.1:9", tcp.Lines(), encodeText))
			},
			want: "Texts/same: it has no function",
		},
		"two steps of a name, and one of none": {build: func(a *wallaroo.App) {
			texts(a).Map("same", same).Map("same", same).Map("", same).To("out", tcp.Dial("127.0.0.1:9", tcp.Lines(), encodeText))
		}, want: "Texts/same: another step of the pipeline has that name\npipeline \"Texts\": a computation has no name"},
		"another application's stream": {build: func(a *wallaroo.App) {
			texts(a).Merge(texts(wallaroo.New("other"))).To("out", tcp.Dial("127.0.0.1:9", tcp.Lines(), encodeText))
		}, want: "pipeline \"Texts\": a stream of another application is merged into it"},
		"addresses missing": {
			build: func(a *wallaroo.App) { texts(a).To("out", tcp.Dial("", tcp.Lines(), encodeText)) },
			want:  "Texts/out: it takes address 1 of --out, which has 0: give it more, or the step an address",
		},
		"addresses too many": {
			build: func(a *wallaroo.App) { texts(a).To("out", tcp.Dial("127.0.0.1:9", tcp.Lines(), encodeText)) },
			c:     wallaroo.Config{In: []string{"127.0.0.1:0"}}, want: "--in has more addresses than the application takes: 1, and 0",
		},
		"keys, states and framings": {build: func(a *wallaroo.App) {
			a.From("Raw", tcp.Listen("127.0.0.1:0", tcp.Frames(9, binary.BigEndian), decodeText)).
				KeyBy(func(string) float64 { return 0 }).
				StatefulMap("hide", (*hiding).count, wallaroo.Initial(func(string) int { return 0 }), wallaroo.Parallel()).
				To("out", tcp.Dial("127.0.0.1:9", tcp.Framing{}, encodeText))
		}, want: "Raw/source: a length of 9 bytes: want 1 to 8\n" +
			"Raw/hide key: a key cannot be of type float64: use text, an integer, a bool, an array of bytes, or a struct of these\n" +
			"Raw/hide: Parallel is for steps without state: the key says where this one runs\n" +
			"Raw/hide: state \"Raw/hide\" cannot move or be saved: wallaroo_test.hiding.n is not exported, and would be lost: export it, " +
			"tag it `cbor:\"-\"` if it may be, or give the type AppendBinary and UnmarshalBinary\n" +
			"Raw/hide: Initial is a func(string) int; this state takes a func(float64) wallaroo_test.hiding\n" +
			"Raw/out: it has no framing: use tcp.Frames, tcp.Lines or tcp.Raw"},
		"no pipeline": {build: func(*wallaroo.App) {}, want: "application \"Mistaken\" has no pipeline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := wallaroo.New("Mistaken")
			test.build(app)
			if err := app.Run(t.Context(), test.c); err == nil || err.Error() != test.want {
				t.Errorf("Run tells\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}
