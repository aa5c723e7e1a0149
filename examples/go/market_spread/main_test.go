package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wallaroo-stream/wallaroo/examples/runner"
)

// TestExample runs the application over the data of the Python example: the market data first, and the orders when all of it is processed.
func TestExample(t *testing.T) {
	t.Parallel()
	rejection := func(f rejectionFrame) string {
		return fmt.Sprintf("%d %d %s %s %s %s %s %s %d", f.Side, f.Account, text(f.ID[:]), text(f.Symbol[:]),
			runner.Number(f.Quantity), runner.Number(f.Price), runner.Number(f.Bid), runner.Number(f.Offer), f.Time)
	}
	runner.Test(t, application, runner.Example{
		Folder: "market_spread",
		Inputs: []runner.Input{
			{Pipeline: "Market Data", File: "market.msg", Until: 2},
			{Pipeline: "Orders", File: "orders.msg"},
		},
		Outputs: []runner.Output{
			{File: "expected_rejections.txt", Key: "[A-Z]+", Next: runner.Record(rejection)},
			{File: "expected_symbols.txt", Key: `^\S+`},
		},
	})
}

func TestOrdersAreRejectedUntilThereIsMarketData(t *testing.T) {
	t.Parallel()
	var symbol SymbolData
	if got := len(slices.Collect(symbol.Check(Order{}))); got != 1 {
		t.Errorf("%d rejections before market data", got)
	}
	symbol.Update(MarketData{Bid: 10, Offer: 10.01})
	if symbol.Check(Order{}) != nil {
		t.Error("rejected, although bid and offer are near")
	}
	changes := slices.Collect(symbol.Update(MarketData{Bid: 10, Offer: 10.05}))
	if len(changes) != 1 || changes[0].Accepts {
		t.Errorf("the changes are %v", changes)
	}
}

func TestMessagesOfAnotherKindAreRefused(t *testing.T) {
	t.Parallel()
	data := make([]byte, 53)
	for kind, accepted := range map[byte]bool{orderKind: true, marketDataKind: false} {
		data[0] = kind
		if _, err := decodeOrder(data); (err == nil) != accepted {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
	longer := make([]byte, len(data)+1)
	longer[0] = orderKind
	if _, err := decodeOrder(longer); err == nil {
		t.Error("a longer message is accepted")
	}
}
