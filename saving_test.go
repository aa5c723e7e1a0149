package wallaroo

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/codec"
	saved "github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// spell counts words in a run of its own on a data directory, and returns what came out.
func spell(t *testing.T, dir string, words []string, options ...Option) ([]string, error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &noted{name: "words/out", want: len(words), all: stop}
	app := New("Words")
	app.From("words", (&dictated{name: "words/source", lines: words, lanes: 1}).source()).
		KeyBy(func(word string) string { return word }).
		StatefulMap("count", (*counter).word, append(options, State("counts"))...).
		To("out", out.sink())
	if len(words) == 0 {
		stop()
	}
	err := app.Run(ctx, Config{DataDir: dir, Executors: 2})
	return out.lines, err
}

// TestStateGoesOn runs an application again and again on one directory, with another version of its entities at last.
func TestStateGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hundredfold := func(data []byte, written int) (counter, error) {
		c, err := codec.CBOR[counter]().Decode(data)
		if written != 0 {
			return c, errors.New("only what had no version was ever saved")
		}
		c.N *= 100
		return c, err
	}
	for n, step := range []struct {
		words   string
		options []Option
		want    string
		wrong   string
	}{
		{words: "a b a", want: "a 1,b 1,a 2"},
		{words: "a c", want: "a 3,c 1"},
		{words: "a", options: []Option{Version[counter](1, nil)}, wrong: `state "counts", key`},
		{words: "a", options: []Option{Version(1, hundredfold)}, want: "a 301"},
		{words: "c a", options: []Option{Version(2, hundredfold)}, wrong: "only what had no version was ever saved"},
		{words: "b c a", options: []Option{Version(1, hundredfold)}, want: "b 101,c 101,a 302"},
	} {
		got, err := spell(t, dir, strings.Fields(step.words), step.options...)
		switch {
		case step.wrong != "":
			if err == nil || !strings.Contains(err.Error(), step.wrong) {
				t.Errorf("run %d: %v; want %q", n, err, step.wrong)
			}
		case err != nil:
			t.Errorf("run %d: %v", n, err)
		default:
			want := strings.Split(step.want, ",")
			slices.Sort(got) // two executors write them
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("run %d: %q; want %q", n, got, want)
			}
		}
	}
}

// pay adds to accounts in a run of its own on a data directory, and returns what came out.
func pay[S any](t *testing.T, c Config, add func(*S, string) tally, options ...Option) (string, error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &noted{name: "bank/out", want: 1, all: stop}
	app := New("Bank")
	app.From("bank", (&dictated{name: "bank/source", lines: []string{"a"}, lanes: 1}).source()).
		KeyBy(func(name string) string { return name }).
		StatefulMap("add", add, append(options, State("accounts"))...).
		To("out", out.sink())
	c.Executors = 1
	err := app.Run(ctx, c)
	return strings.Join(out.lines, ","), err
}

// TestAFieldThatIsRenamedIsNotLostUnasked has types of one name, of which one has a field of the others under another name: that is refused
// unless it is allowed, or upgraded, or the field's tag says the old name. A field that is new begins with zero.
func TestAFieldThatIsRenamedIsNotLostUnasked(t *testing.T) {
	t.Parallel()
	var first, more, renamed, upgraded func(Config) (string, error)
	{
		type account struct{ Bal int64 }
		add := func(a *account, key string) tally { a.Bal++; return tally{key, int(a.Bal)} }
		first = func(c Config) (string, error) { return pay(t, c, add) }
	}
	{
		type account struct {
			Balance int64 `cbor:"Bal"`
			Notes   []string
		}
		add := func(a *account, key string) tally { a.Balance++; return tally{key, int(a.Balance)} }
		more = func(c Config) (string, error) { return pay(t, c, add) }
	}
	type account struct{ Balance int64 }
	add := func(a *account, key string) tally { a.Balance++; return tally{key, int(a.Balance)} }
	renamed = func(c Config) (string, error) { return pay(t, c, add) }
	upgraded = func(c Config) (string, error) {
		return pay(t, c, add, Version(1, func(data []byte, _ int) (account, error) {
			was, err := codec.CBOR[struct{ Bal int64 }]().Decode(data)
			return account{was.Bal}, err
		}))
	}
	dir, other := Config{DataDir: t.TempDir()}, Config{DataDir: t.TempDir()}
	allowed := other
	allowed.AllowChanged = true
	const gone = `state "accounts": field Bal int64 is gone, Balance int64 is new`
	for n, step := range []struct {
		run         func(Config) (string, error)
		with        Config
		want, wrong string
	}{
		{run: first, with: dir, want: "a 1"},
		{run: first, with: dir, want: "a 2"},
		{run: renamed, with: dir, wrong: gone},
		{run: more, with: dir, want: "a 3"},
		{run: first, with: dir, wrong: "field Notes []string is gone"},
		{run: upgraded, with: dir, want: "a 4"},
		{run: upgraded, with: dir, want: "a 5"},
		{run: first, with: other, want: "a 1"},
		{run: renamed, with: other, wrong: gone},
		{run: renamed, with: allowed, want: "a 1"},
	} {
		got, err := step.run(step.with)
		if got != step.want || (err == nil) != (step.wrong == "") || err != nil && !strings.Contains(err.Error(), step.wrong) {
			t.Errorf("run %d: %q, %v; want %q, %q", n, got, err, step.want, step.wrong)
		}
	}
}

func TestVersionsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		option Option
		wrong  string
	}{
		{Version[counter](0, nil), "words/count: Version is 0: it goes from 1 to 65535"},
		{Version[counter](65536, nil), "words/count: Version is 65536: it goes from 1 to 65535"},
		{
			Version(1, func([]byte, int) (int, error) { return 0, nil }),
			"Version has a func([]uint8, int) (int, error); the entities of the state ask for a func([]uint8, int) (wallaroo.counter, error)",
		},
	} {
		if _, err := spell(t, t.TempDir(), nil, c.option); err == nil || !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%v; want %q", err, c.wrong)
		}
	}
}

// counters are entities without a step, and what lets a message meet one of them, which is N then.
func counters(t *testing.T) (e *entities[string, counter], meet func(key string, n int)) {
	t.Helper()
	e = &entities[string, counter]{
		about: &stateInfo{}, form: formFor[counter](), byKey: map[string]*entity[string, counter]{},
		within: make([][]*entity[string, counter], 4), changed: make([][]*entity[string, counter], 4),
		saving: make([][]*entity[string, counter], 4), at: 4, age: firstAge,
	}
	return e, func(key string, n int) {
		one := e.byKey[key]
		if one == nil {
			p, err := e.partitionOf(key)
			if err != nil {
				t.Fatal(err)
			}
			one = e.add(key, p)
		}
		e.meet(one)
		one.state.N = n
	}
}

// TestWhatIsSavedIsTheStateAtTheMark lets messages come before, while and after entities are saved.
func TestWhatIsSavedIsTheStateAtTheMark(t *testing.T) {
	e, meet := counters(t)
	keys := strings.Fields("a b c d e f g h")
	for _, key := range keys {
		meet(key, 1)
	}
	e.Mark()
	meet("a", 2)
	got := savedBy(t, e, 1) // one of them
	meet("b", 2)
	meet("b", 3)
	p, err := e.partitionOf("c")
	if err != nil {
		t.Fatal(err)
	}
	left, _ := e.TakeOut(p) // its partition leaves, and comes back
	e.PutIn(left)
	meet("c", 2)
	for key, n := range savedBy(t, e, 1<<20) {
		if _, twice := got[key]; twice {
			t.Errorf("%s was saved twice", key)
		}
		got[key] = n
	}
	for _, key := range keys {
		if got[key] != 1 {
			t.Errorf("%s was saved as %d; at the mark it was 1", key, got[key])
		}
	}
	e.Mark()
	if got = savedBy(t, e, 1<<20); len(got) != 3 || got["a"] != 2 || got["b"] != 3 || got["c"] != 2 {
		t.Errorf("what has changed since is %v", got)
	}
	e.Mark()
	if got = savedBy(t, e, 1<<20); len(got) != 0 {
		t.Errorf("nothing has changed since, and saved is %v", got)
	}
}

// savedBy saves so many bytes of what is to be saved, and returns the counters by their keys.
func savedBy(t *testing.T, e *entities[string, counter], bytes int) map[string]int {
	t.Helper()
	var to worker.Event
	if e.Save(&to, bytes); to.Stuck != nil {
		t.Fatal(to.Stuck)
	}
	found := map[string]int{}
	for one, err := range saved.All(to.Saved) {
		if err != nil {
			t.Fatal(err)
		}
		var key string
		err := partition.ReadKey(one.Key, reflect.ValueOf(&key).Elem())
		c, wrong := codec.CBOR[counter]().Decode(one.Value)
		if err := errors.Join(err, wrong); err != nil {
			t.Fatal(err)
		}
		if _, twice := found[key]; twice {
			t.Errorf("%s is saved twice", key)
		}
		found[key] = c.N
	}
	return found
}

// TestWhatIsSavedEarlyIsTimed by a part of it, and comes beside the bytes that are asked for.
func TestWhatIsSavedEarlyIsTimed(t *testing.T) {
	e, meet := counters(t)
	const many = 4 * aheadLook
	for n := range many {
		meet(strconv.Itoa(n), 1)
	}
	e.Mark()
	for n := range many - 2 {
		meet(strconv.Itoa(n), 2)
	}
	var to worker.Event
	if e.Save(&to, 1); to.Stuck != nil || to.Ahead <= 0 || !to.Left {
		t.Errorf("%v, %v, %t", to.Stuck, to.Ahead, to.Left)
	}
	if count, err := saved.Count(to.Saved); err != nil || count != many-1 {
		t.Errorf("%d entities are saved, %v; want %d", count, err, many-1)
	}
	to = worker.Event{}
	if e.Save(&to, 1); to.Ahead != 0 || to.Left {
		t.Errorf("%v, %t", to.Ahead, to.Left)
	}
}
