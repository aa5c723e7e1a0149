package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
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
	if o.origin != nil {
		defer o.origin.Close() // its state is copied
	}
	k, err := keep.Open(ctx, keep.Options{
		Dir: o.DataDir, Checkpoints: o.home.Checkpoints, Elsewhere: o.home.Elsewhere(), Cluster: o.home.Cluster,
		From: o.origin, Restore: o.Keep.Restore,
		Plan: r.plan, Partitions: o.Partitions, AllowChanged: o.Keep.AllowChanged, AcceptRepeats: o.Keep.AcceptRepeats,
		Stages: slices.ContainsFunc(config.Sinks, stages), Retain: o.Keep.Retain, FreeBytes: o.Keep.JournalFree,
		Letters: r.letters.store, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	tellCut(o.Log, k.Journal().Cut())
	if o.home.Shared {
		o.Log.Info("checkpoints lie elsewhere", "store", o.home.Place.Name())
	}
	if swept, err := o.home.Checkpoints.Sweep(ctx, time.Now().Add(-unfinishedUpload)); err != nil {
		o.Log.Warn("uploads that were not finished may stay, and cost, in the place of the checkpoints", "error", err)
	} else if swept > 0 {
		o.Log.Info("uploads that were not finished are removed", "uploads", swept)
	}
	config.Keep = &worker.Keep{
		Journal: k.Journal(), Sync: o.Keep.Sync, Checkpoints: k, Interval: o.Keep.Interval, DropsUnknown: o.Keep.AllowChanged,
	}
	if last := k.Last(); last.Epoch > 0 {
		o.Log.Info("going on from the last checkpoint", "run", last.Run, "epoch", last.Epoch, "entities_at_most", last.Entities,
			"bytes", last.Bytes)
	}
	return &kept{keep: k, log: o.Log}, nil
}

// tellCut tells the log what was cut off at the end of the journal. Nobody can tell a record that a crash came into from one that was
// whole, and accepted, before somebody or the disk has changed it.
func tellCut(log *slog.Logger, cut journal.Cut) {
	if cut.Bytes > 0 {
		log.Warn("the end of the journal was no whole record, and was cut off: a crash leaves one so while it is written; without a crash, or "+
			"after a power cut, messages may be lost that had been accepted", "file", cut.File, "offset", cut.Offset, "bytes", cut.Bytes)
	}
}

// stages reports whether a sink's receiver keeps output apart until it counts.
func stages(sink connector.Sink) bool {
	_, is := sink.(connector.Stager)
	return is
}

// serve has the checkpoints be asked for, and about.
func (k *kept) serve(about *control.Application, w *worker.Worker, o Options) {
	if k.keep != nil {
		about.Keeps(&checkpointer{keep: k.keep, worker: w, options: o})
	}
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

// unfinishedUpload is how old an upload is that nobody will finish any more.
const unfinishedUpload = 24 * time.Hour

// chooseHistory sets aside what the data directory holds, if that is wanted, and finds out which history it keeps, and what that begins
// with.
func chooseHistory(ctx context.Context, o *Options) (err error) {
	var origin *keep.Origin
	if o.Keep.From != (bucket.Place{}) {
		if origin, err = openOrigin(ctx, o); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				origin.Close()
			}
		}()
	}
	if o.Keep.Fresh {
		if err := mayBeginAnew(ctx, o); err != nil {
			return err
		}
		folder, err := keep.SetAside(o.DataDir, time.Now(), lettersFolder)
		if err != nil {
			return err
		}
		if folder != "" {
			o.Log.Info("what was there is set aside", "folder", folder)
		}
	}
	o.origin = origin
	o.home, err = keep.FindHome(ctx, o.DataDir, keep.Wanted{Place: o.Keep.Store, Restore: o.Keep.Restore})
	return err
}

// mayBeginAnew says why nothing could begin if all were set aside; nil if something can.
func mayBeginAnew(ctx context.Context, o *Options) error {
	for _, begins := range []bucket.Place{o.Keep.From, o.Keep.Store} {
		if keep.SetsAside(o.DataDir, begins) {
			return fmt.Errorf("--fresh sets %s aside, with which to begin: copy it to another place, and name that", begins.Name())
		}
	}
	switch {
	case o.Keep.Restore:
		return keep.Restorable(ctx, o.Keep.Store)
	case o.Keep.Store != (bucket.Place{}):
		return keep.Free(ctx, o.Keep.Store)
	}
	return nil
}

// openOrigin looks at the savepoint to begin with, before what it may be of is set aside.
func openOrigin(ctx context.Context, o *Options) (*keep.Origin, error) {
	own, err := keep.Own(o.DataDir)
	if err != nil {
		return nil, err
	}
	origin, err := keep.OpenOrigin(ctx, o.Keep.From)
	if err != nil || o.Keep.Trust {
		return origin, err
	}
	if err := origin.Trusted(own); err != nil {
		return nil, errors.Join(err, origin.Close())
	}
	return origin, nil
}
