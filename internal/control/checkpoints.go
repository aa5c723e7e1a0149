package control

import (
	"context"
	"errors"
	"net/http"

	"github.com/wallaroo-stream/wallaroo/internal/checkpoints"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

const (
	checkpointsPath = "/api/checkpoints"
	savepointsPath  = "/api/savepoints"
)

// Checkpoints are those of an application.
type Checkpoints interface {
	// List is those that there are, the newest first.
	List(ctx context.Context) (*checkpoints.List, error)
	// Checkpoint makes one and returns when it is committed; worker.ErrNotRunning if the application does not process.
	Checkpoint(ctx context.Context) (Checkpointed, error)
	// Savepoint makes a checkpoint and writes it, and all that it needs, to a place of its own: a folder of the name, in the data directory,
	// or at the URL of to. A name that cannot be, or that is taken, is a *RefusedError.
	Savepoint(ctx context.Context, name, to string) (Savepoint, error)
}

// Checkpointed is what a checkpoint came to, in the form of the API.
type Checkpointed struct {
	Epoch uint64 `json:"epoch"`
	// Bytes is the size of the state that had changed since the checkpoint before.
	Bytes int64 `json:"bytes"`
	// TookSeconds is how long it took in all: until all executors had passed its marker, until they had given out what changed, and until it
	// was written.
	TookSeconds      float64 `json:"took_seconds"`
	AlignedSeconds   float64 `json:"aligned_seconds"`
	SavedSeconds     float64 `json:"saved_seconds"`
	CommittedSeconds float64 `json:"committed_seconds"`
}

// Savepoint is a savepoint that was made, in the form of the API.
type Savepoint struct {
	Savepoint string `json:"savepoint"`
	// Place is the folder, on the application's machine, or the URL.
	Place       string  `json:"place"`
	Run         uint64  `json:"run"`
	Epoch       uint64  `json:"epoch"`
	Entities    int64   `json:"entities"`
	Bytes       int64   `json:"bytes"`
	TookSeconds float64 `json:"took_seconds"`
}

// wishedSavepoint is what a savepoint asks for.
type wishedSavepoint struct {
	Name string `json:"name"`
	To   string `json:"to,omitempty"`
}

// Keeps says what the checkpoints are, once there can be some.
func (a *Application) Keeps(c Checkpoints) { a.checkpoints.Store(&c) }

// kept is the checkpoints of the application, or why there are none.
func (a *Application) kept() (Checkpoints, error) {
	if c := a.checkpoints.Load(); c != nil {
		return *c, nil
	}
	if _, err := a.ready(); err != nil {
		return nil, err
	}
	return nil, &RefusedError{
		http.StatusNotFound, "there are no checkpoints, since the application has no data directory: start it with --data-dir DIR",
	}
}

// checkpointsAPI answers what is asked about checkpoints.
type checkpointsAPI struct {
	ctx   context.Context // that of the server: what was asked for outlives the request
	about *Application
}

func (c *checkpointsAPI) list(r *http.Request) (any, error) {
	kept, err := c.about.kept()
	if err != nil {
		return nil, err
	}
	return kept.List(r.Context())
}

func (c *checkpointsAPI) now(r *http.Request) (any, error) {
	var none struct{}
	if err := readBody(r.Body, mostBody, `{}`, &none); err != nil {
		return nil, &RefusedError{http.StatusBadRequest, err.Error()}
	}
	kept, err := c.about.kept()
	if err != nil {
		return nil, err
	}
	made, err := kept.Checkpoint(c.ctx)
	return made, c.told(err)
}

func (c *checkpointsAPI) savepoint(r *http.Request) (any, error) {
	var wished wishedSavepoint
	if err := readBody(r.Body, mostBody, `{"name": "NAME", "to": "FOLDER or URL"}`, &wished); err != nil {
		return nil, &RefusedError{http.StatusBadRequest, err.Error()}
	}
	kept, err := c.about.kept()
	if err != nil {
		return nil, err
	}
	made, err := kept.Savepoint(c.ctx, wished.Name, wished.To)
	return made, c.told(err)
}

// told is an error of what was asked for as the API tells it.
func (c *checkpointsAPI) told(err error) error {
	if errors.Is(err, worker.ErrNotRunning) || err != nil && c.ctx.Err() != nil {
		return c.about.notProcessing()
	}
	return err
}
