package wallarootest_test

import (
	"fmt"
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
