// Package keep is what an application keeps, so that it goes on where it was when its process ended: the journal of its sources, its
// checkpoints, and the number of its run. It is a worker.Checkpoints.
//
// The run is raised, durably, before anything is processed: what was written in an older one behind the checkpoint that is gone back to, of
// dead letters or by sinks that tell runs apart, counts no more.
package keep

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/store"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Options say what to keep and how.
type Options struct {
	// Dir is the data directory, which is this process's.
	Dir string
	// Checkpoints is where checkpoints lie; nil for a folder in Dir.
	Checkpoints store.Bucket
	// Elsewhere is what that is called, if it is not in Dir: others may write there.
	Elsewhere string
	// Cluster is the id of the history.
	Cluster string
	// From are checkpoints of elsewhere, whose newest one the history begins with; nil for none.
	From *Origin
	// Restore begins with the newest of Checkpoints, whose data directory was lost, and with it the journal.
	Restore    bool
	Plan       *plan.Plan
	Partitions int
	// AllowChanged goes on with what still fits if the application is not the one that the last checkpoint is of.
	AllowChanged bool
	// AcceptRepeats goes back behind a checkpoint that cannot be read although a receiver may have counted its output.
	AcceptRepeats bool
	// Stages says that there is such a receiver: a sink is a connector.Stager.
	Stages bool
	// Retain is how many checkpoints are kept.
	Retain int
	// FreeBytes is how much room the journal leaves on the disk.
	FreeBytes int64
	// Letters are what failed; nil if they are not kept.
	Letters Letters
	Log     *slog.Logger

	segmentBytes int64 // how large a segment of the journal becomes; 0 for the usual size
}

// Letters are output that belongs to epochs.
type Letters interface {
	// RollBack says that in a run, which begins, what came behind an epoch in older ones counts no more.
	RollBack(run, epoch uint64) error
	// Sync returns when all of them are on disk.
	Sync() error
}

// segmentBytes is how large a segment of the journal becomes.
const segmentBytes = 64 << 20

// Keep is what an application keeps. Its methods are for one goroutine at a time. It must be closed.
type Keep struct {
	options Options
	journal *journal.Journal
	store   *store.Store
	last    *store.Manifest // nil if there is none
	delta   *store.Delta    // of the open checkpoint
	epoch   uint64          // of that
	history history
	needs   []uint64 // the first record of the journal that each of the last checkpoints needs, in the order of checkpoints
}

const (
	journalFolder     = "journal"
	checkpointsFolder = "checkpoints"
)

// Open opens what a data directory keeps, or begins it. A checkpoint that cannot be read is passed over, which the log tells; what of an
// application does not fit is a *ChangedError.
func Open(ctx context.Context, o Options) (k *Keep, err error) {
	if o.Checkpoints == nil {
		o.Checkpoints = store.Folder(filepath.Join(o.Dir, checkpointsFolder))
	}
	k = &Keep{options: o}
	if k.store, err = store.Open(ctx, o.Checkpoints, store.Options{Retain: o.Retain}); err != nil {
		return nil, err
	}
	if k.history, err = readHistory(o.Dir); err != nil {
		return nil, err
	}
	journalOptions := journal.Options{SegmentBytes: cmp.Or(o.segmentBytes, segmentBytes), FreeBytes: o.FreeBytes}
	if k.journal, err = journal.Open(filepath.Join(o.Dir, journalFolder), journalOptions); err != nil {
		return nil, err
	}
	if err := k.open(ctx); err != nil {
		return nil, errors.Join(err, k.journal.Close())
	}
	return k, nil
}

// open finds the checkpoint to go on from.
func (k *Keep) open(ctx context.Context) error {
	if err := k.begins(ctx); err != nil {
		return err
	}
	if err := k.stillOurs(ctx); err != nil {
		return err
	}
	if err := k.choose(ctx); err != nil {
		return err
	}
	if k.last == nil && k.history.From != "" {
		return fmt.Errorf("the checkpoint that %s began with, from %s, is not there: name that again, or begin anew with --fresh",
			k.options.Dir, k.history.From)
	}
	if k.last != nil {
		if err := k.compare(k.last); err != nil {
			return err
		}
	}
	return k.checkJournal()
}

// Journal is that of the sources.
func (k *Keep) Journal() *journal.Journal { return k.journal }

// Close gives the files up; what was appended to the journal is on disk then.
func (k *Keep) Close() error { return k.journal.Close() }

// IsDamage reports whether an error of this package is that something is missing, or not as it was written.
func IsDamage(err error) bool {
	_, ofJournal := errors.AsType[*journal.DamageError](err)
	_, ofCheckpoints := errors.AsType[*store.DamageError](err)
	_, ofHistory := errors.AsType[*historyError](err)
	return ofJournal || ofCheckpoints || ofHistory
}

// choose finds the newest checkpoint that can be read.
func (k *Keep) choose(ctx context.Context) error {
	all, err := k.store.Manifests(ctx)
	if err != nil {
		return err
	}
	var wrong error
	if name := k.history.Checkpoint; name != "" && !slices.ContainsFunc(all, func(f store.Found) bool { return f.Name == name }) {
		wrong = &store.DamageError{File: name, Why: "it is missing"}
		k.options.Log.Warn("a checkpoint is missing", "checkpoint", name)
	}
	last, damaged, err := k.whole(ctx, k.store, all)
	if err != nil {
		return err
	}
	k.last, wrong = last, errors.Join(wrong, damaged)
	switch {
	case wrong == nil:
	case k.last == nil:
		return fmt.Errorf("no checkpoint can be read: restore the files, or begin anew with --fresh: %w", wrong)
	case k.options.Stages && !k.options.AcceptRepeats: // whoever started it must say; that is no damage that ends it
		return fmt.Errorf("the last checkpoint cannot be read, and a receiver may have counted what came before it: "+
			"--accept-repeats goes on from an older one, and it may get that again: %s", wrong.Error())
	}
	if wrong != nil {
		k.tellOlder(k.last)
	}
	for _, found := range slices.Backward(all) {
		if found.Manifest == nil {
			continue
		}
		positions, err := k.positions(found.Manifest)
		if err != nil {
			return err
		}
		k.needs = append(k.needs, least(positions))
	}
	return nil
}

// whole is the first of some checkpoints that can be read, nil if none can, and what is wrong with those before it, which the log tells.
func (k *Keep) whole(ctx context.Context, s *store.Store, all []store.Found) (m *store.Manifest, wrong, err error) {
	for _, found := range all {
		damage := error(found.Damage)
		if found.Manifest != nil {
			if damage = s.Verify(ctx, found.Manifest); damage == nil {
				return found.Manifest, wrong, nil
			}
		}
		if _, is := errors.AsType[*store.DamageError](damage); !is {
			return nil, wrong, damage
		}
		if wrong == nil || !strings.Contains(wrong.Error(), damage.Error()) { // several may need the same object
			wrong = errors.Join(wrong, damage)
		}
		k.options.Log.Warn("a checkpoint cannot be read", "checkpoint", found.Name, "error", damage)
	}
	return nil, wrong, nil
}

// tellOlder tells the log which checkpoint stands in for a newer one.
func (k *Keep) tellOlder(m *store.Manifest) {
	k.options.Log.Warn("an older checkpoint is used", "checkpoint", m.Name, "epoch", m.Epoch, "made", m.Time.Format(time.RFC3339))
}

// ChangedError is an application that is not the one whose state is kept.
type ChangedError struct{ Differences []string }

func (c *ChangedError) Error() string {
	return "the application is not the one whose state is kept: " + strings.Join(c.Differences, "; ") +
		". --allow-changed goes on with what still fits; --fresh sets the state aside and begins anew"
}

// compare refuses an application that is another one.
func (k *Keep) compare(m *store.Manifest) error {
	was, err := fingerprint(m)
	if err != nil {
		return err
	}
	now := k.options.Plan.Fingerprint()
	differences := was.Differences(&now)
	if len(differences) == 0 {
		return nil
	}
	if !k.options.AllowChanged {
		return &ChangedError{differences}
	}
	for _, line := range differences {
		k.options.Log.Warn("the application has changed", "what", line)
	}
	return nil
}

func fingerprint(m *store.Manifest) (f plan.Fingerprint, err error) {
	if err = json.Unmarshal(m.Fingerprint, &f); err != nil {
		err = fmt.Errorf("the fingerprint in checkpoint %s: %w", m.Name, err)
	}
	return f, err
}

// positions are where the sources were. Where a checkpoint is of another journal, all that is in this one came after it; what was accepted,
// and how far streams have come, counts on.
func (k *Keep) positions(m *store.Manifest) (list []worker.Position, err error) {
	if err = json.Unmarshal(m.Positions, &list); err != nil {
		return nil, fmt.Errorf("the positions in checkpoint %s: %w", m.Name, err)
	}
	if m.Run < k.history.JournalSince {
		for n := range list {
			list[n].Next = 1
		}
	}
	return list, nil
}

// least is the first record of the journal that is needed from some positions on.
func least(positions []worker.Position) uint64 {
	first := uint64(1)
	for n, p := range positions {
		if n == 0 || p.Next < first {
			first = p.Next
		}
	}
	return first
}

// checkJournal demands that the journal goes on where the checkpoint is.
func (k *Keep) checkJournal() error {
	for _, p := range k.Last().Sources {
		if next := k.journal.Next(); p.Next > next {
			return fmt.Errorf("the journal in %s ends at record %d, and the last checkpoint is of record %d: a part of it is missing: "+
				"restore it, or begin anew with --fresh", k.options.Dir, next-1, p.Next-1)
		}
	}
	return nil
}

// Last is what the last checkpoint holds beside state.
func (k *Keep) Last() worker.Manifest {
	if k.last == nil {
		return worker.Manifest{}
	}
	// Receivers may have heard that a newer checkpoint is committed, which cannot be read: no epoch up to that comes again.
	m := worker.Manifest{
		Run: k.last.Run, Epoch: max(k.last.Epoch, k.history.Epoch),
		Bytes: uint64(k.last.Bytes()), Written: uint64(k.last.Written), Time: k.last.Time,
	}
	m.Sources, _ = k.positions(k.last) // choose has read them
	for _, b := range k.last.Bases {
		m.Entities += uint64(b.Entities)
	}
	for _, d := range k.last.Deltas {
		m.Entities += uint64(d.Entities)
		if d.Epoch == m.Epoch {
			m.Changed += uint64(d.Entities)
		}
	}
	return m
}

// Entities are the state of the last checkpoint, as far as the application has the states; the log tells how many of others there were.
func (k *Keep) Entities(ctx context.Context) iter.Seq2[entity.Entity, error] {
	return func(yield func(entity.Entity, error) bool) {
		if k.last == nil {
			return
		}
		numbers, err := k.numbers()
		if err != nil {
			yield(entity.Entity{}, err)
			return
		}
		leftOut := make([]int, len(numbers))
		for e, err := range k.store.Entities(ctx, k.last, 0, store.LastHash) {
			if err != nil {
				yield(entity.Entity{}, reached(err))
				return
			}
			if numbers[e.State] < 0 {
				leftOut[e.State]++
				continue
			}
			if e.State = numbers[e.State]; !yield(e.Entity, nil) {
				return
			}
		}
		for n, count := range leftOut {
			if count > 0 {
				k.options.Log.Warn("entities are left out: their state does not fit the application", "state", k.last.States[n], "entities", count)
			}
		}
	}
}

// reached makes an error of a store one that may be tried again, unless what it read is damaged.
func reached(err error) error {
	if _, damaged := errors.AsType[*store.DamageError](err); damaged || err == nil {
		return err
	}
	return &worker.UnreachableError{Err: err}
}

// numbers are those that the states of the last checkpoint have in the application; -1 for one that does not fit.
func (k *Keep) numbers() ([]int, error) {
	was, err := fingerprint(k.last)
	if err != nil {
		return nil, err
	}
	numbers := make([]int, len(k.last.States))
	for n, name := range k.last.States {
		numbers[n] = -1
		for at := range k.options.Plan.States {
			for i := range was.States {
				if was.States[i].Name == name && k.options.Plan.States[at].Fits(&was.States[i]) {
					numbers[n] = at
				}
			}
		}
	}
	return numbers, nil
}

// NewRun begins a run that goes on from the last checkpoint.
func (k *Keep) NewRun(ctx context.Context, skips []worker.Skip) (uint64, error) {
	k.delta = nil
	k.store.Use(k.last)
	last, err := k.lastRun(ctx)
	if err != nil {
		return 0, err
	}
	next := k.history
	next.Run, next.Skips = max(next.Run, k.Last().Run, last)+1, skips
	if err := next.write(k.options.Dir); err != nil {
		return 0, err
	}
	k.history = next // also if the next fails: the run may have begun
	if err := store.BeginRun(ctx, k.options.Checkpoints, next.Run); err != nil {
		return 0, reached(err)
	}
	if k.options.Letters != nil {
		if err := k.options.Letters.RollBack(next.Run, k.lastEpoch()); err != nil {
			return 0, err
		}
	}
	return next.Run, nil
}

// Skips are the messages that were convicted behind the last checkpoint.
func (k *Keep) Skips() []worker.Skip {
	if k.last != nil && k.last.Name != k.history.Checkpoint {
		return nil
	}
	return k.history.Skips
}

// lastEpoch is the epoch of the checkpoint that is gone on from; 0 if there is none.
func (k *Keep) lastEpoch() uint64 {
	if k.last == nil {
		return 0
	}
	return k.last.Epoch
}

// Add adds entities to the checkpoint of an epoch.
func (k *Keep) Add(ctx context.Context, epoch uint64, entities []byte) error {
	if err := k.begin(epoch); err != nil {
		return err
	}
	if err := k.delta.Write(ctx); err != nil { // what an earlier one has gathered, so that an error of it is no half success of this one
		return err
	}
	return k.delta.Add(entities)
}

// begin opens the checkpoint of an epoch, if it is not open.
func (k *Keep) begin(epoch uint64) (err error) {
	if k.delta != nil && k.epoch == epoch {
		return nil
	}
	var states []string
	for _, s := range k.options.Plan.States {
		states = append(states, s.Name)
	}
	k.delta, err = k.store.Begin(k.history.Run, epoch, states)
	k.epoch = epoch
	return err
}

// Commit makes a checkpoint the last one.
func (k *Keep) Commit(ctx context.Context, m worker.Manifest) error {
	if k.options.Letters != nil {
		if err := k.options.Letters.Sync(); err != nil {
			return err
		}
	}
	if err := k.stillOurs(ctx); err != nil {
		return err
	}
	if k.last == nil || k.last.Run != k.history.Run || k.last.Epoch != m.Epoch { // else an attempt before came so far
		if err := k.commit(ctx, m); err != nil {
			return err
		}
	}
	next := k.history
	next.Checkpoint, next.Epoch, next.Skips = k.last.Name, k.last.Epoch, nil
	if err := next.write(k.options.Dir); err != nil {
		return err
	}
	k.history = next
	return nil
}

// commit writes the manifest; after an error the last checkpoint is still the one before.
func (k *Keep) commit(ctx context.Context, m worker.Manifest) error {
	if err := k.begin(m.Epoch); err != nil {
		return err
	}
	about := store.About{Application: k.options.Plan.Application, Partitions: k.options.Partitions}
	var err error
	if about.Fingerprint, err = json.Marshal(k.options.Plan.Fingerprint()); err != nil {
		return err
	}
	if about.Positions, err = json.Marshal(m.Sources); err != nil {
		return err
	}
	written, err := k.delta.Commit(ctx, about)
	if err != nil {
		return err
	}
	k.last, k.delta = written, nil
	k.needs = append(k.needs, least(m.Sources))
	k.needs = k.needs[max(0, len(k.needs)-k.options.Retain):]
	return nil
}

// Tidy folds what has gathered, and removes what no checkpoint that is kept needs.
func (k *Keep) Tidy(ctx context.Context) error {
	if _, err := k.store.Fold(ctx); err != nil {
		return fmt.Errorf("fold checkpoints: %w", err)
	}
	if err := k.store.Clean(ctx); err != nil {
		return fmt.Errorf("remove old checkpoints: %w", err)
	}
	if len(k.needs) == 0 {
		return nil
	}
	if err := k.journal.Trim(slices.Min(k.needs)); err != nil { // an older one may need less, if it was passed over
		return fmt.Errorf("remove what is not needed of the journal: %w", err)
	}
	return nil
}
