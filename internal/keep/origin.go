package keep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/store"
)

// Origin is a savepoint, or other checkpoints, that a history begins with.
type Origin struct {
	Place bucket.Place
	// Cluster is the history that they are of; "" if they do not say.
	Cluster string

	checkpoints *bucket.Bucket
}

// OpenOrigin looks at what a history may begin with, which has a checkpoint. It must be closed.
func OpenOrigin(ctx context.Context, place bucket.Place) (*Origin, error) {
	b, err := place.Open(ctx)
	if err != nil {
		return nil, err
	}
	o := &Origin{Place: place, checkpoints: b}
	if err := o.look(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", place.Name(), err), b.Close())
	}
	return o, nil
}

// look finds out whose it is, and that something is there.
func (o *Origin) look(ctx context.Context) (err error) {
	if o.Cluster, err = store.Cluster(ctx, o.checkpoints); err != nil {
		return err
	}
	s, err := store.Open(ctx, o.checkpoints, store.Options{})
	if err != nil {
		return err
	}
	newest, _, err := s.Latest(ctx)
	if err == nil && newest == nil {
		err = errNoCheckpoint
	}
	return err
}

var errNoCheckpoint = errors.New("there is no checkpoint, and no savepoint: give the folder or the URL of one")

// Close gives its connections up.
func (o *Origin) Close() error { return o.checkpoints.Close() }

// Trusted says whether state is loaded without being asked to trust it: it is of one of the histories. Otherwise the error says why not.
func (o *Origin) Trusted(own []string) error {
	if o.Cluster != "" && slices.Contains(own, o.Cluster) {
		return nil
	}
	return fmt.Errorf("%s was not made from this data directory: whoever wrote it could have this application run any code, "+
		"since the state of Python is pickles. Give --trust if you know where it comes from", o.Place.Name())
}

// begins has the history begin with a checkpoint of elsewhere, if that is wanted.
func (k *Keep) begins(ctx context.Context) error {
	flag := "--from-savepoint"
	switch {
	case k.options.Restore:
		flag = "--restore"
	case k.options.From == nil:
		return nil
	}
	if next := k.journal.Next(); next > 1 {
		return fmt.Errorf("%s keeps a history already, with %d records in its journal: leave %s away to go on with it, or give --fresh to set "+
			"it aside", k.options.Dir, next-1, flag)
	}
	if k.options.Restore {
		return k.restore(ctx)
	}
	there, err := k.store.Manifests(ctx)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("%s keeps a history already, with %d checkpoints: leave %s away to go on with it, or give --fresh to set it aside",
			k.options.Dir, len(there), flag)
	}
	return k.fetch(ctx)
}

// fetch copies the state of a checkpoint of elsewhere: what comes needs nothing of that place any more.
func (k *Keep) fetch(ctx context.Context) error {
	from := k.options.From
	s, err := store.Open(ctx, from.checkpoints, store.Options{})
	if err != nil {
		return err
	}
	m, err := k.newest(ctx, s, from.Place.Name())
	if err != nil {
		return err
	}
	if err := k.compare(m); err != nil {
		return err
	}
	h := k.history
	h.Run, h.JournalSince, h.From = max(h.Run, m.Run), m.Run+1, from.Place.String()
	if from.Cluster != "" && !slices.Contains(h.Parents, from.Cluster) {
		h.Parents = append(slices.Clone(h.Parents), from.Cluster)
	}
	// First, so that a crash behind it leaves no checkpoint whose positions seem to be of this journal.
	if err := h.write(k.options.Dir); err != nil {
		return err
	}
	k.history = h
	if _, err := s.Export(ctx, m, k.options.Checkpoints); err != nil {
		return fmt.Errorf("copy the state of %s: %w", from.Place.Name(), err)
	}
	k.options.Log.Info("the history begins with the state of a savepoint", "from", from.Place.Name(), "of_run", m.Run, "epoch", m.Epoch,
		"bytes", m.Bytes(), "made", m.Time.Format(time.RFC3339))
	return nil
}

// restore goes on from the newest checkpoint at home, without a journal.
func (k *Keep) restore(ctx context.Context) error {
	place := cmp.Or(k.options.Elsewhere, filepath.Join(k.options.Dir, checkpointsFolder))
	m, err := k.newest(ctx, k.store, place)
	if err != nil {
		return err
	}
	if err := k.compare(m); err != nil {
		return err
	}
	last, err := store.LastRun(ctx, k.options.Checkpoints)
	if err != nil {
		return err
	}
	h := k.history
	h.Run = max(h.Run, m.Run, last)
	h.JournalSince, h.From = h.Run+1, place
	if err := h.write(k.options.Dir); err != nil {
		return err
	}
	k.history = h
	positions, err := k.positions(m)
	if err != nil {
		return err
	}
	k.options.Log.Warn("restored without a journal: what was accepted after this checkpoint is lost, unless its senders send it again",
		"from", place, "of_run", m.Run, "epoch", m.Epoch, "made", m.Time.Format(time.RFC3339))
	for _, p := range positions {
		k.options.Log.Warn("a source goes on behind what the checkpoint has of it", "source", p.Source, "messages_accepted", p.Accepted)
	}
	return nil
}

// newest is the newest checkpoint of a store that can be read; the log tells of others.
func (k *Keep) newest(ctx context.Context, s *store.Store, place string) (*store.Manifest, error) {
	all, err := s.Manifests(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	m, wrong, err := k.whole(ctx, s, all)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", place, err)
	case m == nil && wrong != nil:
		return nil, fmt.Errorf("no checkpoint in %s can be read: %w", place, wrong)
	case m == nil:
		return nil, fmt.Errorf("%s: %w", place, errNoCheckpoint)
	case wrong != nil:
		k.tellOlder(m)
	}
	return m, nil
}
