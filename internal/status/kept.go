package status

import (
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Kept is how what outlives the process stands.
type Kept struct {
	DataDir    string `json:"data_dir"`
	Durability string `json:"durability"` // "async" or "sync"
	Run        uint64 `json:"run"`        // that goes on; 0 before the first
	Recoveries uint64 `json:"recoveries"` // since the start
	// Checkpoint is the last one; null if there is none.
	Checkpoint *Checkpoint `json:"checkpoint"`
	// Open is the checkpoint that is under way; null if none is.
	Open    *Open   `json:"open_checkpoint"`
	Journal Journal `json:"journal"`
	// NoRoom is why nothing is accepted; null if that is not so.
	NoRoom *Trouble `json:"no_room"`
	// Untidy is why what no checkpoint needs any more cannot be removed; null if it can.
	Untidy *Trouble `json:"not_removed"`
}

// Checkpoint is one that is committed.
type Checkpoint struct {
	Epoch      uint64    `json:"epoch"`
	Time       time.Time `json:"time"`
	AgeSeconds float64   `json:"age_seconds"`
	// StateEntities and StateBytes are about what there is; ChangedEntities and WrittenBytes what was new.
	StateEntities   uint64 `json:"state_entities"`
	StateBytes      uint64 `json:"state_bytes"`
	ChangedEntities uint64 `json:"changed_entities"`
	WrittenBytes    int    `json:"written_bytes"`
	// Took is null of one that an earlier process made.
	Took *Took `json:"took"`
}

// Took is how long a checkpoint took, and why.
type Took struct {
	Seconds           float64 `json:"seconds"`
	AligningSeconds   float64 `json:"aligning_seconds"`
	SavingSeconds     float64 `json:"saving_seconds"`
	CommittingSeconds float64 `json:"committing_seconds"`
	// Slowest is the part that took longest; WaitedFor what that waited for last: executors and sinks.
	Slowest   string   `json:"slowest"`
	WaitedFor []string `json:"waited_for"`
	// ExecutorSeconds is how long it kept the executor that had most to do with it from messages, about; NextPutOff until when the next is
	// put off for that, or null.
	ExecutorSeconds float64    `json:"executor_seconds"`
	NextPutOff      *time.Time `json:"next_put_off_until"`
}

// Open is a checkpoint that is under way.
type Open struct {
	Epoch   uint64    `json:"epoch"` // 0 until its marker goes around
	Since   time.Time `json:"since"`
	Seconds float64   `json:"seconds"`
	// Part is "aligning", "saving" or "committing"; WaitsFor what that waits for: executors and sinks.
	Part     string   `json:"part"`
	WaitsFor []string `json:"waits_for"`
	// Trouble is why it cannot be written; null if it can.
	Trouble *Trouble `json:"trouble"`
}

// Journal is how the journal stands.
type Journal struct {
	Bytes   int64  `json:"bytes"`
	Records uint64 `json:"records"`
	// SinceCheckpoint are the records that would be replayed now.
	SinceCheckpoint uint64 `json:"records_since_checkpoint"`
	Syncs           uint64 `json:"syncs"`          // how often it was brought to disk, since the start
	Synced          uint64 `json:"synced_records"` // how many records that were
}

// Trouble is what fails and is tried again.
type Trouble struct {
	Why      string    `json:"why"`
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
}

// Progress is how much of what was kept is taken in again.
type Progress struct {
	Epoch      uint64    `json:"epoch"` // of the checkpoint; 0 for the beginning
	Since      time.Time `json:"since"`
	Entities   uint64    `json:"entities"`
	OfEntities uint64    `json:"of_entities"` // about, until all are there
	Bytes      uint64    `json:"bytes"`       // of the entities
	Records    uint64    `json:"records"`     // of the journal
	OfRecords  uint64    `json:"of_records"`
	// SecondsLeft is about how long what is under way, state or journal, goes on; null if that is not known.
	SecondsLeft *float64 `json:"seconds_left"`
}

// Names are executors and sinks as people know them.
func Names(p *plan.Plan, a *worker.Awaited) []string {
	names := []string{}
	for _, n := range a.Executors {
		names = append(names, fmt.Sprintf("executor %d", n))
	}
	for _, n := range a.Sinks {
		names = append(names, "sink "+p.Steps[p.Of(plan.Sink)[n]].ID())
	}
	return names
}

// Words are how much is taken in again.
func Words(r *worker.Restoring, now time.Time) string {
	text := fmt.Sprintf("restoring state: %d of about %d entities", r.Entities, r.OfEntities)
	if r.StateTook > 0 {
		text = fmt.Sprintf("restoring what the journal holds: %d of %d records", r.Records, r.OfRecords)
	}
	if left := r.Left(now); left > 0 {
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return text
}

// kept is nil if nothing is kept.
func (f *Facts) kept(now time.Time) *Kept {
	k := f.Kept
	if k == nil {
		return nil
	}
	return &Kept{
		DataDir: f.DataDir, Durability: f.Durability, Run: k.Run, Recoveries: k.Recoveries, Checkpoint: f.checkpoint(now), Open: f.open(now),
		Journal: Journal{
			Bytes: k.Journal.Bytes, Records: k.Journal.Records, SinceCheckpoint: k.Journal.SinceCheckpoint, Syncs: k.Journal.Syncs,
			Synced: k.Journal.Synced,
		},
		NoRoom: trouble(k.NoRoom), Untidy: trouble(k.Untidy),
	}
}

func (f *Facts) checkpoint(now time.Time) *Checkpoint {
	c := &f.Kept.Last
	if c.Epoch == 0 {
		return nil
	}
	told := &Checkpoint{
		Epoch: c.Epoch, Time: c.Ended, AgeSeconds: max(0, now.Sub(c.Ended).Seconds()), StateEntities: c.Entities, StateBytes: c.StateBytes,
		ChangedEntities: c.Changed, WrittenBytes: c.Bytes,
	}
	if c.Took == 0 {
		return told
	}
	slowest, _ := c.Slowest()
	told.Took = &Took{
		Seconds: c.Took.Seconds(), AligningSeconds: c.Aligned.Seconds(), SavingSeconds: c.Saved.Seconds(),
		CommittingSeconds: c.Committed.Seconds(), Slowest: string(slowest), WaitedFor: []string{},
		ExecutorSeconds: c.Spent.Seconds(),
	}
	if !c.PutOff.IsZero() && f.Kept.NoRoom == nil { // without room nothing is put off that may make some
		told.Took.NextPutOff = &c.PutOff
	}
	switch {
	case slowest == worker.Saving:
		told.Took.WaitedFor = Names(f.Plan, &c.Awaited)
	case slowest == worker.Aligning && c.Marked >= 0:
		told.Took.WaitedFor = Names(f.Plan, &worker.Awaited{Executors: []int{c.Marked}})
	}
	return told
}

func (f *Facts) open(now time.Time) *Open {
	o := f.Kept.Open
	if o == nil {
		return nil
	}
	return &Open{
		Epoch: o.Epoch, Since: o.Began, Seconds: now.Sub(o.Began).Seconds(), Part: string(o.Part), WaitsFor: Names(f.Plan, &o.Awaited),
		Trouble: trouble(o.Trouble),
	}
}

func trouble(t *worker.Trouble) *Trouble {
	if t == nil {
		return nil
	}
	return &Trouble{Why: t.Why, Since: t.Since, Attempts: t.Attempts}
}

// restoring is nil while nothing is taken in again.
func (f *Facts) restoring(now time.Time) *Progress {
	if f.Kept == nil || f.Kept.Restoring == nil {
		return nil
	}
	r := f.Kept.Restoring
	told := &Progress{
		Epoch: r.Epoch, Since: r.Since, Entities: r.Entities, OfEntities: r.OfEntities, Bytes: r.Bytes, Records: r.Records,
		OfRecords: r.OfRecords,
	}
	if left := r.Left(now).Seconds(); left > 0 {
		told.SecondsLeft = &left
	}
	return told
}
