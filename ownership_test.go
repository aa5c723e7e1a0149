package wallaroo_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
)

// shared is a state that gives its own map on.
type shared struct{ Counts map[string]int }

func (s *shared) count(word string) map[string]int {
	if s.Counts == nil {
		s.Counts = map[string]int{}
	}
	s.Counts[word]++
	return s.Counts
}

// TestOwnershipNamesTheStepThatGivesPartsOfItsState runs an application that works by chance, with and without the check.
func TestOwnershipNamesTheStepThatGivesPartsOfItsState(t *testing.T) {
	for _, check := range []bool{false, true} {
		var log bytes.Buffer
		ctx, done := context.WithCancel(t.Context())
		f := &flood{messages: 3, words: 3, done: done}
		app := wallaroo.New("sharing")
		app.From("words", wallaroo.Source[string]{
			Origin: connector.Origin{Kind: "memory", Open: func(connector.Setup) (connector.Source, error) { return floodSource{f}, nil }},
			Decode: func(data []byte) (string, error) { return string(data[:2]), nil },
		}).
			KeyBy(strings.ToLower).
			StatefulMap("count", (*shared).count).
			To("counts", wallaroo.Sink[map[string]int]{
				Destination: connector.Destination{Kind: "memory", Open: func(connector.Setup) (connector.Sink, error) { return floodSink{f}, nil }},
				Encode:      func(m map[string]int, dst []byte) ([]byte, error) { return append(dst, byte(len(m))), nil },
			})
		c := wallaroo.Config{Executors: 1, CheckOwnership: check, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := app.Run(ctx, c); err != nil {
			t.Fatal(err)
		}
		told := strings.Contains(log.String(), "step=words/count") && strings.Contains(log.String(), "changed after it was handed on")
		if told != check {
			t.Errorf("check %v:\n%s", check, log.String())
		}
	}
}

// TestOwnershipOfWhatHasNoBytesCannotBeChecked runs an application whose steps hand on a function, with and without the check.
func TestOwnershipOfWhatHasNoBytesCannotBeChecked(t *testing.T) {
	for _, check := range []bool{false, true} {
		ctx, done := context.WithCancel(t.Context())
		f := &flood{messages: 3, words: 3, done: done}
		app := wallaroo.New("calling")
		app.From("words", wallaroo.Source[string]{
			Origin: connector.Origin{Kind: "memory", Open: func(connector.Setup) (connector.Source, error) { return floodSource{f}, nil }},
			Decode: func(data []byte) (string, error) { return string(data[:2]), nil },
		}).
			Map("later", func(word string) func() string { return func() string { return word } }).
			Map("now", func(later func() string) string { return later() }).
			To("words", wallaroo.Sink[string]{
				Destination: connector.Destination{Kind: "memory", Open: func(connector.Setup) (connector.Sink, error) { return floodSink{f}, nil }},
				Encode:      func(s string, dst []byte) ([]byte, error) { return append(dst, s...), nil },
			})
		err := app.Run(ctx, wallaroo.Config{Executors: 1, CheckOwnership: check})
		switch want := "ownership cannot be checked: words/later: what it gives has no bytes"; {
		case !check && err != nil:
			t.Errorf("without the check: %v", err)
		case check && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("with the check: %v", err)
		}
	}
}
