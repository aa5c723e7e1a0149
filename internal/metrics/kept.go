package metrics

import (
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// ofKept are of what is kept in a data directory; without one they have no values.
var ofKept = []family{
	{
		name: "wallaroo_checkpoint_epoch", kind: gauge, unit: "epochs",
		help:   "Epoch of the last checkpoint; 0 if there is none.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Last.Epoch) }),
	},
	{
		name: "wallaroo_checkpoint_timestamp_seconds", kind: gauge, unit: "seconds",
		help: "When the last checkpoint was committed, in Unix time; 0 if there is none. It stays while nothing changes.",
		values: kept(func(k *worker.Kept) float64 {
			if k.Last.Epoch == 0 {
				return 0
			}
			return float64(k.Last.Ended.UnixMilli()) / 1000
		}),
	},
	{
		name: "wallaroo_checkpoint_open_seconds", kind: gauge, unit: "seconds",
		help: "How long the checkpoint that is under way has been; 0 if none is.",
		values: kept(func(k *worker.Kept) float64 {
			if k.Open == nil {
				return 0
			}
			return max(0, time.Since(k.Open.Began).Seconds())
		}),
	},
	{
		name: "wallaroo_checkpoint_seconds", kind: summary, unit: "seconds", labels: []string{partLabel},
		help: "How long the parts of checkpoints took: aligning, until all executors had passed the marker; saving, until executors had given " +
			"out and sinks had handed over what is in front of it; committing, until the checkpoint was written.",
		durations: func(s *Snapshot, tell func(worker.Durations, ...string)) {
			if s.Kept != nil {
				tell(s.Kept.Since.Aligned, string(worker.Aligning))
				tell(s.Kept.Since.Committed, string(worker.Committing))
				tell(s.Kept.Since.Saved, string(worker.Saving))
			}
		},
	},
	{
		name: "wallaroo_checkpoint_failures_total", kind: counter, unit: "attempts",
		help:   "Attempts to write a part of a checkpoint, or to remove what no checkpoint needs, that failed. They are repeated.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Since.Failures) }),
	},
	{
		name: "wallaroo_checkpoint_written_bytes_total", kind: counter, unit: "bytes",
		help:   "Bytes of the entities that checkpoints have saved.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Since.Bytes) }),
	},
	{
		name: "wallaroo_checkpoint_saved_entities_total", kind: counter, unit: "entities",
		help:   "Entities that checkpoints have saved, since they had changed.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Since.Changed) }),
	},
	{
		name: "wallaroo_checkpoint_state_entities", kind: gauge, unit: "entities",
		help: "Entities that the last checkpoint holds, about: one that changes often counts several times until what has gathered is " +
			"folded.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Last.Entities) }),
	},
	{
		name: "wallaroo_checkpoint_state_bytes", kind: gauge, unit: "bytes",
		help:   "Bytes of what the last checkpoint holds, likewise.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Last.StateBytes) }),
	},
	{
		name: "wallaroo_journal_bytes", kind: gauge, unit: "bytes",
		help:   "Size of the journal.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Journal.Bytes) }),
	},
	{
		name: "wallaroo_journal_records_total", kind: counter, unit: "records",
		help: "Records that were appended to the journal, since the application began: each is messages that a source read at once.",
		values: kept(func(k *worker.Kept) float64 {
			return float64(k.Journal.Appended)
		}),
	},
	{
		name: "wallaroo_journal_replay_records", kind: gauge, unit: "records",
		help:   "Records behind the last checkpoint, which would be replayed now.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Journal.SinceCheckpoint) }),
	},
	{
		name: "wallaroo_journal_syncs_total", kind: counter, unit: "syncs",
		help:   "How often the journal was brought to disk.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Journal.Syncs) }),
	},
	{
		name: "wallaroo_journal_synced_records_total", kind: counter, unit: "records",
		help:   "Records that were brought to disk so.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Journal.Synced) }),
	},
	{
		name: "wallaroo_journal_has_room", kind: gauge, unit: "0 or 1",
		help:   "0 while nothing is accepted since there is too little room on the disk, else 1.",
		values: kept(func(k *worker.Kept) float64 { return isSo(k.NoRoom == nil) }),
	},
	{
		name: "wallaroo_recoveries_total", kind: counter, unit: "recoveries",
		help:   "How often the application went back to the last checkpoint since an executor had died.",
		values: kept(func(k *worker.Kept) float64 { return float64(k.Recoveries) }),
	},
	{
		name: "wallaroo_restoring_ratio", kind: gauge, unit: "from 0 to 1", labels: []string{partLabel},
		help:   "How much of the state, and of the journal's records, is taken in again; 1 when all is.",
		values: restoring,
	},
}

func kept(value func(*worker.Kept) float64) func(*Snapshot, tell) {
	return func(s *Snapshot, tell tell) {
		if s.Kept != nil {
			tell(value(s.Kept))
		}
	}
}

func isSo(so bool) float64 {
	if so {
		return 1
	}
	return 0
}

func restoring(s *Snapshot, tell tell) {
	if s.Kept == nil {
		return
	}
	state, journal := 1.0, 1.0
	if r := s.Kept.Restoring; r != nil {
		state = r.Share
		journal = float64(r.Records) / float64(max(1, r.OfRecords))
	}
	tell(journal, "journal")
	tell(state, "state")
}
