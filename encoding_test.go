package wallaroo_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// sealed is text that CBOR cannot see.
type sealed struct{ text string }

// bySeal makes bytes of it.
type bySeal struct{ fails string }

func (c bySeal) Append(dst []byte, s sealed) ([]byte, error) {
	if s.text == c.fails {
		return dst, errors.New("it does not encode")
	}
	return append(append(dst, "sealed "...), s.text...), nil
}

func (bySeal) Decode(data []byte) (sealed, error) {
	return sealed{strings.TrimPrefix(string(data), "sealed ")}, nil
}

func seal(text string) sealed { return sealed{text} }

func unseal(s sealed) string { return s.text }

// TestAnEncodingStandsForThatOfItsType has messages and state go by bytes that only their own codec can make.
func TestAnEncodingStandsForThatOfItsType(t *testing.T) {
	t.Parallel()
	app := wallaroo.New("Sealed")
	texts(app).Map("seal", seal, wallaroo.Encoding(bySeal{})).
		KeyBy(unseal).
		StatefulMap("last", func(last *sealed, s sealed) string {
			before := last.text
			last.text += s.text
			if s.text == "b" && before != "" {
				panic("not twice")
			}
			return before + s.text
		}, wallaroo.Encoding(bySeal{}), wallaroo.Atomic()).
		To("out", textsOut)
	inputs := wallarootest.Inputs("a", "a", "b", "b", "a")
	result, err := wallarootest.Rehearse(app, inputs, wallarootest.Failures(), wallarootest.Executors(2), wallarootest.Seed(1))
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Text(); got != "a\naa\nb\naaa\n" || len(result.Failures) != 1 {
		t.Errorf("%q, failures %v", got, result.Failures)
	}
}

// TestAnEncodingStaysBehindFilter has the messages that filters let through go by the codec of what comes to them, which one of two merged
// streams has, or by their own.
func TestAnEncodingStaysBehindFilter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		own  []wallaroo.Option
		want string
		at   string // the step that cannot encode "b"
	}{
		"of the stream": {want: "1\n1\n"},
		"of its own":    {own: []wallaroo.Option{wallaroo.Encoding(bySeal{fails: "b"})}, want: "1\n", at: "Texts/some"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := wallaroo.New("Sealed")
			s := texts(app)
			s.Filter("none", func(string) bool { return false }).Map("not encoded", seal).
				Merge(s.Map("seal", seal, wallaroo.Encoding(bySeal{}))).
				Filter("some", isSealed, c.own...).Filter("again", isSealed).
				KeyBy(unseal).StatefulMap("count", (*letterCount).addSealed).Map("text", strconv.Itoa).To("out", textsOut)
			result, err := wallarootest.Rehearse(app, wallarootest.Inputs("a", "b"), wallarootest.Failures(), wallarootest.Seed(1))
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Text(); got != c.want {
				t.Errorf("%q, failures %v", got, result.Failures)
			}
			if c.at != "" && (len(result.Failures) != 1 || result.Failures[0].Step != c.at) || c.at == "" && len(result.Failures) > 0 {
				t.Errorf("failures %v", result.Failures)
			}
		})
	}
}

func isSealed(s sealed) bool { return s.text != "" }

// TestAnEncodingIsThatOfLetters makes letters of messages as the step gives them that they come from.
func TestAnEncodingIsThatOfLetters(t *testing.T) {
	t.Parallel()
	again, encoding, err := wallaroo.ThroughLetterBy(bySeal{}, sealed{"x"}, 100)
	if err != nil || again != (sealed{"x"}) || encoding != "base64-cbor" {
		t.Errorf("%v by %s: %v", again, encoding, err)
	}
	_, _, err = wallaroo.ThroughLetterBy(bySeal{fails: "x"}, sealed{"x"}, 100)
	if err == nil || !strings.Contains(err.Error(), "it does not encode") {
		t.Error(err)
	}
}

func TestMistakesInEncodings(t *testing.T) {
	t.Parallel()
	told(t, map[string]mistake{
		"of another type": {
			build: func(app *wallaroo.App) {
				texts(app).Map("length", length, wallaroo.Encoding(codec.CBOR[string]())).Done()
			},
			want: []string{"Texts/length: its Encoding is of string, and it has and gives int"},
		},
		"nil, and at a source": {
			build: func(app *wallaroo.App) {
				app.From("Texts", textsIn, wallaroo.Encoding[string](nil), wallaroo.Parallel()).To("out", textsOut)
			},
			want: []string{"Texts/source: its Encoding of string is nil", "Texts/source: of the options only Encoding is for a source"},
		},
		"of a state that another step has said": {
			build: func(app *wallaroo.App) {
				keyed := texts(app).KeyBy(same)
				keyed.StatefulMap("one", (*letterCount).add, wallaroo.State("s")).Done()
				keyed.StatefulMap("two", (*letterCount).add, wallaroo.State("s"), wallaroo.Encoding(codec.CBOR[letterCount]())).Done()
			},
			want: []string{"Texts/two: the Encoding of state \"s\" is said at the first step that has it, Texts/one"},
		},
		"of none, where streams are merged": {
			build: func(app *wallaroo.App) {
				s := texts(app)
				s.Map("one", seal).Merge(s.Map("other", seal).Filter("some", isSealed)).
					KeyBy(unseal).StatefulMap("count", (*letterCount).addSealed).Done()
			},
			want: []string{
				"Texts/count: its messages must have bytes, to go to another machine and to be kept as dead letters: give Texts/one or Texts/some " +
					"an Encoding, or the type AppendBinary and UnmarshalBinary: wallaroo_test.sealed.text is not exported, and would be lost: " +
					"export it, tag it `cbor:\"-\"` if it may be, or give the type AppendBinary and UnmarshalBinary",
			},
		},
		"of none, where there is no other": {
			build: func(app *wallaroo.App) {
				texts(app).Map("seal", seal).KeyBy(unseal).StatefulMap("one", (*letterCount).addSealed).Done()
			},
			want: []string{
				"Texts/one: its messages must have bytes, to go to another machine and to be kept as dead letters: give Texts/seal an Encoding, " +
					"or the type AppendBinary and UnmarshalBinary: wallaroo_test.sealed.text is not exported, and would be lost: " +
					"export it, tag it `cbor:\"-\"` if it may be, or give the type AppendBinary and UnmarshalBinary",
			},
		},
	})
}

func (t *letterCount) addSealed(s sealed) int { return t.add(s.text) }
