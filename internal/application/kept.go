package application

import (
	"context"
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
	if err := k.keep.Close(); err != nil {
		k.log.Error("the journal may not be on the disk whole", "error", err)
	}
}

// setAside sets aside what the data directory holds, if that is wanted.
func setAside(o *Options) error {
	if !o.Keep.Fresh {
		return nil
	}
	folder, err := keep.SetAside(o.DataDir, time.Now(), lettersFolder)
	if err == nil && folder != "" {
		o.Log.Info("what was there is set aside", "folder", folder)
	}
	return err
}
