package application

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/keep"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// kept is what the data directory keeps of what is processed; nothing if there is no directory.
type kept struct {
	keep *keep.Keep
	log  *slog.Logger
}

// openKeep opens it, and has the worker keep there what it does. It must be closed.
func openKeep(ctx context.Context, config *worker.Config, o Options, r *reporter) (*kept, error) {
	if o.DataDir == "" {
		for _, sink := range config.Sinks {
			if stages(sink) {
				return nil, fmt.Errorf("sink %q: its receiver counts what checkpoints commit, and there are none without a data directory: "+
					"give --data-dir", sink.ID())
			}
		}
		return &kept{}, nil
	}
	k, err := keep.Open(ctx, keep.Options{
		Dir: o.DataDir, Plan: r.plan, Partitions: o.Partitions, AllowChanged: o.Keep.AllowChanged, AcceptRepeats: o.Keep.AcceptRepeats,
		Stages: slices.ContainsFunc(config.Sinks, stages), Retain: o.Keep.Retain, FreeBytes: o.Keep.JournalFree,
		Letters: r.letters.store, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	config.Keep = &worker.Keep{Journal: k.Journal(), Sync: o.Keep.Sync, Checkpoints: k, Interval: o.Keep.Interval}
	if last := k.Last(); last.Epoch > 0 {
		o.Log.Info("going on from the last checkpoint", "run", last.Run, "epoch", last.Epoch, "entities", last.Entities, "bytes", last.Bytes)
	}
	return &kept{keep: k, log: o.Log}, nil
}

// stages reports whether a sink's receiver keeps output apart until it counts.
func stages(sink connector.Sink) bool {
	_, is := sink.(connector.Stager)
	return is
}

func (k *kept) close() {
	if k.keep == nil {
		return
	}
	groups := k.keep.Journal().Groups()
	k.log.Debug("journal", "records", groups.Records, "syncs", groups.Syncs)
	if err := k.keep.Close(); err != nil {
		k.log.Error("the journal may not be on the disk whole", "error", err)
	}
}

// chooseHistory sets aside what the data directory holds, if that is wanted, and finds out which history it keeps.
func chooseHistory(o *Options) (err error) {
	if o.Keep.Fresh {
		folder, err := keep.SetAside(o.DataDir, time.Now(), lettersFolder)
		if err != nil {
			return err
		}
		if folder != "" {
			o.Log.Info("what was there is set aside", "folder", folder)
		}
	}
	o.cluster, err = keep.Cluster(o.DataDir)
	return err
}
