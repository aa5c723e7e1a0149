package application

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/checkpoints"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/keep"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// savepointsFolder is where savepoints lie in a data directory, each a folder.
const savepointsFolder = "savepoints"

// savepointName is what a savepoint can be called.
var savepointName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// checkpointer makes checkpoints and savepoints when it is asked to. It is a control.Checkpoints.
type checkpointer struct {
	keep    *keep.Keep
	worker  *worker.Worker
	options Options
}

// List is those that there are.
func (c *checkpointer) List(ctx context.Context) (*checkpoints.List, error) {
	return checkpoints.Of(ctx, c.options.home.Checkpoints)
}

// Checkpoint makes one now.
func (c *checkpointer) Checkpoint(ctx context.Context) (control.Checkpointed, error) {
	made, err := c.worker.Checkpoint(ctx)
	if err != nil {
		return control.Checkpointed{}, err
	}
	return control.Checkpointed{
		Epoch: made.Epoch, Bytes: int64(made.Bytes), TookSeconds: made.Took.Seconds(), AlignedSeconds: made.Aligned.Seconds(),
		SavedSeconds: made.Saved.Seconds(), CommittedSeconds: made.Committed.Seconds(),
	}, nil
}

// Savepoint makes a checkpoint now, and a savepoint of it.
func (c *checkpointer) Savepoint(ctx context.Context, name, to string) (control.Savepoint, error) {
	place, err := c.place(name, to)
	if err != nil {
		return control.Savepoint{}, err
	}
	began := time.Now()
	made, err := c.worker.Checkpoint(ctx)
	if err != nil {
		return control.Savepoint{}, err
	}
	m, err := c.keep.Savepoint(ctx, place)
	if errors.Is(err, keep.ErrTaken) {
		return control.Savepoint{}, &control.RefusedError{Status: http.StatusConflict, Text: fmt.Sprintf("savepoint %s: %s", name, err)}
	}
	if err != nil {
		return control.Savepoint{}, fmt.Errorf("savepoint %s: %w", name, err)
	}
	s := control.Savepoint{
		Savepoint: name, Place: place.Name(), Run: m.Run, Epoch: m.Epoch, Bytes: m.Bytes(), TookSeconds: time.Since(began).Seconds(),
	}
	if place.Folder() != "" {
		s.Place = place.Folder()
	}
	for _, b := range m.Bases {
		s.Entities += b.Entities
	}
	c.options.Log.Info("savepoint", "name", name, "place", s.Place, "run", s.Run, "epoch", max(s.Epoch, made.Epoch), "bytes", s.Bytes)
	return s, nil
}

// place is where a savepoint goes.
func (c *checkpointer) place(name, to string) (bucket.Place, error) {
	refuse := func(text string) error { return &control.RefusedError{Status: http.StatusBadRequest, Text: text} }
	if !savepointName.MatchString(name) {
		return bucket.Place{}, refuse(fmt.Sprintf("%q cannot be the name of a savepoint: "+
			"want letters, digits, dots, dashes and underscores, 100 at most, a letter or digit first", name))
	}
	if to == "" {
		to = filepath.Join(c.options.DataDir, savepointsFolder)
	}
	place, err := bucket.Parse(to)
	if err != nil {
		return place, refuse("to: " + err.Error())
	}
	return place.Join(name), nil
}
