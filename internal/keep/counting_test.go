package keep

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strconv"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// graph is an application that counts keys.
func graph() *plan.Plan {
	return &plan.Plan{
		Application: "counting",
		States:      []plan.State{{Name: "counts", Class: "Count", Keyed: true}},
		Steps: []plan.Step{
			{Pipeline: "p", Name: "source", Kind: plan.Source, Outside: &plan.Outside{Connector: plan.TCP}},
			{Pipeline: "p", Name: "count", Kind: plan.StateComputation, State: "counts", After: []int{0}},
			{Pipeline: "p", Name: "sink", Kind: plan.Sink, After: []int{1}, Outside: &plan.Outside{Connector: plan.TCP}},
		},
	}
}

const source = "p/source"

// counting is what a worker is that counts keys: it keeps what it does in a data directory.
type counting struct {
	keep    *Keep
	log     bytes.Buffer
	counts  map[string]int
	changed map[string]bool // since the last checkpoint
	next    uint64          // the first record of the journal that is not counted
	epoch   uint64
	run     uint64
	tries   int // of what fails
}

// settings are those of most tests.
func settings(dir string) Options {
	return Options{Dir: dir, Plan: graph(), Partitions: 16, Retain: 3, segmentBytes: 400}
}

// start goes on from what a data directory keeps.
func start(ctx context.Context, o Options) (c *counting, err error) {
	c = &counting{counts: map[string]int{}, changed: map[string]bool{}, tries: 1}
	o.Log = slog.New(slog.NewTextHandler(&c.log, nil))
	if _, err = Cluster(o.Dir); err != nil {
		return c, err
	}
	if c.keep, err = Open(ctx, o); err != nil {
		return c, err
	}
	last := c.keep.Last()
	if c.run, err = c.keep.NewRun(ctx, nil); err != nil {
		return c, err
	}
	c.epoch, c.next = last.Epoch, 1
	for _, p := range last.Sources {
		c.next = p.Next
	}
	for e, err := range c.keep.Entities(ctx) {
		if err != nil {
			return c, err
		}
		n, err := strconv.Atoi(string(e.Value))
		if err != nil {
			return c, err
		}
		c.counts[string(e.Key)] = n
	}
	for r, err := range c.keep.Journal().Records(c.next) {
		if err != nil {
			return c, err
		}
		c.count(string(r.Payload))
	}
	return c, nil
}

// leave is a process that is killed: what it had open is closed, and nothing is written.
func (c *counting) leave() {
	if c.keep != nil && c.keep.journal != nil {
		_ = c.keep.journal.Close()
	}
}

func (c *counting) count(key string) {
	c.counts[key]++
	c.changed[key] = true
	c.next++
}

// accept takes keys, one a message.
func (c *counting) accept(keys ...string) error {
	for _, key := range keys {
		r := journal.Record{Source: source, Peer: "peer", Connection: 1, Sizes: []uint32{uint32(len(key))}, Payload: []byte(key)}
		if _, err := c.keep.Journal().Append(&r); err != nil {
			return err
		}
		c.count(key)
	}
	return nil
}

// try does something, as often as the worker tries.
func (c *counting) try(do func() error) (err error) {
	for range c.tries {
		if err = do(); err == nil {
			return nil
		}
	}
	return err
}

// checkpoint makes one.
func (c *counting) checkpoint(ctx context.Context) error {
	c.epoch++
	if _, err := c.keep.Journal().Sync(c.next - 1); err != nil {
		return err
	}
	for key := range c.changed { // a piece each
		piece := entity.Append(nil, &entity.Entity{Key: []byte(key), Value: fmt.Append(nil, c.counts[key])})
		if err := c.try(func() error { return c.keep.Add(ctx, c.epoch, piece) }); err != nil {
			return err
		}
	}
	m := worker.Manifest{Run: c.run, Epoch: c.epoch, Sources: []worker.Position{{Source: source, Next: c.next, Accepted: c.next - 1}}}
	if err := c.try(func() error { return c.keep.Commit(ctx, m) }); err != nil {
		return err
	}
	clear(c.changed)
	return c.try(func() error { return c.keep.Tidy(ctx) })
}

// keys are those of a history, one a message.
func keys(from, to int) (list []string) {
	for n := from; n < to; n++ {
		list = append(list, fmt.Sprint("key", n*n%7))
	}
	return list
}

// counted is what has come of the first so many keys.
func counted(n int) map[string]int {
	counts := map[string]int{}
	for _, key := range keys(0, n) {
		counts[key]++
	}
	return counts
}

const (
	accepted   = 40 // messages in the history
	checkpoint = 36 // of them in front of the last checkpoint
)

// written is a data directory with a small history: of two processes, both of which were killed.
func written(t *testing.T) string {
	t.Helper()
	dir := folder(t)
	for life := range 2 {
		c, err := start(t.Context(), settings(dir))
		if err != nil {
			t.Fatal(err)
		}
		for n := range 4 {
			from := life*20 + n*4
			if err := c.accept(keys(from, from+4)...); err != nil {
				t.Fatal(err)
			}
			if err := c.checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if life == 0 {
			err = c.accept(keys(16, 20)...)
		} else {
			err = c.accept(keys(checkpoint, accepted)...)
		}
		if err != nil {
			t.Fatal(err)
		}
		c.leave()
	}
	return dir
}

// goesOn has a history of which so many messages are accepted go on, and demands that it is right then, and when it starts again.
func goesOn(t *testing.T, o Options, n int) {
	t.Helper()
	for range 2 {
		c, err := start(t.Context(), o)
		if err == nil && !maps.Equal(c.counts, counted(n)) {
			t.Fatalf("%v; want %v\n%s", c.counts, counted(n), &c.log)
		}
		if err == nil {
			err = c.accept(keys(n, n+5)...)
		}
		for range 4 {
			if err == nil {
				err = c.checkpoint(t.Context())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		c.leave()
		n += 5
	}
}

// folder is one that is removed when the test ends: in memory, if there is such a disk, for much is made to reach it.
func folder(t *testing.T) string {
	t.Helper()
	const shared = "/dev/shm"
	under := ""
	if info, err := os.Stat(shared); err == nil && info.IsDir() {
		under = shared
	}
	dir, err := os.MkdirTemp(under, "keep") //nolint:usetesting // the test's own folder may be on a disk
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// copied is a copy of a data directory.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := folder(t)
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
