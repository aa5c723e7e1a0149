package wallaroo_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

// TestMain has scripts run the programs that they are about.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"greetings": greetings, "mistaken": mistaken})
}

// TestMainOfAProgram runs programs that are applications as their users do.
func TestMainOfAProgram(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a second's sleep at each exit of a race-detecting binary
			return nil
		},
	})
}

// greetings is a program with flags of its own.
func greetings() {
	flags := flag.NewFlagSet("greetings", flag.ExitOnError)
	greeting := flags.String("greeting", "hello", "what to say")
	_ = flags.Parse(wallaroo.Args()) // it exits

	app := wallaroo.New("Greetings")
	app.From("names", tcp.Listen("", tcp.Lines(), decodeText)).
		Map("greet", func(name string) string { return fmt.Sprintf("%s %s", *greeting, name) }).
		To("out", tcp.Dial("", tcp.Lines(), encodeText))
	wallaroo.Main(app)
	os.Exit(3) // Main does not return
}

// mistaken is a program with two mistakes in it.
func mistaken() {
	var noGreeting func(string) string
	app := wallaroo.New("Mistaken")
	app.From("names", tcp.Listen("", tcp.Lines(), decodeText)).Map("greet", noGreeting).To("", tcp.Dial("", tcp.Lines(), encodeText))
	wallaroo.Main(app)
}
