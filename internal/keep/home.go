package keep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/store"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Home is a history, and where its checkpoints lie.
type Home struct {
	// Cluster is the id of the history.
	Cluster string
	// Place is where its checkpoints lie, and Shared says that others than the process that has the data directory may write there.
	Place  bucket.Place
	Shared bool
	// Checkpoints is what lies there.
	Checkpoints *bucket.Bucket
}

// Elsewhere is what the place is called, if it is not in the data directory.
func (h *Home) Elsewhere() string {
	if !h.Shared {
		return ""
	}
	return h.Place.Name()
}

// Close gives its connections up.
func (h *Home) Close() error { return h.Checkpoints.Close() }

// Wanted is where checkpoints are to lie.
type Wanted struct {
	// Place is the place; its zero value is the one that the data directory had before, or a folder in it.
	Place bucket.Place
	// Restore has a data directory that keeps nothing take over the history at Place.
	Restore bool
}

// ownPlace is the folder in a data directory where checkpoints lie if nobody says otherwise.
func ownPlace(dir string) (bucket.Place, error) {
	return bucket.Parse(filepath.Join(dir, checkpointsFolder))
}

// PlaceOf is where the checkpoints of a data directory lie; false if it keeps no history.
func PlaceOf(dir string) (place bucket.Place, keeps bool, err error) {
	h, err := readHistory(dir)
	if err != nil || h.Cluster == "" {
		return place, false, err
	}
	place, err = h.place(dir)
	return place, true, err
}

func (h *history) place(dir string) (bucket.Place, error) {
	if h.Store == "" {
		return ownPlace(dir)
	}
	return bucket.Parse(h.Store)
}

// FindHome finds out which history a data directory keeps, which begins if it keeps none, and makes the place of its checkpoints that
// history's alone. A place that is another history's is refused. The home must be closed.
func FindHome(ctx context.Context, dir string, w Wanted) (home *Home, err error) {
	h, err := readHistory(dir)
	if err != nil {
		return nil, err
	}
	own, err := ownPlace(dir)
	if err != nil {
		return nil, err
	}
	place, err := h.place(dir)
	if err != nil {
		return nil, err
	}
	if w.Place != (bucket.Place{}) {
		if w.Place.Name() != place.Name() && h.Run > 0 {
			return nil, fmt.Errorf("the checkpoints of %s lie in %s, not in %s: leave that away; or, to have them elsewhere, make a savepoint, "+
				"and begin with it and --fresh", dir, place.Name(), w.Place.Name())
		}
		place = w.Place
	}
	home = &Home{Place: place, Shared: place.Name() != own.Name()}
	if home.Checkpoints, err = place.Open(ctx); err != nil {
		return nil, err
	}
	if err := home.settle(ctx, dir, h, w.Restore); err != nil {
		return nil, errors.Join(err, home.Close())
	}
	return home, nil
}

// settle makes the home that of a data directory's history, and that directory's history the one at home.
func (h *Home) settle(ctx context.Context, dir string, of history, restore bool) error {
	if err := h.choose(ctx, dir, &of, restore); err != nil {
		return err
	}
	of.Store = ""
	if h.Shared {
		of.Store = h.Place.String()
	}
	if err := of.write(dir); err != nil {
		return err
	}
	if err := store.Claim(ctx, h.Checkpoints, of.Cluster); err != nil {
		return fmt.Errorf("%s: %w", h.Place.Name(), err)
	}
	h.Cluster = of.Cluster
	return nil
}

// choose makes the history of a data directory the one at its home, or a new one.
func (h *Home) choose(ctx context.Context, dir string, of *history, restore bool) error {
	theirs, err := store.Cluster(ctx, h.Checkpoints)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", h.Place.Name(), err)
	case restore && theirs == "":
		return nothingToRestore(h.Place)
	case restore && of.Cluster != "" && of.Cluster != theirs:
		return fmt.Errorf("%s keeps another history than the one in %s: name a data directory that is empty, or give --fresh",
			dir, h.Place.Name())
	case restore:
		of.Cluster = theirs
	case of.Cluster == "" && theirs != "" && h.Shared:
		return fmt.Errorf("in %s are the checkpoints of another history than that of %s: give each its own place; "+
			"if its data directory is lost, --restore goes on from them", h.Place.Name(), dir)
	case of.Cluster == "":
		of.Cluster, err = Cluster(dir)
	}
	return err
}

// Free says why a new history cannot have its checkpoints at a place; nil if it can.
func Free(ctx context.Context, place bucket.Place) error {
	theirs, err := clusterAt(ctx, place)
	if err == nil && theirs != "" {
		err = fmt.Errorf("in %s are the checkpoints of a history already, and --fresh begins another one: give it its own place", place.Name())
	}
	return err
}

// stillOurs finds out that another process has begun a newer run of this history, where that can be: in a place that is not in the data
// directory, which is one process's at a time. What this one would write, or remove, then does harm: it is a *worker.SupersededError.
func (k *Keep) stillOurs(ctx context.Context) error {
	if k.options.Elsewhere == "" {
		return nil
	}
	_, err := k.lastRun(ctx)
	return err
}

// lastRun is the newest run of this history that has begun. If it can be another process's, and is, that is a *worker.SupersededError.
func (k *Keep) lastRun(ctx context.Context) (uint64, error) {
	last, err := store.LastRun(ctx, k.options.Checkpoints)
	if err != nil {
		return 0, reached(err)
	}
	if k.options.Elsewhere != "" && last > k.history.Run {
		return 0, &worker.SupersededError{Err: fmt.Errorf("another process has begun run %d of this history with the checkpoints in %s, and %s "+
			"is at run %d: the history was taken over, as --restore does, and nothing that comes to this one counts any more; remove %s, "+
			"or begin anew with --fresh and another place", last, k.options.Elsewhere, k.options.Dir, k.history.Run, k.options.Dir)}
	}
	return last, nil
}

// Restorable says why there is nothing at a place that --restore can take over; nil if there is.
func Restorable(ctx context.Context, place bucket.Place) error {
	theirs, err := clusterAt(ctx, place)
	if err == nil && theirs == "" {
		err = nothingToRestore(place)
	}
	return err
}

// clusterAt is the history that has its checkpoints at a place; "" if none has.
func clusterAt(ctx context.Context, place bucket.Place) (string, error) {
	b, err := place.Open(ctx)
	if err != nil {
		return "", err
	}
	defer b.Close()
	return store.Cluster(ctx, b)
}

func nothingToRestore(place bucket.Place) error {
	return fmt.Errorf("there is nothing to restore in %s: no application has had its checkpoints there", place.Name())
}
