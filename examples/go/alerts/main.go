// Command alerts watches payments: transactions come in over TCP, and alerts on users whose transactions are unusual go out.
//
//	alerts --in 127.0.0.1:7010 --out 127.0.0.1:7002
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

const (
	window       = 60 * time.Second
	mostInWindow = 3
	usualFactor  = 5
	usualAfter   = 4 // transactions; before, nothing is unusual
)

func main() { wallaroo.Main(application()) }

func application() *wallaroo.App {
	app := wallaroo.New("Transaction Alerts")
	app.From("Transactions", tcp.Listen("", tcp.Frames(4, binary.BigEndian), decode)).
		KeyBy(user).
		StatefulFlatMap("watch", (*Account).Watch, wallaroo.Initial(open)).
		To("alerts", tcp.Dial("", tcp.Lines(), encode))
	return app
}

// Transaction is a payment of a user.
type Transaction struct {
	User   string
	Amount float64
	Time   time.Time
}

// Alert says what is unusual.
type Alert struct {
	User   string `json:"user"`
	Time   string `json:"time"`
	Reason string `json:"reason"`
}

// Account is what is remembered of a user, who is the key.
type Account struct {
	User   string
	Count  int
	Total  float64
	Newest time.Time
	Recent []time.Time
}

func open(user string) Account { return Account{User: user} }

func user(t Transaction) string { return t.User }

// Watch gives alerts on what is unusual in a transaction.
func (a *Account) Watch(t Transaction) iter.Seq[Alert] {
	var reasons []string
	if a.isUnusual(t.Amount) {
		reasons = append(reasons, fmt.Sprintf("%.2f is more than %d times the usual amount", t.Amount, usualFactor))
	}
	a.add(t)
	if len(a.Recent) > mostInWindow {
		reasons = append(reasons, fmt.Sprintf("%d transactions in %.0f seconds", len(a.Recent), window.Seconds()))
		a.Recent = nil // One alert for each burst.
	}
	return func(yield func(Alert) bool) {
		for _, reason := range reasons {
			if !yield(Alert{a.User, t.Time.Format(timeLayout), reason}) {
				return
			}
		}
	}
}

func (a *Account) isUnusual(amount float64) bool {
	return a.Count >= usualAfter && amount > usualFactor*a.Total/float64(a.Count)
}

func (a *Account) add(t Transaction) {
	a.Count++
	a.Total += t.Amount
	if t.Time.After(a.Newest) {
		a.Newest = t.Time
	}
	a.Recent = append(a.Recent, t.Time)
	// By the times in the messages: a transaction that comes late counts when it happened.
	a.Recent = slices.DeleteFunc(a.Recent, func(at time.Time) bool { return a.Newest.Sub(at) >= window })
}

// timeLayout is how a time stands in transactions and alerts.
const timeLayout = "2006-01-02T15:04:05"

func decode(data []byte) (Transaction, error) {
	var fields struct {
		User   string  `json:"user"`
		Amount float64 `json:"amount"`
		Time   string  `json:"time"`
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		return Transaction{}, err
	}
	at, err := time.Parse(timeLayout, fields.Time)
	return Transaction{fields.User, fields.Amount, at}, err
}

func encode(alert Alert, dst []byte) ([]byte, error) {
	line, err := json.Marshal(alert)
	return append(dst, line...), err
}
