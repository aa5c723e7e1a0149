package wallarootest_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// A test has Run instead, which fails the test for an error.
func ExampleRehearse() {
	app := wallaroo.New("Counts")
	app.From("words", source).
		Map("lower", strings.ToLower).
		KeyBy(letter).
		StatefulMap("count", (*totals).add, wallaroo.State("totals")).
		To("counts", sink)

	result, err := wallarootest.Rehearse(app, wallarootest.Inputs("apple", "Bread", "apricot"), wallarootest.Executors(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(result.Text())
	entity, err := result.Entity[totals]("totals", "a")
	fmt.Println(entity.Words, err)
	// Output:
	// apple 1
	// bread 1
	// apricot 2
	// [apple apricot] <nil>
}

// A message that fails is in the result, and the test goes on.
func ExampleFailures() {
	app := wallaroo.New("Numbers")
	app.From("words", source).
		TryMap("parse", strconv.Atoi).
		Map("text", strconv.Itoa).
		To("out", sink)

	result, err := wallarootest.Rehearse(app, wallarootest.Inputs("1", "two", "3"), wallarootest.Failures())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(result.Text())
	for _, f := range result.Failures {
		fmt.Println(f.Step, f.Input)
	}
	// Output:
	// 1
	// 3
	// words/parse two
}

// The order of what comes out is kept for each key only, so the results are sorted.
func ExampleSeed() {
	app := wallaroo.New("Counts")
	app.From("words", source).
		KeyBy(letter).
		StatefulMap("count", (*totals).add).
		To("counts", sink)

	for seed := range uint64(5) {
		inputs := wallarootest.Inputs("apple", "bread", "apricot")
		result, err := wallarootest.Rehearse(app, inputs, wallarootest.Executors(3), wallarootest.Seed(seed))
		if err != nil {
			fmt.Println(err)
			return
		}
		if got := slices.Sorted(slices.Values(result.Output())); !slices.Equal(got, []string{"apple 1\n", "apricot 2\n", "bread 1\n"}) {
			fmt.Println(seed, got)
		}
	}
	fmt.Println("the same in any order")
	// Output:
	// the same in any order
}
