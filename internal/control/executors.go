package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

const (
	executorsPath = "/api/executors"
	mostBody      = 4 << 10 // bytes of a request
)

// Executors are the executors of an application, in the form of the API.
type Executors struct {
	Executors  int        `json:"executors"`
	Partitions int        `json:"partitions"`
	Each       []Executor `json:"each"`
}

// Executor is how one stands. The names are those of its metrics.
type Executor struct {
	Executor           int `json:"executor"`
	Partitions         int `json:"partitions"`
	QueuedMessages     int `json:"queued_messages"`
	MoveBufferBytes    int `json:"move_buffer_bytes"`
	EdgesWithoutCredit int `json:"edges_without_credit"`
}

// Change is what a change of the number of executors came to, in the form of the API.
type Change struct {
	Before          int `json:"before"`
	After           int `json:"after"`
	Partitions      int `json:"partitions"` // of the application
	PartitionsMoved int `json:"partitions_moved"`
	Markers         int `json:"markers"`
	// LongestWaitSeconds is how long a partition that moved was closed at most; the others were never.
	LongestWaitSeconds float64 `json:"longest_wait_seconds"`
	TookSeconds        float64 `json:"took_seconds"`
}

// wish is what a change asks for.
type wish struct {
	Executors *int `json:"executors"`
}

// executorsAPI answers what is asked about executors.
type executorsAPI struct {
	ctx   context.Context // that of the server: a change outlives the request
	about *Application
}

func (e *executorsAPI) list(*http.Request) (any, error) {
	loaded, err := e.about.ready()
	if err != nil {
		return nil, err
	}
	all := Executors{Partitions: loaded.Partitions, Each: []Executor{}}
	for n, f := range loaded.Worker.Figures().Executors {
		all.Executors++
		all.Each = append(all.Each, Executor{n, f.Partitions, f.Queued, f.Waiting, f.OutOfRoom})
	}
	return all, nil
}

func (e *executorsAPI) change(r *http.Request) (any, error) {
	loaded, err := e.about.ready()
	if err != nil {
		return nil, err
	}
	executors, err := wanted(r.Body, loaded.Partitions)
	if err != nil {
		return nil, &RefusedError{http.StatusBadRequest, err.Error()}
	}
	done, err := loaded.Worker.Resize(e.ctx, executors)
	count, isCount := errors.AsType[*worker.CountError](err)
	stuck, isStuck := errors.AsType[*worker.StuckError](err)
	switch {
	case isCount:
		return nil, &RefusedError{http.StatusBadRequest, "executors: " + count.Error()}
	case isStuck:
		return nil, &RefusedError{http.StatusConflict, stuck.Error()}
	case errors.Is(err, worker.ErrNotRunning), e.ctx.Err() != nil:
		return nil, e.about.notProcessing()
	case err != nil:
		return nil, fmt.Errorf("executors %d: %w", executors, err)
	}
	return Change{
		Before: done.Before, After: done.After, Partitions: loaded.Partitions, PartitionsMoved: done.Partitions, Markers: done.Markers,
		LongestWaitSeconds: done.LongestWait.Seconds(), TookSeconds: done.Took.Seconds(),
	}, nil
}

// wanted reads how many executors are asked for; the error says what is wrong with the request.
func wanted(body io.Reader, partitions int) (int, error) {
	var w wish
	const form = `{"executors": N}`
	err := readBody(body, mostBody, form, &w)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field == "executors" {
		return 0, fmt.Errorf("executors: a %s is not a number from 1 to %d", wrong.Value, partitions)
	}
	if err != nil {
		return 0, err
	}
	if w.Executors == nil {
		return 0, fmt.Errorf("the body is not %s: it names no number", form)
	}
	return *w.Executors, nil
}
