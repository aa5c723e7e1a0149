package wallaroo_test

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/internal/control"
)

// tally is a state without parts that others could share; words is one with them.
type (
	tally struct {
		Met  int
		Last string
	}
	words struct{ Met []string }
)

func (s *tally) meet(word string) string {
	s.Met++
	s.Last = word
	if strings.HasSuffix(word, "bad") {
		panic(word)
	}
	return fmt.Sprint(s.Last, " ", s.Met)
}

func (w *words) meet(word string) string {
	if len(w.Met) > 0 {
		w.Met[0] += "'" // in place
	}
	w.Met = append(w.Met, word)
	if strings.HasSuffix(word, "bad") {
		panic(word)
	}
	return strings.Join(w.Met, " ")
}

// meetLazily changes the state while its results are taken.
func (w *words) meetLazily(word string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if yield(word) {
			yield(w.meet(word))
		}
	}
}

// meetEndlessly never comes to an end, and so is stopped.
func (w *words) meetEndlessly(word string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for strings.HasSuffix(word, "bad") {
			w.Met = append(w.Met, word)
			if !yield(word) {
				return
			}
		}
		yield(w.meet(word))
	}
}

// atomically is what comes of words of one key, some of which fail.
func atomically(t *testing.T, add func(wallaroo.Keyed[string, string]) wallaroo.Stream[string]) map[string]int {
	t.Helper()
	m, app := newMemory(), wallaroo.New("atomic")
	stream := app.From("words", source(m, func(data []byte) (string, error) { return string(data), nil })).
		KeyBy(func(word string) string { return word[:1] })
	add(stream).To("results", sink(m, func(word string, dst []byte) ([]byte, error) { return append(dst, word...), nil }))
	letters := inChaos(t, app, func(*control.Client) {
		m.in <- []string{"a1", "abad", "a2", "bbad", "b1"}
		m.await(t, 3)
	})
	if len(letters) != 2 {
		t.Errorf("%d dead letters", len(letters))
	}
	return m.got
}

func TestAtomicStepsPutTheirEntitiesBack(t *testing.T) {
	type keyed = wallaroo.Keyed[string, string]
	type stream = wallaroo.Stream[string]
	for name, c := range map[string]struct {
		add  func(keyed) stream
		want []string
	}{
		"flat": {
			func(k keyed) stream { return k.StatefulMap("meet", (*tally).meet, wallaroo.Atomic()) },
			[]string{"a1 1", "a2 2", "b1 1"},
		},
		"flat, not atomic": {
			func(k keyed) stream { return k.StatefulMap("meet", (*tally).meet) },
			[]string{"a1 1", "a2 3", "b1 2"},
		},
		"shared": {
			func(k keyed) stream { return k.StatefulMap("meet", (*words).meet, wallaroo.Atomic()) },
			[]string{"a1", "a1' a2", "b1"},
		},
		"shared, not atomic": {
			func(k keyed) stream { return k.StatefulMap("meet", (*words).meet) },
			[]string{"a1", "a1'' abad a2", "bbad' b1"},
		},
		"several": {
			func(k keyed) stream { return k.StatefulFlatMap("meet", (*words).meetLazily, wallaroo.Atomic()) },
			[]string{"a1", "a1", "a2", "a1' a2", "b1", "b1"},
		},
		"too many": {
			func(k keyed) stream { return k.StatefulFlatMap("meet", (*words).meetEndlessly, wallaroo.Atomic()) },
			[]string{"a1", "a1' a2", "b1"},
		},
		"from an initial entity": {
			func(k keyed) stream {
				initial := wallaroo.Initial(func(key string) words { return words{Met: []string{key}} })
				return k.StatefulMap("meet", (*words).meet, wallaroo.Atomic(), initial)
			},
			[]string{"a' a1", "a'' a1 a2", "b' b1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]int{}
			for _, message := range c.want {
				want[message]++
			}
			if got := atomically(t, c.add); !reflect.DeepEqual(got, want) {
				t.Errorf("%v; want %v", got, c.want)
			}
		})
	}
}

func TestAtomicIsForStepsWithState(t *testing.T) {
	m, app := newMemory(), wallaroo.New("wrong")
	app.From("words", source(m, func(data []byte) (string, error) { return string(data), nil })).
		Map("same", func(word string) string { return word }, wallaroo.Atomic())
	err := app.Run(t.Context(), wallaroo.Config{})
	if err == nil || !strings.Contains(err.Error(), "words/same: State, Initial and Atomic are for steps with state") {
		t.Error(err)
	}
}
