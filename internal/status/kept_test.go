package status

import (
	"reflect"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

func TestWhatIsKeptIsTold(t *testing.T) {
	start := time.Unix(1e9, 0)
	f := Facts{Plan: words, Connections: &Connections{}, DataDir: "d", Durability: "sync", Kept: &worker.Kept{
		Run: 3, Recoveries: 2,
		Open: &worker.OpenCheckpoint{
			Epoch: 8, Began: start.Add(5 * time.Second), Part: worker.Saving, Awaited: worker.Awaited{Sinks: []int{0}},
			Trouble: &worker.Trouble{Why: "full", Since: start, Attempts: 4},
		},
		Journal: worker.JournalFigures{Bytes: 1, Records: 2, SinceCheckpoint: 3, Appended: 4, Syncs: 5, Synced: 6},
		NoRoom:  &worker.Trouble{Why: "none", Since: start, Attempts: 1},
	}}
	f.Figures.Sources = make([]worker.SourceFigures, 1)
	f.Figures.Sinks = make([]worker.SinkFigures, 1)
	told := func() *Kept { return Of(&f, start.Add(10*time.Second)).Kept }
	want := &Kept{
		DataDir: "d", Durability: "sync", Run: 3, Recoveries: 2,
		Open: &Open{
			Epoch: 8, Since: start.Add(5 * time.Second), Seconds: 5, Part: "saving", WaitsFor: []string{"sink p/sink"},
			Trouble: &Trouble{Why: "full", Since: start, Attempts: 4},
		},
		Journal: Journal{Bytes: 1, Records: 2, SinceCheckpoint: 3, Syncs: 5, Synced: 6},
		NoRoom:  &Trouble{Why: "none", Since: start, Attempts: 1},
	}
	if got := told(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	last := worker.Checkpointed{Epoch: 7, Ended: start.Add(9 * time.Second), Bytes: 11, Changed: 12, Entities: 13, StateBytes: 14, Marked: -1}
	want.Checkpoint = &Checkpoint{
		Epoch: 7, Time: last.Ended, AgeSeconds: 1, StateEntities: 13, StateBytes: 14, ChangedEntities: 12, WrittenBytes: 11,
	}
	f.Kept.Last = last
	if got := told(); !reflect.DeepEqual(got.Checkpoint, want.Checkpoint) {
		t.Errorf("of an earlier process: %+v", got.Checkpoint)
	}
	for _, c := range []struct {
		aligned, saved, committed time.Duration
		marked                    int
		slowest                   string
		waited                    []string
	}{
		{3 * time.Second, 2 * time.Second, time.Second, 1, "aligning", []string{"executor 1"}},
		{3 * time.Second, 2 * time.Second, time.Second, -1, "aligning", []string{}},
		{time.Second, 4 * time.Second, time.Second, 1, "saving", []string{"executor 0", "sink p/sink"}},
		{time.Second, 2 * time.Second, 3 * time.Second, 1, "committing", []string{}},
	} {
		f.Kept.Last.Aligned, f.Kept.Last.Saved, f.Kept.Last.Committed = c.aligned, c.saved, c.committed
		f.Kept.Last.Took, f.Kept.Last.Marked = 6*time.Second, c.marked
		f.Kept.Last.Awaited = worker.Awaited{Executors: []int{0}, Sinks: []int{0}}
		if got := told().Checkpoint.Took; got.Slowest != c.slowest || !reflect.DeepEqual(got.WaitedFor, c.waited) || got.Seconds != 6 {
			t.Errorf("%+v; want %+v", got, c)
		}
	}
	f.Kept.Last.Spent, f.Kept.Last.PutOff = 2*time.Second, start.Add(20*time.Second)
	if got := told().Checkpoint.Took; got.ExecutorSeconds != 2 || got.NextPutOff != nil {
		t.Errorf("without room nothing is put off: %+v", got)
	}
	f.Kept.NoRoom = nil
	if got := told().Checkpoint.Took; got.ExecutorSeconds != 2 || got.NextPutOff == nil || !got.NextPutOff.Equal(start.Add(20*time.Second)) {
		t.Errorf("%+v", got)
	}
}

func TestProgressIsTold(t *testing.T) {
	start := time.Unix(1e9, 0)
	for _, c := range []struct {
		of   worker.Restoring
		left float64
		want string
	}{
		{worker.Restoring{OfEntities: 9}, 0, "restoring state: 0 of about 9 entities"},
		{worker.Restoring{Entities: 3, OfEntities: 12, Share: 0.25}, 30, "restoring state: 3 of about 12 entities, 30s left"},
		{worker.Restoring{Share: 1, StateTook: 4 * time.Second, OfRecords: 8}, 0, "restoring what the journal holds: 0 of 8 records"},
		{
			worker.Restoring{Share: 1, StateTook: 4 * time.Second, Records: 6, OfRecords: 8},
			2,
			"restoring what the journal holds: 6 of 8 records, 2s left",
		},
	} {
		c.of.Since = start
		now := start.Add(10 * time.Second)
		told := (&Facts{Kept: &worker.Kept{Restoring: &c.of}}).restoring(now)
		if (told.SecondsLeft == nil) != (c.left == 0) || told.SecondsLeft != nil && *told.SecondsLeft != c.left {
			t.Errorf("%+v; want %v", told, c.left)
		}
		if got := Words(&c.of, now); got != c.want {
			t.Errorf("%q; want %q", got, c.want)
		}
	}
}
