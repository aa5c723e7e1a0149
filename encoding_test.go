package wallaroo_test

import (
	"errors"
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
		"of none, where there is no other": {
			build: func(app *wallaroo.App) {
				texts(app).Map("seal", seal).KeyBy(unseal).StatefulMap("one", (*letterCount).addSealed).Done()
			},
			want: []string{
				"Texts/one: its messages may go to another executor, and cannot: wallaroo_test.sealed.text is not exported, and would be lost: " +
					"export it, tag it `cbor:\"-\"` if it may be, or give the type AppendBinary and UnmarshalBinary",
			},
		},
	})
}

func (t *letterCount) addSealed(s sealed) int { return t.add(s.text) }
