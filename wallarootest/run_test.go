package wallarootest_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// totals is a state: the words of a letter.
type totals struct{ Words []string }

func (t *totals) add(word string) string {
	t.Words = append(t.Words, word)
	return fmt.Sprint(word, " ", len(t.Words))
}

func decode(data []byte) (string, error) {
	if string(data) == "undecodable" {
		return "", errors.New("it cannot be decoded")
	}
	return string(data), nil
}

func encode(text string, dst []byte) ([]byte, error) { return append(dst, text...), nil }

func letter(word string) string { return word[:1] }

var (
	source = tcp.Listen("", tcp.Lines(), decode)
	sink   = tcp.Dial("", tcp.Lines(), encode)
)

// words is two pipelines of words that share their state, behind another state.
func words() *wallaroo.App {
	app := wallaroo.New("Words")
	for _, name := range []string{"first", "second"} {
		app.From(name, source).
			FlatMap("split", func(text string) iter.Seq[string] { return slices.Values(strings.Fields(text)) }, wallaroo.Parallel()).
			KeyBy(func(word string) int { return len(word) }).
			StatefulMap("pass", func(n *int, word string) string { *n++; return word }).
			KeyBy(letter).
			StatefulMap("count", (*totals).add, wallaroo.State("totals")).
			To("out", sink)
	}
	return app
}

func TestCalmIsInOneOrder(t *testing.T) {
	t.Parallel()
	inputs := slices.Concat(wallarootest.InputsOf("second", "ab", "a"), wallarootest.InputsOf("first", []byte("ac b"), []byte("a")))
	for executors := 1; executors < 5; executors++ {
		result := wallarootest.Run(t, words(), inputs, wallarootest.Executors(executors))
		if got := slices.Sorted(slices.Values(result.Outputs["second/out"])); !slices.Equal(got, []string{"a 2\n", "ab 1\n"}) {
			t.Errorf("second/out got %q", got)
		}
		if got := slices.Sorted(slices.Values(result.Outputs["first/out"])); !slices.Equal(got, []string{"a 4\n", "ac 3\n", "b 1\n"}) {
			t.Errorf("first/out got %q", got)
		}
		if again := wallarootest.Run(t, words(), inputs, wallarootest.Executors(executors)); again.Text() != result.Text() {
			t.Errorf("got %q, and then %q", result.Text(), again.Text())
		}
		entity, err := result.Entity[totals]("totals", "a")
		if err != nil || entity == nil || !slices.Equal(slices.Sorted(slices.Values(entity.Words)), []string{"a", "a", "ab", "ac"}) {
			t.Errorf("the entity is %v, %v", entity, err)
		}
	}
}

// TestSeedsKeepWhatIsPromised counts: each key gives each of its numbers once, whatever the order.
func TestSeedsKeepWhatIsPromised(t *testing.T) {
	t.Parallel()
	var lines []string
	for n := range 30 {
		lines = append(lines, fmt.Sprintf("x%d yy%d x y%d", n, n, n))
	}
	inputs := slices.Concat(wallarootest.InputsOf("first", lines...), wallarootest.InputsOf("second", lines...))
	orders := map[string]bool{}
	for seed := range uint64(20) {
		executors := 1 + int(seed)%4
		options := []wallarootest.Option{wallarootest.Executors(executors), wallarootest.Seed(seed)}
		result := wallarootest.Run(t, words(), inputs, options...)
		if again := wallarootest.Run(t, words(), inputs, options...); result.Text() != again.Text() {
			t.Errorf("seed %d gives %q, and then %q", seed, result.Text(), again.Text())
		}
		orders[result.Text()] = true
		numbers := map[string]map[string]bool{"x": {}, "y": {}}
		for _, line := range result.Output() {
			word, number, _ := strings.Cut(strings.TrimSpace(line), " ")
			numbers[letter(word)][number] = true
		}
		for key, counted := range numbers {
			entity, err := result.Entity[totals]("totals", key)
			if err != nil || len(counted) != 120 || len(entity.Words) != 120 {
				t.Errorf("seed %d: %d numbers of %s, %v", seed, len(counted), key, err)
			}
		}
	}
	if len(orders) < 15 {
		t.Errorf("%d orders of 20 seeds", len(orders))
	}
}

func TestSeedsKeepTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	app := wallaroo.New("Order")
	app.From("numbers", source).
		KeyBy(letter).
		StatefulMap("first", func(_ *int, word string) string { return word }).
		KeyBy(letter).
		StatefulMap("second", (*totals).add).
		To("out", sink)
	var inputs []string
	want := map[string][]string{}
	for n := range 200 {
		word := fmt.Sprintf("%c%d", 'a'+n*n%7, n)
		inputs = append(inputs, word)
		want[letter(word)] = append(want[letter(word)], fmt.Sprintf("%s %d\n", word, len(want[letter(word)])+1))
	}
	for seed := range uint64(20) {
		got := map[string][]string{}
		result := wallarootest.Run(t, app, wallarootest.Inputs(inputs...), wallarootest.Executors(3), wallarootest.Seed(seed))
		for _, line := range result.Output() {
			got[letter(line)] = append(got[letter(line)], line)
		}
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("seed %d gives %v", seed, got)
		}
	}
}

func failing() *wallaroo.App {
	app := wallaroo.New("Failing")
	app.From("texts", source).
		TryMap("refuse", func(text string) (string, error) {
			if text == "refused" {
				return "", errors.New("it is refused")
			}
			return text, nil
		}).
		KeyBy(letter).
		StatefulMap("panic", func(n *int, text string) string {
			if *n++; text == "panics" {
				panic("oh")
			}
			return fmt.Sprint(text, *n)
		}).
		To("out", sink)
	return app
}

func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	inputs := wallarootest.Inputs("undecodable", "p", "refused", "panics", "", "p")
	for _, executors := range []int{1, 3} {
		result := wallarootest.Run(t, failing(), inputs, wallarootest.Executors(executors), wallarootest.Failures())
		if result.Text() != "p1\np3\n" {
			t.Errorf("got %q", result.Text())
		}
		var told []string
		for _, f := range result.Failures {
			first, rest, _ := strings.Cut(f.String(), "\n")
			told = append(told, first)
			if strings.Contains(f.Error, "panic") && !strings.Contains(rest, "run_test.go:") {
				t.Errorf("a panic without the user's lines: %s", f)
			}
		}
		want := []string{
			`texts/source, of the input "undecodable": it cannot be decoded`,
			`texts/refuse, of the input "refused": it is refused`,
			`texts/panic, key 'p', of the input "panics": panic: oh`,
			`texts/panic key: panic: runtime error: slice bounds out of range [:1] with length 0`,
		}
		if !slices.Equal(told, want) {
			t.Errorf("told is\n%s", strings.Join(told, "\n"))
		}
	}
	for seed := range uint64(5) {
		result, err := wallarootest.Rehearse(failing(), inputs, wallarootest.Executors(2), wallarootest.Seed(seed))
		if len(result.Failures) != 4 || err == nil || !strings.HasPrefix(err.Error(), "messages that failed: 4\n") {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	_, err := wallarootest.Rehearse(failing(), slices.Repeat(wallarootest.Inputs("refused"), 9))
	if err == nil || strings.Count(err.Error(), "it is refused") != 5 || !strings.HasSuffix(err.Error(), "\nand 4 more") {
		t.Errorf("told is %v", err)
	}
}

// TestSeedsFindWhatShares runs a step that gives parts of its state.
func TestSeedsFindWhatShares(t *testing.T) {
	t.Parallel()
	app := wallaroo.New("Sharing")
	app.From("texts", source).
		KeyBy(letter).
		StatefulMap("share", func(seen *map[string]int, text string) map[string]int {
			if *seen == nil {
				*seen = map[string]int{}
			}
			(*seen)[text]++
			return *seen
		}).
		Map("tell", func(seen map[string]int) string { return fmt.Sprint(seen) }).
		To("out", sink)
	inputs := wallarootest.Inputs("a", "a", "a", "a", "a", "a", "a")
	wallarootest.Run(t, app, inputs)
	_, err := wallarootest.Rehearse(app, inputs, wallarootest.Seed(1))
	if err == nil || !strings.Contains(err.Error(), "a result was changed after it was handed on") {
		t.Errorf("told is %v", err)
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	mistaken := wallaroo.New("Mistaken")
	mistaken.From("texts", source)
	exits := wallaroo.New("Exits")
	exits.From("texts", source).Map("exit", func(string) string { runtime.Goexit(); return "" }).To("out", sink)
	for _, test := range []struct {
		app     *wallaroo.App
		inputs  []wallarootest.Input
		options []wallarootest.Option
		want    string
	}{
		{words(), wallarootest.Inputs("a"), nil, `the application has the pipelines ["first" "second"]: give inputs by wallarootest.InputsOf`},
		{words(), wallarootest.InputsOf("third", "a"), nil, `there is no pipeline "third", but ["first" "second"]`},
		{words(), nil, []wallarootest.Option{wallarootest.Executors(0)}, "wallarootest.Executors(0): want 1 to 64"},
		{mistaken, nil, nil, "application \"Mistaken\" cannot run:\n  texts/source: nobody takes"},
		{exits, wallarootest.Inputs("a"), nil, "texts/exit: a function has ended its goroutine"},
	} {
		if _, err := wallarootest.Rehearse(test.app, test.inputs, test.options...); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("told is %v, want %s", err, test.want)
		}
	}
}

func TestEntities(t *testing.T) {
	t.Parallel()
	result := wallarootest.Run(t, failing(), wallarootest.Inputs("p", "q", "p"), wallarootest.Executors(2), wallarootest.Seed(1))
	if keys := result.Keys("texts/panic"); len(keys) != 2 || !slices.Contains(keys, any("q")) {
		t.Errorf("keys %v", keys)
	}
	if n, err := result.Entity[int]("texts/panic", "p"); err != nil || n == nil || *n != 2 {
		t.Errorf("p has %v, %v", n, err)
	}
	if n, err := result.Entity[int]("texts/panic", "r"); err != nil || n != nil {
		t.Errorf("r has %v, %v", n, err)
	}
	if _, err := result.Entity[int]("texts/out", "p"); err == nil || err.Error() != `there is no state "texts/out"` {
		t.Errorf("told is %v", err)
	}
	_, err := result.Entity[string]("texts/panic", "p")
	if err == nil || err.Error() != `the entities of state "texts/panic" are *int, not *string` {
		t.Errorf("told is %v", err)
	}
}
