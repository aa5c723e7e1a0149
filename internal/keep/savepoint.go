package keep

import (
	"context"
	"errors"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/store"
)

// ErrTaken is a place at which there is something already.
var ErrTaken = errors.New("there is something already")

// Savepoint writes the state of the last checkpoint to a place where nothing is: all of it, so that it needs nothing from here any more. It
// may be called while checkpoints are made. What it has written is removed if it fails.
func (k *Keep) Savepoint(ctx context.Context, to bucket.Place) (_ *store.Manifest, err error) {
	b, err := to.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	there, err := b.List(ctx, "")
	if err != nil {
		return nil, err
	}
	if len(there) > 0 {
		return nil, fmt.Errorf("%s: %w, %s: give another name, or remove it", to.Name(), ErrTaken, there[0].Name)
	}
	m, release := k.store.Hold()
	defer release()
	if m == nil {
		return nil, errors.New("there is no checkpoint yet")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, empty(context.WithoutCancel(ctx), b))
		}
	}()
	if err := store.Claim(ctx, b, k.options.Cluster); err != nil {
		return nil, fmt.Errorf("%s: %w", to.Name(), err)
	}
	written, err := k.store.Export(ctx, m, b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to.Name(), err)
	}
	return written, nil
}

// empty removes all from a place.
func empty(ctx context.Context, b store.Bucket) error {
	list, err := b.List(ctx, "")
	for _, l := range list {
		err = errors.Join(err, b.Delete(ctx, l.Name))
	}
	return err
}
