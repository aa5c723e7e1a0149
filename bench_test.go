package wallaroo_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
)

// benchText is a line of words, as the texts that are counted have them.
const benchText = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness"

type benchTotals struct{ Totals map[string]int }

type benchCount struct {
	word string
	n    int
}

func (t *benchTotals) count(word string) benchCount {
	if t.Totals == nil {
		t.Totals = map[string]int{}
	}
	t.Totals[word]++
	return benchCount{word, t.Totals[word]}
}

func benchSplit(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(strings.ToLower(text), " ") {
			if word = strings.Trim(word, ",."); word != "" && !yield(word) {
				return
			}
		}
	}
}

func benchEncode(c benchCount, dst []byte) ([]byte, error) {
	return fmt.Appendf(dst, "%s => %d\n", c.word, c.n), nil
}

// flood is a source that sends so many messages, as fast as they are taken, and a sink that drops what comes.
type flood struct {
	messages int
	done     func() // called when all have been delivered
	words    int    // that there are in all
	got      int
}

func (f *flood) ID() string                    { return "flood" }
func (f *flood) Listen() (string, error)       { return "memory", nil }
func (f *flood) Close()                        {}
func (f *flood) Connect(context.Context) error { return nil }

const benchBatch = 500

type floodSource struct{ *flood }

func (f floodSource) Run(ctx, stop context.Context, inlet connector.Inlet) error {
	to := inlet.Connect("memory")
	defer to.Close()
	for sent := 0; sent < f.messages; sent += benchBatch {
		b := connector.Batch{Ingest: time.Now().UnixNano(), Payload: make([]byte, 0, benchBatch*len(benchText))}
		for range min(benchBatch, f.messages-sent) {
			b.Append([]byte(benchText))
		}
		if err := to.Send(ctx, b); err != nil {
			return err
		}
	}
	<-stop.Done()
	return nil
}

type floodSink struct{ *flood }

func (f floodSink) Run(ctx context.Context, outlet connector.Outlet) error {
	for {
		for b, ok := outlet.Take(); ok; b, ok = outlet.Take() {
			f.got += b.Count()
			outlet.Delivered(b.Count(), len(b.Payload))
			if f.got == f.words {
				f.done()
			}
		}
		if outlet.Closed() {
			return nil
		}
		select {
		case <-outlet.Items():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func BenchmarkWordCount(b *testing.B) {
	words := 0
	for range benchSplit(benchText) {
		words++
	}
	for _, executors := range []int{1, 2} {
		b.Run(fmt.Sprint("executors=", executors), func(b *testing.B) {
			ctx, done := context.WithCancel(b.Context())
			f := &flood{messages: b.N, words: b.N * words, done: sync.OnceFunc(done)}
			app := wallaroo.New("flood")
			app.From("words", wallaroo.Source[string]{
				Origin: connector.Origin{Kind: "memory", Open: func(connector.Setup) (connector.Source, error) { return floodSource{f}, nil }},
				Decode: func(data []byte) (string, error) { return string(data), nil },
			}).
				FlatMap("split", benchSplit, wallaroo.Parallel()).
				KeyBy(func(word string) string { return word[:1] }).
				StatefulMap("count", (*benchTotals).count).
				To("counts", wallaroo.Sink[benchCount]{
					Destination: connector.Destination{Kind: "memory", Open: func(connector.Setup) (connector.Sink, error) { return floodSink{f}, nil }},
					Encode:      benchEncode,
				})
			if err := app.Run(ctx, wallaroo.Config{Executors: executors}); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*words), "ns/word")
		})
	}
	b.Run("loop", func(b *testing.B) {
		states := map[string]*benchTotals{}
		var out []byte
		for range b.N {
			text := string([]byte(benchText))
			for word := range benchSplit(text) {
				state := states[word[:1]]
				if state == nil {
					state = &benchTotals{}
					states[word[:1]] = state
				}
				out, _ = benchEncode(state.count(word), out[:0])
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*words), "ns/word")
	})
}
