package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// The first byte of a message says what it is, as a message of the FIX protocol does.
const (
	orderKind      = 1
	marketDataKind = 2
)

// orderFrame is an order as bytes, big-endian.
type orderFrame struct {
	Kind     uint8
	Side     uint8
	Account  uint32
	ID       [6]byte
	Symbol   [4]byte
	Quantity float64
	Price    float64
	Time     [21]byte
}

// marketDataFrame is market data as bytes.
type marketDataFrame struct {
	Kind   uint8
	Symbol [4]byte
	Time   [21]byte
	Bid    float64
	Offer  float64
}

// rejectionFrame is a rejection as bytes.
type rejectionFrame struct {
	Side     uint16
	Account  uint32
	ID       [6]byte
	Symbol   [4]byte
	Quantity float64
	Price    float64
	Bid      float64
	Offer    float64
	Time     uint64 // nanoseconds since 1970
}

func decodeOrder(data []byte) (Order, error) {
	var f orderFrame
	if err := read(data, &f, &f.Kind, orderKind); err != nil {
		return Order{}, err
	}
	return Order{f.Side, f.Account, text(f.ID[:]), text(f.Symbol[:]), f.Quantity, f.Price, text(f.Time[:])}, nil
}

func decodeMarketData(data []byte) (MarketData, error) {
	var f marketDataFrame
	if err := read(data, &f, &f.Kind, marketDataKind); err != nil {
		return MarketData{}, err
	}
	return MarketData{text(f.Symbol[:]), text(f.Time[:]), f.Bid, f.Offer}, nil
}

// read reads a message of a kind, and nothing else.
func read(data []byte, frame any, kind *uint8, want uint8) error {
	n, err := binary.Decode(data, binary.BigEndian, frame)
	switch {
	case err != nil:
		return err
	case n != len(data):
		return fmt.Errorf("a message of %d bytes, not %d", n, len(data))
	case *kind != want:
		return fmt.Errorf("a message of kind %d, not %d", *kind, want)
	}
	return nil
}

func encodeRejection(r Rejection, dst []byte) ([]byte, error) {
	at, err := time.Parse("20060102-15:04:05.000", r.Order.Time)
	if err != nil {
		return dst, err
	}
	f := rejectionFrame{
		Side: uint16(r.Order.Side), Account: r.Order.Account, Quantity: r.Order.Quantity, Price: r.Order.Price,
		Bid: r.Bid, Offer: r.Offer, Time: uint64(at.UnixNano()),
	}
	copy(f.ID[:], r.Order.ID)
	copy(f.Symbol[:], r.Order.Symbol)
	return binary.Append(dst, binary.BigEndian, f)
}

func text(field []byte) string { return strings.TrimRight(string(field), "\x00 ") }
