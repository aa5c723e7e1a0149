package keep

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/store"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// opened opens what a directory keeps, of an application without states whose checkpoints lie at a place.
func opened(t *testing.T, dir string, place bucket.Place, more Options) (*Keep, error) {
	t.Helper()
	home, err := FindHome(t.Context(), dir, Wanted{Place: place, Restore: more.Restore})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { home.Close() })
	more.Dir, more.Checkpoints, more.Elsewhere, more.Cluster = dir, home.Checkpoints, home.Elsewhere(), home.Cluster
	more.Plan, more.Partitions, more.Retain, more.Log = &plan.Plan{Application: "test"}, 1024, 3, slog.New(slog.DiscardHandler)
	return Open(t.Context(), more)
}

func placeIn(t *testing.T, parts ...string) bucket.Place {
	t.Helper()
	p, err := bucket.Parse(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// accepts has a source accept so many records, each one message of a stream.
func accepts(t *testing.T, k *Keep, records int) {
	t.Helper()
	connection := k.Journal().Connect()
	for range records {
		r := journal.Record{Source: "p/source", Connection: connection, Stream: "s", Sizes: []uint32{1}, Payload: []byte("x")}
		if _, err := k.Journal().Append(&r); err != nil {
			t.Fatal(err)
		}
	}
}

// commits makes a checkpoint of an epoch behind all that was accepted, of which there was so much in all.
func commits(t *testing.T, k *Keep, epoch, accepted uint64) {
	t.Helper()
	at := worker.Position{Source: "p/source", Next: k.Journal().Next(), Accepted: accepted, Streams: map[string]uint64{"s": accepted}}
	if err := k.Commit(t.Context(), worker.Manifest{Epoch: epoch, Sources: []worker.Position{at}}); err != nil {
		t.Fatal(err)
	}
}

func closes(t *testing.T, k *Keep) {
	t.Helper()
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPositionsOfAnotherJournalAreTheBeginningOfThisOne restores, goes on, and falls back to a checkpoint of the journal that was lost.
func TestPositionsOfAnotherJournalAreTheBeginningOfThisOne(t *testing.T) {
	place := placeIn(t, t.TempDir())
	k, err := opened(t, t.TempDir(), place, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if run, err := k.NewRun(t.Context()); run != 1 || err != nil {
		t.Error(run, err)
	}
	accepts(t, k, 5)
	commits(t, k, 1, 5)
	closes(t, k)

	dir := t.TempDir()
	k, err = opened(t, dir, place, Options{Restore: true})
	if err != nil {
		t.Fatal(err)
	}
	demandSource(t, k, worker.Position{Next: 1, Accepted: 5})
	if run, err := k.NewRun(t.Context()); run != 2 || err != nil {
		t.Error(run, err)
	}
	accepts(t, k, 20)
	commits(t, k, 2, 25)
	newest := k.last.Name
	closes(t, k)

	k, err = opened(t, dir, bucket.Place{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	demandSource(t, k, worker.Position{Next: 21, Accepted: 25})
	closes(t, k)
	b, err := place.Open(t.Context())
	if err == nil {
		err = b.Delete(t.Context(), newest)
	}
	if err != nil {
		t.Fatal(err)
	}
	k, err = opened(t, dir, bucket.Place{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	demandSource(t, k, worker.Position{Next: 1, Accepted: 5})
	closes(t, k)
}

// demandSource demands where the source is, by the last checkpoint.
func demandSource(t *testing.T, k *Keep, want worker.Position) {
	t.Helper()
	if got := k.Last().Sources; len(got) != 1 || got[0].Next != want.Next || got[0].Accepted != want.Accepted ||
		got[0].Streams["s"] != want.Accepted {
		t.Errorf("%+v; want %+v", got, want)
	}
}

// noManifests is a place that takes no manifest.
type noManifests struct{ store.Bucket }

var errFull = errors.New("the disk is full")

func (n noManifests) Write(ctx context.Context, name string, content func(io.Writer) error) error {
	if strings.HasPrefix(name, "manifests/") {
		return errFull
	}
	return n.Bucket.Write(ctx, name, content)
}

// TestASavepointThatIsCopiedInHalfIsNoState has the copy fail before its end.
func TestASavepointThatIsCopiedInHalfIsNoState(t *testing.T) {
	k, err := opened(t, t.TempDir(), bucket.Place{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.NewRun(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := placeIn(t, t.TempDir(), "savepoint")
	if _, err := k.Savepoint(t.Context(), at); err == nil {
		t.Error("a savepoint of nothing")
	}
	accepts(t, k, 5)
	commits(t, k, 1, 5)
	if _, err := k.Savepoint(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Savepoint(t.Context(), at); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	closes(t, k)

	dir := t.TempDir()
	from, err := OpenOrigin(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	home, err := FindHome(t.Context(), dir, Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Dir: dir, Checkpoints: noManifests{home.Checkpoints}, Cluster: home.Cluster, From: from, Plan: &plan.Plan{Application: "test"},
		Partitions: 1024, Retain: 3, Log: slog.New(slog.DiscardHandler),
	}
	if _, err := Open(t.Context(), o); !errors.Is(err, errFull) {
		t.Error(err)
	}
	o.Checkpoints, o.From = home.Checkpoints, nil
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is not there: name that again, or begin anew") {
		t.Error(err)
	}
	o.From = from
	again, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	demandSource(t, again, worker.Position{Next: 1, Accepted: 5})
	if run, err := again.NewRun(t.Context()); run != 2 || err != nil {
		t.Error(run, err)
	}
	closes(t, again)
	if own, err := Own(dir); err != nil || len(own) != 2 || from.Trusted(own) != nil || from.Trusted(own[:1]) == nil {
		t.Error(own, err)
	}
}

// TestAnOtherApplicationIsRefusedBeforeAnythingIsCopied demands that it may be tried again with --allow-changed.
func TestAnOtherApplicationIsRefusedBeforeAnythingIsCopied(t *testing.T) {
	k, err := opened(t, t.TempDir(), bucket.Place{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.NewRun(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.options.Plan = &plan.Plan{Application: "another"}
	commits(t, k, 1, 0)
	at := placeIn(t, t.TempDir(), "savepoint")
	m, err := k.Savepoint(t.Context(), at)
	if err != nil || !json.Valid(m.Fingerprint) {
		t.Fatal(err)
	}
	closes(t, k)
	dir := t.TempDir()
	from, err := OpenOrigin(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	_, err = opened(t, dir, bucket.Place{}, Options{From: from})
	if _, changed := errors.AsType[*ChangedError](err); !changed {
		t.Error(err)
	}
	k, err = opened(t, dir, bucket.Place{}, Options{From: from, AllowChanged: true})
	if err != nil {
		t.Fatal(err)
	}
	closes(t, k)
}
