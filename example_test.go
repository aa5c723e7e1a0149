package wallaroo_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/tcp"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// input is where the messages of most examples come from: each line is one.
var input = tcp.Listen("", tcp.Lines(), func(data []byte) (string, error) { return string(data), nil })

// printed is where messages of any type go: each is a line, as fmt prints it.
func printed[T any]() wallaroo.Sink[T] {
	return tcp.Dial("", tcp.Lines(), func(message T, dst []byte) ([]byte, error) { return fmt.Append(dst, message), nil })
}

// show runs an application on inputs, without its sockets, and prints what comes out and what fails.
func show(app *wallaroo.App, inputs ...string) {
	result, err := wallarootest.Rehearse(app, wallarootest.Inputs(inputs...), wallarootest.Failures())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(result.Text())
	for _, f := range result.Failures {
		fmt.Printf("%s: %s\n", f.Step, f.Error)
	}
}

// Example is a word count: texts come in frames, and for every word its count so far goes out, as a line.
func Example() {
	frames := tcp.Frames(4, binary.BigEndian)
	decode := func(data []byte) (string, error) { return string(data), nil }
	split := func(text string) iter.Seq[string] { return strings.FieldsSeq(strings.ToLower(text)) }
	itself := func(word string) string { return word }
	count := func(n *int, word string) string {
		*n++
		return fmt.Sprintf("%s => %d", word, *n)
	}

	app := wallaroo.New("Word Count")
	app.From("words", tcp.Listen("", frames, decode)).
		FlatMap("split", split).
		KeyBy(itself).
		StatefulMap("count", count).
		To("counts", printed[string]())

	show(app, "the cat", "The hat") // in a program: wallaroo.Main(app)
	// Output:
	// the => 1
	// cat => 1
	// the => 2
	// hat => 1
}

func ExampleNew() {
	app := wallaroo.New("Echo")
	app.From("lines", input).To("out", printed[string]())
	show(app, "hello")
	// Output:
	// hello
}

// Two pipelines, each with its source.
func ExampleApp_From() {
	app := wallaroo.New("Two")
	numbers := tcp.Listen("127.0.0.1:7011", tcp.Lines(), func(data []byte) (int, error) { return strconv.Atoi(string(data)) })
	app.From("texts", input).To("out", printed[string]())
	app.From("numbers", numbers).To("out", printed[int]())

	inputs := slices.Concat(wallarootest.InputsOf("texts", "hello"), wallarootest.InputsOf("numbers", "007"))
	result, err := wallarootest.Rehearse(app, inputs)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", result.Outputs)
	// Output:
	// map["numbers/out":["7\n"] "texts/out":["hello\n"]]
}

func ExampleStream_Map() {
	app := wallaroo.New("Lengths")
	app.From("lines", input).
		Map("length", func(text string) int { return len(text) }).
		Map("double", func(n int) float64 { return 2 * float64(n) }).
		To("out", printed[float64]())
	show(app, "hello", "")
	// Output:
	// 10
	// 0
}

// What fails costs its message, whether by an error or by a panic.
func ExampleStream_TryMap() {
	app := wallaroo.New("Numbers")
	app.From("lines", input).
		TryMap("parse", strconv.Atoi).
		Map("half", func(n int) int { return 100 / n }).
		To("out", printed[int]())
	show(app, "4", "four", "0", "5")
	// Output:
	// 25
	// 20
	// lines/parse: strconv.Atoi: parsing "four": invalid syntax
	// lines/half: panic: runtime error: integer divide by zero
}

func ExampleStream_FlatMap() {
	words := func(text string) iter.Seq[string] {
		return func(yield func(string) bool) {
			for word := range strings.FieldsSeq(text) {
				if !yield(word) {
					return
				}
			}
		}
	}
	app := wallaroo.New("Words")
	app.From("lines", input).FlatMap("split", words).To("out", printed[string]())
	show(app, "hello world", "", "bye")
	// Output:
	// hello
	// world
	// bye
}

func ExampleStream_Filter() {
	app := wallaroo.New("Long")
	app.From("lines", input).
		Filter("long", func(text string) bool { return len(text) > 3 }).
		To("out", printed[string]())
	show(app, "hello", "a", "world")
	// Output:
	// hello
	// world
}

// A stream goes to all that is added to it; Merge makes one stream of several.
func ExampleStream_Merge() {
	app := wallaroo.New("Merged")
	all := app.From("lines", input)
	loud := all.Map("shout", strings.ToUpper)
	quiet := all.Map("whisper", strings.ToLower)
	loud.Merge(quiet).Map("exclaim", func(text string) string { return text + "!" }).To("out", printed[string]())
	show(app, "Hello", "World")
	// Output:
	// HELLO!
	// hello!
	// WORLD!
	// world!
}

func ExampleStream_To() {
	app := wallaroo.New("Twice")
	all := app.From("lines", input)
	all.To("as it is", printed[string]())
	all.Map("length", func(text string) int { return len(text) }).To("lengths", printed[int]())
	show(app, "hello", "bye")
	// Output:
	// hello
	// bye
	// 5
	// 3
}

// A key may be a struct; messages with equal keys meet one state.
func ExampleStream_KeyBy() {
	type Seat struct {
		Row    int
		Number int
	}
	seat := func(text string) (s Seat, err error) {
		_, err = fmt.Sscanf(text, "%d/%d", &s.Row, &s.Number)
		return s, err
	}
	app := wallaroo.New("Seats")
	app.From("lines", input).
		TryMap("seat", seat).
		KeyBy(func(s Seat) Seat { return s }).
		StatefulMap("taken", func(times *int, s Seat) string { *times++; return fmt.Sprint(s, " ", *times) }).
		To("out", printed[string]())
	show(app, "1/2", "1/3", "1/2")
	// Output:
	// {1 2} 1
	// {1 3} 1
	// {1 2} 2
}

// Account is the state of a customer.
type Account struct {
	Owner   string
	Balance int
}

// Payment is money to a customer.
type Payment struct {
	To     string
	Amount int
}

// Receive is a step: it takes a payment into the account.
func (a *Account) Receive(p Payment) Account {
	a.Balance += p.Amount
	return *a
}

func payment(text string) (p Payment, err error) {
	_, err = fmt.Sscan(text, &p.To, &p.Amount)
	return p, err
}

func (p Payment) customer() string { return p.To }

// The state of a new key is the zero value; a method of its type is a step.
func ExampleKeyed_StatefulMap() {
	app := wallaroo.New("Accounts")
	app.From("payments", input).
		TryMap("parse", payment).
		KeyBy(Payment.customer).
		StatefulMap("receive", (*Account).Receive).
		Map("balance", func(a Account) int { return a.Balance }).
		To("balances", printed[int]())
	show(app, "ann 5", "bob 3", "ann 4")
	// Output:
	// 5
	// 3
	// 9
}

// Every second message of a key gives a pair, and the others nothing.
func ExampleKeyed_StatefulFlatMap() {
	pair := func(waiting *[]string, word string) iter.Seq[string] {
		*waiting = append(*waiting, word)
		if len(*waiting) < 2 {
			return nil
		}
		both := strings.Join(*waiting, "+")
		*waiting = nil
		return slices.Values([]string{both})
	}
	app := wallaroo.New("Pairs")
	app.From("words", input).
		KeyBy(func(word string) int { return len(word) }).
		StatefulFlatMap("pair", pair).
		To("pairs", printed[string]())
	show(app, "a", "bc", "d", "ef", "g")
	// Output:
	// a+d
	// bc+ef
}

// Two pipelines share a state, whose name their steps say.
func ExampleState() {
	balances := wallaroo.State("balances")
	tell := func(a *Account, owner string) string { return fmt.Sprintf("%s has %d", owner, a.Balance) }

	app := wallaroo.New("Bank")
	app.From("payments", input).
		TryMap("parse", payment).
		KeyBy(Payment.customer).
		StatefulMap("receive", (*Account).Receive, balances).
		Done()
	app.From("questions", input).
		KeyBy(func(owner string) string { return owner }).
		StatefulMap("tell", tell, balances).
		To("answers", printed[string]())

	inputs := slices.Concat(wallarootest.InputsOf("payments", "ann 5", "bob 3", "ann 4"), wallarootest.InputsOf("questions", "ann", "eve"))
	result, err := wallarootest.Rehearse(app, inputs)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(result.Text())
	// Output:
	// ann has 9
	// eve has 0
}

// What a step gives that only changes state is for nobody.
func ExampleStream_Done() {
	app := wallaroo.New("Accounts")
	app.From("payments", input).
		TryMap("parse", payment).
		KeyBy(Payment.customer).
		StatefulMap("receive", (*Account).Receive, wallaroo.State("accounts")).
		Done()
	result, err := wallarootest.Rehearse(app, wallarootest.Inputs("ann 5", "ann 4"))
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := result.Entity[Account]("accounts", "ann")
	fmt.Println(account.Balance, err)
	// Output: 9 <nil>
}

// Accounts had no owner when they were saved by the last version of the program.
func ExampleVersion() {
	upgrade := func(data []byte, _ int) (Account, error) {
		account, err := codec.CBOR[Account]().Decode(data)
		account.Owner = "unknown"
		return account, err
	}
	app := wallaroo.New("Accounts")
	app.From("payments", input).
		TryMap("parse", payment).
		KeyBy(Payment.customer).
		StatefulMap("receive", (*Account).Receive, wallaroo.Version(1, upgrade)).
		To("accounts", printed[Account]())
	show(app, "ann 5")
	// Output:
	// { 5}
}

func ExampleInitial() {
	open := func(owner string) Account { return Account{Owner: owner, Balance: 100} }
	app := wallaroo.New("Gifts")
	app.From("payments", input).
		TryMap("parse", payment).
		KeyBy(Payment.customer).
		StatefulMap("receive", (*Account).Receive, wallaroo.Initial(open)).
		To("accounts", printed[Account]())
	show(app, "ann 5")
	// Output:
	// {ann 105}
}

// Counting primes takes long, so all executors do it, also for one connection.
// celsius is a temperature whose bytes are text.
type celsiusText struct{}

func (celsiusText) Append(dst []byte, degrees float64) ([]byte, error) {
	return strconv.AppendFloat(dst, degrees, 'f', 1, 64), nil
}

func (celsiusText) Decode(data []byte) (float64, error) { return strconv.ParseFloat(string(data), 64) }

// Where bytes are made of temperatures, as of dead letters, they have one digit behind the point.
func ExampleEncoding() {
	app := wallaroo.New("Temperatures")
	app.From("lines", input).
		TryMap("parse", func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }, wallaroo.Encoding(celsiusText{})).
		To("out", printed[float64]())
	show(app, "36.6")
	// Output:
	// 36.6
}

func ExampleParallel() {
	primes := func(below int) int {
		n := 0
		for candidate := 2; candidate < below; candidate++ {
			if !slices.ContainsFunc(divisors[:], func(d int) bool { return candidate%d == 0 && candidate != d }) {
				n++
			}
		}
		return n
	}
	app := wallaroo.New("Primes")
	app.From("numbers", input).
		TryMap("parse", strconv.Atoi, wallaroo.Parallel()).
		Map("count primes", primes, wallaroo.Parallel()).
		To("out", printed[int]())
	show(app, "10", "100")
	// Output:
	// 4
	// 25
}

var divisors = [...]int{2, 3, 5, 7} // enough for numbers below 121

// Messages are sent to the application, and received from it, through sockets.
func ExampleApp_Run() {
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer receiver.Close()

	app := wallaroo.New("Shout")
	app.From("texts", input).
		Map("shout", strings.ToUpper).
		To("out", printed[string]())

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	ready := make(chan map[string]string)
	go func() {
		ended <- app.Run(ctx, wallaroo.Config{
			In:    []string{"127.0.0.1:0"},
			Out:   []string{receiver.Addr().String()},
			Ready: func(addresses map[string]string) { ready <- addresses },
		})
	}()

	results, err := receiver.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	sender, err := net.Dial("tcp", (<-ready)["texts"])
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = io.WriteString(sender, "hello\n")
	line, readErr := bufio.NewReader(results).ReadString('\n')
	fmt.Print(line)
	stop()
	fmt.Println(errors.Join(err, readErr, sender.Close(), <-ended))
	// Output:
	// HELLO
	// <nil>
}

// A main function that is an application. It takes the addresses of --in and --out.
func ExampleMain() {
	app := wallaroo.New("Shout")
	app.From("texts", input).
		Map("shout", strings.ToUpper).
		To("out", printed[string]())
	wallaroo.Main(app)
}

// A program with a flag of its own: shout --in :7010 --out :7002 -- -suffix '?'
func ExampleArgs() {
	flags := flag.NewFlagSet("shout", flag.ExitOnError)
	suffix := flags.String("suffix", "!", "what stands behind each text")
	_ = flags.Parse(wallaroo.Args()) // it ends the program if they are wrong

	app := wallaroo.New("Shout")
	app.From("texts", input).
		Map("shout", func(text string) string { return strings.ToUpper(text) + *suffix }).
		To("out", printed[string]())
	show(app, "hello") // wallaroo.Main(app)
	// Output:
	// HELLO!
}
