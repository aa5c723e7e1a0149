package wallaroo_test

import (
	"encoding/binary"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

func decodeText(data []byte) (string, error) { return string(data), nil }

func encodeText(message string, dst []byte) ([]byte, error) { return append(dst, message...), nil }

func same(text string) string { return text }

func length(text string) int { return len(text) }

// letterCount is a state that counts.
type letterCount struct{ N int }

func (t *letterCount) add(string) int {
	t.N++
	return t.N
}

var (
	textsIn  = tcp.Listen("127.0.0.1:0", tcp.Lines(), decodeText)
	textsOut = tcp.Dial("127.0.0.1:9", tcp.Lines(), encodeText)
)

func texts(app *wallaroo.App) wallaroo.Stream[string] { return app.From("Texts", textsIn) }

// mistake is an application that is put together wrongly, and all that is told of it.
type mistake struct {
	build func(*wallaroo.App)
	c     wallaroo.Config
	want  []string
}

func told(t *testing.T, mistakes map[string]mistake) {
	t.Helper()
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := wallaroo.New("Mistaken")
			m.build(app)
			want := "application \"Mistaken\" cannot run:\n  " + strings.Join(m.want, "\n  ")
			if err := app.Run(t.Context(), m.c); err == nil || err.Error() != want {
				t.Errorf("Run tells\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestMistakesInNames(t *testing.T) {
	t.Parallel()
	told(t, map[string]mistake{
		"no pipeline": {func(*wallaroo.App) {}, wallaroo.Config{}, []string{"it has no pipeline: begin one by From"}},
		"pipelines without a name, and of one name": {func(a *wallaroo.App) {
			a.From("", textsIn).To("out", textsOut)
			texts(a).To("out", textsOut)
			texts(a).To("other", textsOut)
		}, wallaroo.Config{}, []string{"a pipeline has no name", `pipeline "Texts": another pipeline has that name`}},
		"names that do not print": {func(a *wallaroo.App) {
			a.From("a\nb", textsIn).Map("\xff", same).To("out\t", textsOut)
		}, wallaroo.Config{}, []string{
			`a pipeline is called "a\nb": a name has characters that print`,
			`pipeline "a\nb": a computation is called "\xff": a name has characters that print`,
			`pipeline "a\nb": a sink is called "out\t": a name has characters that print`,
		}},
		"steps of one name, and without": {func(a *wallaroo.App) {
			s := texts(a).Map("same", same).Map("same", same).Filter("", func(string) bool { return true }).Map("", same)
			s.Map("source", same).To("same", textsOut)
		}, wallaroo.Config{}, []string{
			"Texts/same: another step of the pipeline has that name",
			`pipeline "Texts": a computation has no name`,
			`pipeline "Texts": a computation has no name`,
			"Texts/source: the source of the pipeline is called so",
			"Texts/same: another step of the pipeline has that name",
		}},
	})
}

func TestMistakesInFunctions(t *testing.T) {
	t.Parallel()
	var (
		noMap       func(string) string
		noTry       func(string) (string, error)
		noFlatMap   func(string) iter.Seq[string]
		noFilter    func(string) bool
		noState     func(*letterCount, string) string
		noFlatState func(*letterCount, string) iter.Seq[string]
		noKey       func(string) string
		noDecoder   func([]byte) (string, error)
		noEncoder   func(string, []byte) ([]byte, error)
		noInitial   func(string) letterCount
	)
	told(t, map[string]mistake{
		"nil": {func(a *wallaroo.App) {
			s := a.From("Texts", tcp.Listen("127.0.0.1:0", tcp.Lines(), noDecoder))
			s = s.Map("map", noMap).TryMap("try", noTry).FlatMap("flat", noFlatMap).Filter("filter", noFilter)
			s = s.KeyBy(same).StatefulMap("state", noState).KeyBy(same).StatefulFlatMap("flat state", noFlatState)
			s.KeyBy(noKey).StatefulMap("key", (*letterCount).add).Done()
			s.KeyBy(same).StatefulMap("initial", (*letterCount).add, wallaroo.Initial(noInitial)).Done()
			s.To("out", tcp.Dial("127.0.0.1:9", tcp.Lines(), noEncoder))
		}, wallaroo.Config{}, []string{
			"Texts/source: its decoder is nil",
			"Texts/map: its function is nil",
			"Texts/try: its function is nil",
			"Texts/flat: its function is nil",
			"Texts/filter: its function is nil",
			"Texts/state: its function is nil",
			"Texts/flat state: its function is nil",
			"Texts/key: the function of KeyBy is nil",
			"Texts/initial: the function of Initial is nil",
			"Texts/out: its encoder is nil",
		}},
		"options of other steps": {func(a *wallaroo.App) {
			s := texts(a).Map("map", same, wallaroo.State("words"))
			s = s.Filter("filter", func(string) bool { return true }, wallaroo.Initial(func(string) letterCount { return letterCount{} }))
			s.KeyBy(same).StatefulMap("count", (*letterCount).add, wallaroo.Parallel()).Done()
		}, wallaroo.Config{}, []string{
			"Texts/map: State, Initial and Atomic are for steps with state",
			"Texts/filter: State, Initial and Atomic are for steps with state",
			"Texts/count: Parallel is for steps without state: the key says where this one runs",
		}},
		"Initial of other types": {func(a *wallaroo.App) {
			s := texts(a).KeyBy(same)
			s.StatefulMap("entity", (*letterCount).add, wallaroo.Initial(func(string) int { return 1 })).Done()
			s.StatefulMap("key", (*letterCount).add, wallaroo.Initial(func(int) letterCount { return letterCount{} })).Done()
		}, wallaroo.Config{}, []string{
			"Texts/entity: Initial has a func(string) int; the keys and entities of the state ask for a func(string) wallaroo_test.letterCount",
			"Texts/key: Initial has a func(int) wallaroo_test.letterCount; the keys and entities of the state ask for a " +
				"func(string) wallaroo_test.letterCount",
		}},
	})
}

func TestMistakesInKeysAndStates(t *testing.T) {
	t.Parallel()
	type hidden struct{ n int }
	told(t, map[string]mistake{
		"keys": {func(a *wallaroo.App) {
			s := texts(a)
			s.KeyBy(func(string) float64 { return 1 }).StatefulMap("float", (*letterCount).add).Done()
			s.KeyBy(func(string) *letterCount { return nil }).StatefulMap("pointer", (*letterCount).add).Done()
			s.KeyBy(func(string) hidden { return hidden{1} }).StatefulMap("hidden", (*letterCount).add).Done()
		}, wallaroo.Config{}, []string{
			"Texts/float key: a key cannot be of type float64: use text, an integer, a bool, an array of bytes, or a struct of these",
			"Texts/pointer key: a key cannot be of type *wallaroo_test.letterCount: use text, an integer, a bool, an array of bytes, or a struct " +
				"of these",
			"Texts/hidden key: wallaroo_test.hidden has the field n, which is not exported",
		}},
		"messages and states that cannot travel": {func(a *wallaroo.App) {
			s := texts(a).Map("hide", func(string) hidden { return hidden{1} })
			s.KeyBy(func(h hidden) int { return h.n }).StatefulMap("count", func(_ *chan int, h hidden) int { return h.n }).Done()
		}, wallaroo.Config{}, []string{
			"Texts/count: its messages must have bytes, to go to another machine and to be kept as dead letters: give Texts/hide an Encoding, " +
				"or the type AppendBinary and UnmarshalBinary: wallaroo_test.hidden.n is not exported, and would be lost: " +
				"export it, tag it `cbor:\"-\"` if it may be, or give the type AppendBinary and UnmarshalBinary",
			`Texts/count: state "Texts/count" cannot move or be saved: chan int is a chan, which has no bytes`,
		}},
		"uses of a state that disagree": {func(a *wallaroo.App) {
			s := texts(a)
			initial := wallaroo.Initial(func(string) letterCount { return letterCount{1} })
			s.KeyBy(same).StatefulMap("first", (*letterCount).add, wallaroo.State("words")).Done()
			s.KeyBy(length).StatefulMap("key", (*letterCount).add, wallaroo.State("words")).Done()
			s.KeyBy(same).StatefulMap("initial", (*letterCount).add, wallaroo.State("words"), initial).Done()
		}, wallaroo.Config{}, []string{
			`Texts/key: state "words" has keys of type int and entities of type wallaroo_test.letterCount, and at Texts/first keys of type string ` +
				`and entities of type wallaroo_test.letterCount`,
			`Texts/initial: Initial for state "words" is said at the first step that has it, Texts/first`,
		}},
	})
}

func TestMistakesInStreams(t *testing.T) {
	t.Parallel()
	told(t, map[string]mistake{
		"another application's stream": {func(a *wallaroo.App) {
			texts(a).Merge(texts(wallaroo.New("other"))).To("out", textsOut)
		}, wallaroo.Config{}, []string{`pipeline "Texts": a stream of another application is merged into it`}},
		"streams that nobody takes": {func(a *wallaroo.App) {
			s := texts(a)
			s.Map("same", same)
			s.KeyBy(same).StatefulMap("count", (*letterCount).add)
			a.From("Others", textsIn)
			a.From("Keys", textsIn).KeyBy(same)
		}, wallaroo.Config{}, []string{
			"Texts/same: nobody takes what it gives: add a step or a sink, or Done if it is for nobody",
			"Texts/count: nobody takes what it gives: add a step or a sink, or Done if it is for nobody",
			"Others/source: nobody takes what it gives: add a step or a sink, or Done if it is for nobody",
			"Keys/source: nobody takes what it gives: add a step or a sink, or Done if it is for nobody",
		}},
		"no connectors": {func(a *wallaroo.App) {
			a.From("Texts", wallaroo.Source[string]{}).To("out", wallaroo.Sink[string]{})
		}, wallaroo.Config{}, []string{
			"Texts/source: it is no source: use a connector's, as tcp.Listen",
			"Texts/out: it is no sink: use a connector's, as tcp.Dial",
		}},
		"framings": {func(a *wallaroo.App) {
			s := a.From("Texts", tcp.Listen("127.0.0.1:0", tcp.Frames(9, binary.BigEndian), decodeText))
			s.To("native", tcp.Dial("127.0.0.1:9", tcp.Frames(4, binary.NativeEndian), encodeText))
			s.To("none", tcp.Dial("127.0.0.1:9", tcp.Framing{}, encodeText))
		}, wallaroo.Config{}, []string{
			"Texts/source: tcp.Frames: a length of 9 bytes: want 1 to 8",
			"Texts/native: tcp.Frames: the order of bytes is NativeEndian: use binary.BigEndian or binary.LittleEndian",
			"Texts/none: it has no framing: use tcp.Frames, tcp.Lines, tcp.Raw or tcp.Resumable",
		}},
		"a connector's own": {func(a *wallaroo.App) {
			source := textsIn
			source.Origin.Wrong = errors.New("the file has no name")
			a.From("Texts", source).To("out", textsOut)
		}, wallaroo.Config{}, []string{"Texts/source: the file has no name"}},
	})
}

func TestMistakesInAddressesAndConfig(t *testing.T) {
	t.Parallel()
	listen, dial := tcp.Listen("", tcp.Lines(), decodeText), tcp.Dial("", tcp.Lines(), encodeText)
	fine := func(a *wallaroo.App) { texts(a).To("out", textsOut) }
	told(t, map[string]mistake{
		"too few addresses": {func(a *wallaroo.App) {
			s := a.From("Texts", listen)
			s.To("out", dial)
			s.To("more", dial)
		}, wallaroo.Config{Out: []string{"127.0.0.1:9"}}, []string{
			"Texts/source: it takes address 1 of Config.In, which has 0: give one more there, or one to the step",
			"Texts/more: it takes address 2 of Config.Out, which has 1: give one more there, or one to the step",
		}},
		"too many addresses": {fine, wallaroo.Config{In: []string{"127.0.0.1:0"}, Out: []string{"127.0.0.1:9", "127.0.0.1:9"}}, []string{
			"Config.In: addresses given 1, taken 0: there is no source without one for the rest",
			"Config.Out: addresses given 2, taken 0: there is no sink without one for the rest",
		}},
		"one address of two sources": {func(a *wallaroo.App) {
			a.From("One", listen).To("out", textsOut)
			a.From("Two", tcp.Listen("127.0.0.1:7010", tcp.Lines(), decodeText)).To("out", textsOut)
		}, wallaroo.Config{In: []string{":7010"}}, []string{
			`pipelines "One" and "Two" both listen at 127.0.0.1:7010: give each source an address of its own`,
		}},
		"what is no address": {func(a *wallaroo.App) {
			a.From("Texts", listen).To("out", tcp.Dial("127.0.0.1:http", tcp.Lines(), encodeText))
		}, wallaroo.Config{In: []string{"7010"}, HTTP: "here"}, []string{
			`Texts/source: "7010" is not an address: want HOST:PORT or [IPV6]:PORT, as in 127.0.0.1:7010`,
			`Texts/out: "http" is not a port: want a number from 0 to 65535`,
			`Config.HTTP: "here" is not an address: want HOST:PORT or [IPV6]:PORT, as in 127.0.0.1:7010`,
		}},
		"numbers": {fine, wallaroo.Config{
			Executors: 9, Partitions: 7, MaxMessage: -1, MaxConnections: -1, SinkBuffer: -1, MoveBuffer: -1, MaxResults: -1, MaxOutput: -1,
			MaxInFlight: -1, DrainTimeout: -1,
		}, []string{
			"Config.MaxMessage is below 0", "Config.MaxConnections is below 0", "Config.SinkBuffer is below 0",
			"Config.MoveBuffer is below 0", "Config.MaxResults is below 0", "Config.MaxOutput is below 0",
			"Config.MaxInFlight is below 0", "Config.DrainTimeout is below 0",
			"Config.Partitions: 7 is not a power of two from 1 to 65536",
			"Config.Executors: 9: want 1 to the number of partitions, 7",
		}},
	})
}

func TestAnApplicationWithoutANameIsAMistake(t *testing.T) {
	t.Parallel()
	app := wallaroo.New("")
	texts(app).To("out", textsOut)
	err := app.Run(t.Context(), wallaroo.Config{})
	if want := "application \"\" cannot run:\n  the application has no name"; err == nil || err.Error() != want {
		t.Errorf("Run tells\n%v\nwant\n%s", err, want)
	}
}
