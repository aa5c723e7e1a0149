package wallaroo_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"

	"github.com/wallaroo-stream/wallaroo"
)

// A payment that would overdraw the account fails, and the account is as it was before.
func ExampleAtomic() {
	withdraw := func(a *Account, p Payment) int {
		a.Balance -= p.Amount
		if a.Balance < 0 {
			panic("overdrawn")
		}
		return a.Balance
	}
	open := func(owner string) Account { return Account{Owner: owner, Balance: 100} }
	app := wallaroo.New("Withdrawals")
	app.From("payments", input).
		TryMap("parse", payment).
		KeyBy(Payment.customer).
		StatefulMap("withdraw", withdraw, wallaroo.Initial(open), wallaroo.Atomic()).
		To("balances", printed[int]())
	show(app, "ann 60", "ann 60", "ann 30")
	// Output:
	// 40
	// 10
	// payments/withdraw: panic: overdrawn
}

// One executor, and the first message that fails ends the application: Run returns what failed.
func ExampleConfig() {
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer receiver.Close()
	send := func(text string) func(addresses map[string]string) {
		return func(addresses map[string]string) {
			sender, err := net.Dial("tcp", addresses["numbers"])
			if err != nil {
				fmt.Println(err)
				return
			}
			defer sender.Close()
			_, _ = io.WriteString(sender, text) // if it fails, nothing comes out
		}
	}

	app := wallaroo.New("Numbers")
	app.From("numbers", input).
		TryMap("parse", strconv.Atoi).
		To("out", printed[int]())
	err = app.Run(context.Background(), wallaroo.Config{
		In:          []string{"127.0.0.1:0"},
		Out:         []string{receiver.Addr().String()},
		Executors:   1,
		StopOnError: true,
		Ready:       send("four\n"),
	})
	fmt.Println(err)
	// Output:
	// application "Numbers": it ends by a failure of step "numbers/parse": strconv.Atoi: parsing "four": invalid syntax
}

// A source's messages may be of another type than its connector was asked for: only the decoder changes.
func ExampleSource() {
	numbers := wallaroo.Source[int]{
		Origin: input.Origin,
		Decode: func(data []byte) (int, error) { return strconv.Atoi(string(data)) },
	}
	app := wallaroo.New("Numbers")
	app.From("numbers", numbers).
		Map("double", func(n int) int { return 2 * n }).
		To("out", printed[int]())
	show(app, "21")
	// Output:
	// 42
}

// A type that appends its own text needs no encoder beside that.
func ExampleSink() {
	addresses := wallaroo.Sink[netip.Addr]{
		Destination: printed[string]().Destination,
		Encode:      netip.Addr.AppendText,
	}
	app := wallaroo.New("Addresses")
	app.From("texts", input).
		TryMap("parse", netip.ParseAddr).
		To("out", addresses)
	show(app, "::0001")
	// Output:
	// ::1
}
