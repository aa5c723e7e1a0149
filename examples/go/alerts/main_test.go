package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/examples/runner"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// TestExample runs the application over the data of the Python example, whose JSON has spaces.
func TestExample(t *testing.T) {
	t.Parallel()
	next := func(from *bufio.Reader) (string, error) {
		line, err := from.ReadBytes('\n')
		if err != nil {
			return "", err
		}
		var a Alert
		err = json.Unmarshal(line, &a)
		return fmt.Sprintf(`{"user": %q, "time": %q, "reason": %q}`, a.User, a.Time, a.Reason), err
	}
	runner.Test(t, application, runner.Example{
		Folder:  "alerts",
		Inputs:  []runner.Input{{Pipeline: "Transactions", File: "transactions.jsonl", Lines: true}},
		Outputs: []runner.Output{{File: "expected.txt", Key: `"user": "[^"]*"`, Next: next}},
	})
}

func transaction(user string, amount float64, time string) string {
	return fmt.Sprintf(`{"user": %q, "amount": %v, "time": "2024-03-01T10:%s"}`, user, amount, time)
}

func TestABurstIsToldOnce(t *testing.T) {
	t.Parallel()
	var inputs []string
	for _, time := range []string{"00:00", "00:10", "00:20", "00:59", "01:00", "01:01"} {
		inputs = append(inputs, transaction("ann", 5, time), transaction("bob", 5, time[3:]+":00"))
	}
	result := wallarootest.Run(t, application(), wallarootest.Inputs(inputs...), wallarootest.Executors(2), wallarootest.Seed(1))
	want := []string{`{"user":"ann","time":"2024-03-01T10:00:59","reason":"4 transactions in 60 seconds"}` + "\n"}
	if !slices.Equal(result.Output(), want) {
		t.Errorf("got %q, want %q", result.Output(), want)
	}
}

func TestWhatIsNoJSONFailsAlone(t *testing.T) {
	t.Parallel()
	inputs := wallarootest.Inputs("ann paid 5", transaction("ann", 5, "00:00"))
	result := wallarootest.Run(t, application(), inputs, wallarootest.Failures())
	if len(result.Failures) != 1 || !strings.Contains(result.Failures[0].Error, "invalid character 'a'") {
		t.Errorf("failures %v", result.Failures)
	}
	if account, err := result.Entity[Account]("Transactions/watch", "ann"); err != nil || account == nil || account.Count != 1 {
		t.Errorf("the account is %v, %v", account, err)
	}
}
