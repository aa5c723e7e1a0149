// Command market_spread checks orders against the market: orders come in at one source, bids and offers (NBBO) at another.
//
// An order for a symbol whose bid and offer are too far apart is rejected, and the rejection goes out at the first sink. Each time that
// bids and offers change whether a symbol can be traded, a line goes out at the second.
//
//	market_spread --in 127.0.0.1:7010,127.0.0.1:7011 --out 127.0.0.1:7002,127.0.0.1:7003
package main

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

// mostSpread is between bid and offer, both in money and as a share of the price in the middle; from there on orders are rejected.
const mostSpread = 0.05

func main() { wallaroo.Main(application()) }

func application() *wallaroo.App {
	frames := tcp.Frames(4, binary.BigEndian)
	shared := wallaroo.State("symbol data")

	app := wallaroo.New("Market Spread")
	app.From("Orders", tcp.Listen("", frames, decodeOrder)).
		KeyBy(Order.symbol).
		StatefulFlatMap("check order", (*SymbolData).Check, shared).
		To("rejections", tcp.Dial("", frames, encodeRejection))
	app.From("Market Data", tcp.Listen("", frames, decodeMarketData)).
		KeyBy(MarketData.symbol).
		StatefulFlatMap("update symbol", (*SymbolData).Update, shared).
		To("symbols", tcp.Dial("", tcp.Lines(), encodeChange))
	return app
}

// Order is an order for a symbol.
type Order struct {
	Side     uint8
	Account  uint32
	ID       string
	Symbol   string
	Quantity float64
	Price    float64
	Time     string // as the FIX protocol has it
}

func (o Order) symbol() string { return o.Symbol }

// MarketData is what others would buy and sell a symbol for.
type MarketData struct {
	Symbol string
	Time   string
	Bid    float64
	Offer  float64
}

func (d MarketData) symbol() string { return d.Symbol }

// SymbolData is what is known of a symbol; both pipelines meet the same one. Orders are rejected until there is market data.
type SymbolData struct {
	Bid     float64
	Offer   float64
	Accepts bool
}

// Rejection is an order that is rejected, with the market that it met.
type Rejection struct {
	Order Order
	Bid   float64
	Offer float64
}

// SymbolChange says that a symbol can be traded from now on, or cannot.
type SymbolChange struct {
	Symbol  string
	Accepts bool
	Bid     float64
	Offer   float64
}

// Check gives a rejection if the order is rejected.
func (s *SymbolData) Check(order Order) iter.Seq[Rejection] {
	if s.Accepts {
		return nil
	}
	return slices.Values([]Rejection{{order, s.Bid, s.Offer}})
}

// Update takes market data in, and gives a change if there is one.
func (s *SymbolData) Update(data MarketData) iter.Seq[SymbolChange] {
	spread, middle := data.Offer-data.Bid, (data.Bid+data.Offer)/2
	accepted := s.Accepts
	s.Bid, s.Offer = data.Bid, data.Offer
	s.Accepts = spread < mostSpread && spread < mostSpread*middle
	if s.Accepts == accepted {
		return nil
	}
	return slices.Values([]SymbolChange{{data.Symbol, s.Accepts, data.Bid, data.Offer}})
}

func encodeChange(change SymbolChange, dst []byte) ([]byte, error) {
	verb := "rejects"
	if change.Accepts {
		verb = "accepts"
	}
	return fmt.Appendf(dst, "%s %s orders at bid %.2f offer %.2f", change.Symbol, verb, change.Bid, change.Offer), nil
}
