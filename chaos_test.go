package wallaroo

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// dictated is a source of several connections, each with so many lines of random words.
type dictated struct {
	name  string
	lines []string
	lanes int
}

func (d *dictated) ID() string              { return d.name }
func (d *dictated) Listen() (string, error) { return "memory", nil }
func (d *dictated) Close()                  {}

func (d *dictated) Run(ctx, stop context.Context, inlet connector.Inlet) error {
	var running sync.WaitGroup
	for lane := range d.lanes {
		running.Go(func() {
			to := inlet.Connect(fmt.Sprint(d.name, lane))
			defer to.Close()
			for n := lane; n < len(d.lines); n += d.lanes {
				b := connector.Batch{Ingest: time.Now().UnixNano()}
				b.Append([]byte(d.lines[n]))
				if to.Send(ctx, b) != nil {
					return
				}
			}
		})
	}
	running.Wait()
	<-stop.Done()
	return nil
}

func (d *dictated) source() Source[string] {
	return Source[string]{
		Origin: connector.Origin{Kind: "memory", Open: func(connector.Setup) (connector.Source, error) { return d, nil }},
		Decode: func(data []byte) (string, error) { return string(data), nil },
	}
}

// noted is a sink that keeps what comes, and says when that is enough.
type noted struct {
	name  string
	mu    sync.Mutex
	lines []string
	want  int
	all   func()
}

func (n *noted) ID() string                    { return n.name }
func (n *noted) Connect(context.Context) error { return nil }
func (n *noted) Close()                        {}

func (n *noted) Run(ctx context.Context, outlet connector.Outlet) error {
	for {
		for b, ok := outlet.Take(); ok; b, ok = outlet.Take() {
			messages, bytes := b.Count(), len(b.Payload)
			n.note(b)
			outlet.Delivered(messages, bytes)
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

func (n *noted) note(b connector.Batch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for b.Count() > 0 {
		one := b.Take(1)
		n.lines = append(n.lines, string(one.Payload))
	}
	if len(n.lines) == n.want {
		n.all()
	}
}

func (n *noted) sink() Sink[tally] {
	return Sink[tally]{
		Destination: connector.Destination{Kind: "memory", Open: func(connector.Setup) (connector.Sink, error) { return n, nil }},
		Encode:      func(t tally, dst []byte) ([]byte, error) { return fmt.Appendf(dst, "%s %d", t.Key, t.N), nil },
	}
}

// tally is a counter's word and what it has counted to.
type tally struct {
	Key string
	N   int
}

type counter struct{ N int }

func (c *counter) word(word string) tally {
	c.N++
	return tally{word, c.N}
}

func (c *counter) again(t tally) tally { return c.word(t.Key[:1]) }

func fields(line string) iter.Seq[string] { return strings.FieldsSeq(line) }

// TestCountsInAGraphThatMoves runs a graph with a merge, branches, a second exchange and a state that two pipelines share, while partitions
// move between executors: each count of each key comes once, and in its order.
func TestCountsInAGraphThatMoves(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			countInAGraph(t, seed)
		})
	}
}

func countInAGraph(t *testing.T, seed uint64) {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 1))
	one, other, third := words(chance, "one", 300), words(chance, "other", 200), words(chance, "third", 200)
	merged, shared := 10*(300+200), 10*(300+200+200)
	ctx, done := context.WithCancel(t.Context())
	defer done()
	var missing sync.WaitGroup
	missing.Add(3)
	sink := func(name string, want int) *noted { return &noted{name: name, want: want, all: missing.Done} }
	byWord, byLetter, common := sink("by word", merged), sink("by letter", merged), sink("common", shared)

	app := New("graph")
	second := app.From("other", other.source())
	split := app.From("one", one.source()).Merge(second).FlatMap("split", fields)
	counted := split.KeyBy(strings.ToLower).StatefulMap("count words", (*counter).word)
	counted.To("words", byWord.sink())
	counted.KeyBy(func(t tally) string { return t.Key[:1] }).StatefulMap("count letters", (*counter).again).To("letters", byLetter.sink())
	own := split.KeyBy(strings.ToLower).StatefulMap("count in common", (*counter).word, State("common"))
	far := app.From("third", third.source()).FlatMap("split", fields, Parallel()).
		KeyBy(strings.ToLower).StatefulMap("count too", (*counter).word, State("common"))
	own.Merge(far).To("common", common.sink())

	o, err := app.options(Config{Executors: 1 + int(seed%4), Partitions: 64})
	if err != nil {
		t.Fatal(err)
	}
	o.Chaos, o.Credit = &worker.Chaos{Markers: 2 * time.Millisecond, Moves: 0.5, Seed: seed}, 1+int(seed)
	ended := make(chan error, 1)
	go func() { ended <- application.Run(context.WithoutCancel(ctx), ctx, *o) }()
	missing.Wait()
	done()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, n := range []*noted{byWord, byLetter, common} {
		n.inOrder(t)
	}
}

// words is a source of lines of ten words each.
func words(chance *rand.Rand, name string, lines int) *dictated {
	d := &dictated{name: name, lanes: 1 + chance.IntN(3)}
	for range lines {
		var line strings.Builder
		for range 10 {
			fmt.Fprintf(&line, "%c%d ", 'a'+rune(chance.IntN(26)), chance.IntN(4))
		}
		d.lines = append(d.lines, line.String())
	}
	return d
}

// inOrder demands that the counts of each key are 1, 2, 3 and so on.
func (n *noted) inOrder(t *testing.T) {
	t.Helper()
	counts := map[string]int{}
	for _, line := range n.lines {
		key, count, _ := strings.Cut(line, " ")
		if counts[key]++; count != fmt.Sprint(counts[key]) {
			t.Fatalf("%s: %s came as number %d", n.name, line, counts[key])
		}
	}
	if len(n.lines) != n.want {
		t.Errorf("%s: %d of %d came", n.name, len(n.lines), n.want)
	}
}
