package control

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/checkpoints"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// imaginedCheckpoints are some that can be made while running.
type imaginedCheckpoints struct{ running bool }

func (i *imaginedCheckpoints) List(context.Context) (*checkpoints.List, error) {
	return &checkpoints.List{Cluster: "c", Checkpoints: []checkpoints.Checkpoint{{Run: 1, Epoch: 7, Kept: checkpoints.Last}}}, nil
}

func (i *imaginedCheckpoints) Checkpoint(context.Context) (Checkpointed, error) {
	if !i.running {
		return Checkpointed{}, worker.ErrNotRunning
	}
	return Checkpointed{Epoch: 8, Bytes: 100, TookSeconds: 0.5}, nil
}

func (i *imaginedCheckpoints) Savepoint(_ context.Context, name, to string) (Savepoint, error) {
	if name == "taken" {
		return Savepoint{}, &RefusedError{http.StatusConflict, "it is taken"}
	}
	return Savepoint{Savepoint: name, Place: to, Epoch: 8}, nil
}

func TestCheckpointsAreListedAndMade(t *testing.T) {
	about := running(promptly)
	about.Keeps(&imaginedCheckpoints{running: true})
	at, _ := serve(t, about)
	status, body := request{method: http.MethodGet, path: checkpointsPath, noToken: true}.send(t, at)
	if status != 200 || !strings.Contains(body, `"run":1,"epoch":7,`) {
		t.Errorf("%d %s", status, body)
	}
	c := NewClient(at, token)
	defer c.Close()
	if made, err := c.Checkpoint(t.Context()); err != nil || made != (Checkpointed{Epoch: 8, Bytes: 100, TookSeconds: 0.5}) {
		t.Errorf("%+v, %v", made, err)
	}
	if made, err := c.Savepoint(t.Context(), "monday", "file:///x"); err != nil || made.Savepoint != "monday" || made.Place != "file:///x" {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestCheckpointsThatAreNotMade(t *testing.T) {
	none, stands := running(promptly), running(promptly)
	stands.Keeps(&imaginedCheckpoints{})
	stands.Set(status.Starting, "restoring")
	for _, c := range []struct {
		about *Application
		request
		status int
		why    string
	}{
		{none, request{method: http.MethodGet, path: checkpointsPath}, 404, "start it with --data-dir DIR"},
		{none, request{path: checkpointsPath, body: `{}`}, 404, "start it with --data-dir DIR"},
		{none, request{path: savepointsPath, body: `{"name": "x"}`}, 404, "start it with --data-dir DIR"},
		{stands, request{path: checkpointsPath, body: `{}`}, 503, "restoring"},
		{stands, request{path: checkpointsPath, body: `{"at": 1}`}, 400, "the body is not {}"},
		{stands, request{path: savepointsPath, body: `x`}, 400, "the body is not"},
		{stands, request{path: savepointsPath, body: `{"name": "taken"}`}, 409, "it is taken"},
		{stands, request{path: checkpointsPath, body: `{}`, noToken: true}, 401, "a change needs the application's token"},
		{stands, request{path: savepointsPath, body: `{}`, noToken: true}, 401, "a change needs the application's token"},
	} {
		at, end := serve(t, c.about)
		c.contentType = jsonType
		if code, body := c.send(t, at); code != c.status || !strings.Contains(body, c.why) {
			t.Errorf("%+v: %d %s", c.request, code, body)
		}
		end()
	}
}
