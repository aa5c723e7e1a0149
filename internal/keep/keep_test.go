package keep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/store"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

var errDisk = errors.New("the disk fails")

// failing is a bucket one of whose operations fails, before or after it is done, or all from that one on.
type failing struct {
	store.Bucket
	done, failAt  int
	late, forGood bool
}

func (f *failing) do(operation func() error) error {
	f.done++
	switch {
	case f.done < f.failAt, f.done > f.failAt && !f.forGood:
		return operation()
	case f.late && f.done == f.failAt:
		return cmp.Or(operation(), errDisk)
	}
	return errDisk
}

func (f *failing) Write(ctx context.Context, name string, content func(io.Writer) error) error {
	return f.do(func() error { return f.Bucket.Write(ctx, name, content) })
}

func (f *failing) Read(ctx context.Context, name string) (data []byte, err error) {
	err = f.do(func() (err error) { data, err = f.Bucket.Read(ctx, name); return err })
	return data, err
}

func (f *failing) ReadAt(ctx context.Context, name string, dst []byte, offset int64) error {
	return f.do(func() error { return f.Bucket.ReadAt(ctx, name, dst, offset) })
}

func (f *failing) List(ctx context.Context, prefix string) (list []store.Listed, err error) {
	err = f.do(func() (err error) { list, err = f.Bucket.List(ctx, prefix); return err })
	return list, err
}

func (f *failing) Delete(ctx context.Context, name string) error {
	return f.do(func() error { return f.Bucket.Delete(ctx, name) })
}

// TestEachOperationFailsInTurn has each operation on checkpoints fail, of a process that goes on from what is kept: once, and it is tried
// again as a worker does, or for good, and another process goes on.
func TestEachOperationFailsInTurn(t *testing.T) {
	dir := written(t)
	for _, mode := range []failing{{}, {late: true}, {forGood: true}, {forGood: true, late: true}} {
		for failAt := 1; ; failAt++ {
			o := settings(copied(t, dir))
			bucket := &failing{
				Bucket: store.Folder(filepath.Join(o.Dir, checkpointsFolder)), failAt: failAt, late: mode.late, forGood: mode.forGood,
			}
			failed := o
			failed.Checkpoints = bucket
			n, err := goOnce(t, failed)
			if bucket.done < failAt {
				break // all have failed
			}
			if err != nil && !errors.Is(err, errDisk) {
				t.Fatalf("%+v: %v", bucket, err)
			}
			goesOn(t, o, n)
		}
	}
}

// goOnce has a history go on for a while. It returns how many messages are accepted in all.
func goOnce(t *testing.T, o Options) (n int, err error) {
	t.Helper()
	c, err := start(t.Context(), o)
	defer c.leave()
	n = accepted
	if err != nil {
		return n, err
	}
	if c.tries = 2; !maps.Equal(c.counts, counted(n)) {
		t.Fatalf("%v; want %v", c.counts, counted(n))
	}
	for range 2 {
		if err := c.accept(keys(n, n+3)...); err != nil {
			t.Fatal(err)
		}
		n += 3
		if err := c.checkpoint(t.Context()); err != nil {
			return n, err
		}
	}
	return n, nil
}

// TestALifeGoesOnFromTheLastCheckpoint drops what was added to a checkpoint that is not committed.
func TestALifeGoesOnFromTheLastCheckpoint(t *testing.T) {
	o := settings(written(t))
	c, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	before := c.run
	if err := c.keep.Add(t.Context(), c.epoch+1, nil); err != nil {
		t.Fatal(err)
	}
	if c.run, err = c.keep.NewRun(t.Context(), nil); err != nil || c.run != before+1 {
		t.Errorf("run %d, %v; want %d", c.run, err, before+1)
	}
	if err := c.checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
	c.leave()
	goesOn(t, o, accepted)
}

// TestRunsOnlyGrow starts over and over without a checkpoint.
func TestRunsOnlyGrow(t *testing.T) {
	o, last := settings(written(t)), uint64(0)
	for range 5 {
		c, err := start(t.Context(), o)
		if err != nil || c.run <= last {
			t.Fatalf("run %d after %d, %v", c.run, last, err)
		}
		last = c.run
		c.leave()
	}
}

func TestPartitionsMayChange(t *testing.T) {
	o := settings(written(t))
	for _, o.Partitions = range []int{64, 1, 1024} {
		goOnce := o
		goOnce.Dir = copied(t, o.Dir)
		goesOn(t, goOnce, accepted)
	}
}

// TestAChangedApplication is refused with what has changed, and goes on with what fits if that is allowed.
func TestAChangedApplication(t *testing.T) {
	dir := written(t)
	for _, c := range []struct {
		what   string
		change func(p *plan.Plan)
		fits   bool // the state
		want   []string
	}{
		{"name", func(p *plan.Plan) { p.Application = "other" }, true, []string{`it was application "counting" and is "other"`}},
		{"state removed", func(p *plan.Plan) {
			p.States, p.Steps[1].Kind, p.Steps[1].State = nil, plan.Computation, ""
		}, false, []string{`state "counts" is no more`, `"p/count" was a state computation with state "counts"`}},
		{"state renamed", func(p *plan.Plan) {
			p.States[0].Name, p.Steps[1].State = "totals", "totals"
		}, false, []string{`state "counts" is no more`, `"p/count" was`}},
		{"another type", func(p *plan.Plan) { p.States[0].Class = "Total" }, false, []string{`state "counts" was Count and is Total`}},
		{"step renamed", func(p *plan.Plan) { p.Steps[1].Name = "sum" }, true, []string{
			`state computation "p/count" is no more`, `state computation "p/sum" is new`, `"p/sink" was a sink (tcp) behind p/count`,
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := settings(copied(t, dir))
			c.change(o.Plan)
			refused, err := start(t.Context(), o)
			refused.leave()
			changed, is := errors.AsType[*ChangedError](err)
			if !is || len(changed.Differences) < len(c.want) {
				t.Fatal(err)
			}
			for _, want := range append(c.want, "--allow-changed", "--fresh") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v; want %q", err, want)
				}
			}
			o.AllowChanged = true
			allowed, err := start(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer allowed.leave()
			want := counted(accepted)
			if !c.fits { // only what the journal brings again
				for key, n := range counted(checkpoint) {
					if want[key] -= n; want[key] == 0 {
						delete(want, key)
					}
				}
			}
			if !maps.Equal(allowed.counts, want) {
				t.Errorf("%v; want %v", allowed.counts, want)
			}
			told := fmt.Sprintf("state=counts entities=%d", len(counted(checkpoint)))
			if strings.Contains(allowed.log.String(), told) == c.fits {
				t.Errorf("whether %q is in the log is %t:\n%s", told, !c.fits, &allowed.log)
			}
			for _, line := range changed.Differences {
				if !strings.Contains(allowed.log.String(), strings.ReplaceAll(line, `"`, `\"`)) {
					t.Errorf("%q is not in the log:\n%s", line, &allowed.log)
				}
			}
		})
	}
}

// TestSetAside begins anew, and what was there is another data directory that goes on.
func TestSetAside(t *testing.T) {
	o := settings(written(t))
	before, err := Cluster(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	list := files(t, o.Dir)
	if err := os.WriteFile(filepath.Join(o.Dir, "letters"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	aside, err := SetAside(o.Dir, time.Now(), "letters", "nothing")
	if err != nil || filepath.Dir(aside) != o.Dir {
		t.Fatal(aside, err)
	}
	if got := files(t, aside); !slices.Equal(got, slices.Sorted(slices.Values(append(list, "letters")))) {
		t.Errorf("%q is set aside; want %q", got, list)
	}
	if entries, err := os.ReadDir(o.Dir); err != nil || len(entries) != 1 {
		t.Errorf("%v is left, %v", entries, err)
	}
	if again, err := SetAside(o.Dir, time.Now()); again != "" || err != nil {
		t.Errorf("%q is set aside of nothing, %v", again, err)
	}
	after, err := Cluster(o.Dir)
	if err != nil || after == before {
		t.Errorf("it is history %s again, %v", after, err)
	}
	goesOn(t, o, 0)
	o.Dir = aside
	goesOn(t, o, accepted)
}

// TestCheckpointsAloneAreNoHistory demands the journal, and what tells runs apart, of those who bring a checkpoint.
func TestCheckpointsAloneAreNoHistory(t *testing.T) {
	dir := written(t)
	for _, gone := range []string{journalFolder, historyFile} {
		damaged := copied(t, dir)
		if err := os.RemoveAll(filepath.Join(damaged, gone)); err != nil {
			t.Fatal(err)
		}
		c, err := start(t.Context(), settings(damaged))
		if err == nil || !strings.Contains(err.Error(), gone) {
			t.Errorf("without the %s: %v", gone, err)
		}
		c.leave()
	}
	damaged := copied(t, dir)
	if err := os.RemoveAll(filepath.Join(damaged, checkpointsFolder)); err != nil {
		t.Fatal(err)
	}
	c, err := start(t.Context(), settings(damaged))
	if err == nil || !strings.Contains(err.Error(), "manifests/") || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without checkpoints: %v", err)
	}
	c.leave()
}

// TestACommitThatIsHalfDoneIsTriedAgain has the manifest written, and not that it is the last one.
func TestACommitThatIsHalfDoneIsTriedAgain(t *testing.T) {
	o := settings(written(t))
	c, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(o.Dir, historyFile+store.PartSuffix)
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	c.tries = 2
	if err := c.checkpoint(t.Context()); err == nil || !strings.Contains(err.Error(), inTheWay) {
		t.Fatal(err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	m := worker.Manifest{Run: c.run, Epoch: c.epoch, Sources: []worker.Position{{Source: source, Next: c.next}}}
	if err := c.keep.Commit(t.Context(), m); err != nil || c.keep.Last().Epoch != c.epoch {
		t.Errorf("epoch %d, %v; want %d", c.keep.Last().Epoch, err, c.epoch)
	}
	c.leave()
	goesOn(t, o, accepted)
}

// TestAnOlderCheckpointKeepsItsJournal goes on from one before the last, and makes checkpoints that are still in front of that.
func TestAnOlderCheckpointKeepsItsJournal(t *testing.T) {
	o := settings(written(t))
	objects := filepath.Join(o.Dir, checkpointsFolder, "objects")
	do(t, filepath.Join(objects, slices.Max(files(t, objects))), nil)
	c, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	m := c.keep.Last()
	if m.Epoch != 8 || m.Sources[0].Next > checkpoint {
		t.Fatalf("%+v; want an older one than that of epoch 8, behind whose epoch it goes on", m)
	}
	for range 3 {
		m.Epoch++
		if err := errors.Join(c.keep.Commit(t.Context(), m), c.keep.Tidy(t.Context())); err != nil {
			t.Fatal(err)
		}
		then := o
		then.Dir = copied(t, o.Dir)
		goesOn(t, then, accepted)
	}
	c.leave()
}
