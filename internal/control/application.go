package control

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Application is what is answered about: one application, from its start to its end. The zero value is one that is starting, takes no
// changes and keeps no dead letters.
type Application struct {
	Readiness

	// Token is what those must show who change something; "" if nobody may.
	Token string
	// DeadLetters are those that are kept; nil if none are.
	DeadLetters DeadLetters

	loaded atomic.Pointer[Loaded]
}

// Loaded is an application whose file has been read: its parts, and what runs them.
type Loaded struct {
	Plan       *plan.Plan
	Partitions int // of the keys
	Worker     Worker
}

// Worker is what the answers need of a worker.
type Worker interface {
	Figures() worker.Figures
	Resize(ctx context.Context, executors int) (worker.Resized, error)
}

// Load says that the application is loaded. What needs it, metrics and changes, is answered from now on.
func (a *Application) Load(l Loaded) { a.loaded.Store(&l) }

// ready is the application once it is loaded, or why it cannot be asked or changed.
func (a *Application) ready() (*Loaded, error) {
	if loaded := a.loaded.Load(); loaded != nil {
		return loaded, nil
	}
	return nil, a.notProcessing()
}

// notProcessing says why the application cannot be changed.
func (a *Application) notProcessing() error {
	text := worker.ErrNotRunning.Error()
	if ready, why := a.Get(); !ready && why != "" {
		text += ": " + why
	}
	return &RefusedError{http.StatusServiceUnavailable, text}
}

// letters counts dead letters.
func (a *Application) letters() deadletters.Counts {
	if a.DeadLetters == nil {
		return deadletters.Counts{}
	}
	return a.DeadLetters.Counts()
}

// figures is what metrics are made of.
func (a *Application) figures() (*plan.Plan, worker.Figures) {
	l := a.loaded.Load()
	if l == nil {
		return nil, worker.Figures{}
	}
	return l.Plan, l.Worker.Figures()
}

// Readiness is whether an application processes messages, and if not, why. The zero value is not ready, for no reason yet.
type Readiness struct {
	mu    sync.Mutex
	ready bool
	why   string
}

// Set says that the application is ready, or why not.
func (r *Readiness) Set(ready bool, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready, r.why = ready, why
}

// Get is what was said last.
func (r *Readiness) Get() (ready bool, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready, r.why
}
