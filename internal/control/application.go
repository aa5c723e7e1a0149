package control

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/metrics"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Application is what is answered about: one application, from its start to its end. The zero value is one that is starting, takes no
// changes and keeps no dead letters.
type Application struct {
	Readiness
	// Connections is how those of the sinks stand.
	Connections status.Connections

	// Worker is the name of the worker that it runs on.
	Worker string
	// Token is what those must show who change something; "" if nobody may.
	Token string
	// DeadLetters are those that are kept; nil if none are.
	DeadLetters DeadLetters

	changing    atomic.Pointer[status.Changing]
	loaded      atomic.Pointer[Loaded]
	addresses   atomic.Pointer[[]string]
	checkpoints atomic.Pointer[Checkpoints]
	recent      status.Recent
}

// Loaded is an application whose file has been read: its parts, and what runs them.
type Loaded struct {
	Plan       *plan.Plan
	Partitions int // of the keys
	Worker     Worker
	// DataDir is where it keeps what outlives it, "" for nowhere, and Durability how.
	DataDir, Durability string
}

// Worker is what the answers need of a worker.
type Worker interface {
	Figures() worker.Figures
	Kept() *worker.Kept
	Resize(ctx context.Context, executors int) (worker.Resized, error)
}

// Load says that the application is loaded. What needs it, metrics and changes, is answered from now on.
func (a *Application) Load(l Loaded) { a.loaded.Store(&l) }

// Listening says where the sources listen.
func (a *Application) Listening(addresses []string) { a.addresses.Store(&addresses) }

// Changing says that the number of executors changes; nil, that this has ended.
func (a *Application) Changing(c *status.Changing) { a.changing.Store(c) }

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
	if r := a.stand(time.Now()); r.State != status.Running && r.Why != "" {
		text += ": " + r.Why
	}
	return &RefusedError{http.StatusServiceUnavailable, text}
}

// stand is what the application does. Where it takes in again what was kept, that is why it does nothing else.
func (a *Application) stand(now time.Time) Stand {
	r := a.Get()
	l := a.loaded.Load()
	if l == nil || r.State == status.Running {
		return r
	}
	if k := l.Worker.Kept(); k != nil && k.Restoring != nil {
		if r.Why != "" {
			r.Why += "; "
		}
		r.Why += status.Words(k.Restoring, now)
	}
	return r
}

// unready is why the application processes nothing, or takes in nothing that it could; "" if it does.
func (a *Application) unready(now time.Time) string {
	if r := a.stand(now); r.State != status.Running {
		return cmp.Or(r.Why, string(r.State))
	}
	l := a.loaded.Load()
	if l == nil {
		return ""
	}
	if k := l.Worker.Kept(); k != nil && k.NoRoom != nil {
		return fmt.Sprintf("no more is accepted until there is room, for %s: %s", now.Sub(k.NoRoom.Since).Round(time.Second), k.NoRoom.Why)
	}
	return ""
}

// letters counts dead letters.
func (a *Application) letters() deadletters.Counts {
	if a.DeadLetters == nil {
		return deadletters.Counts{}
	}
	return a.DeadLetters.Counts()
}

// figures is what metrics are made of.
func (a *Application) figures() (metrics.Snapshot, bool) {
	l := a.loaded.Load()
	if l == nil {
		return metrics.Snapshot{}, false
	}
	s := metrics.Snapshot{Plan: l.Plan, Figures: l.Worker.Figures(), Letters: a.letters(), Kept: l.Worker.Kept()}
	for _, sink := range l.Plan.Of(plan.Sink) {
		connection := a.Connections.Of(l.Plan.Steps[sink].ID())
		s.Connected = append(s.Connected, connection.Connected())
	}
	return s, true
}

// status is how the application stands.
func (a *Application) status() status.Status {
	now := time.Now()
	r := a.stand(now)
	f := status.Facts{
		Worker: a.Worker, State: r.State, Why: r.Why, Since: r.Since, Connections: &a.Connections, Letters: a.letters(),
		Changing: a.changing.Load(),
	}
	if at := a.addresses.Load(); at != nil {
		f.Addresses = *at
	}
	if l := a.loaded.Load(); l != nil {
		f.Plan, f.Partitions, f.Figures = l.Plan, l.Partitions, l.Worker.Figures()
		f.Lately = a.recent.Since(now, f.Figures)
		f.Kept, f.DataDir, f.Durability = l.Worker.Kept(), l.DataDir, l.Durability
	}
	return status.Of(&f, now)
}

// remember keeps what the worker has counted, every second until ctx is done, for what is told of the last seconds.
func (a *Application) remember(ctx context.Context) {
	tick := time.NewTicker(status.Every)
	defer tick.Stop()
	for {
		if l := a.loaded.Load(); l != nil {
			a.recent.Take(time.Now(), l.Worker.Figures())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Readiness is what an application does now. The zero value is one that starts, for no reason yet.
type Readiness struct {
	mu  sync.Mutex
	now Stand // guarded by mu
}

// Stand is what an application does, what that is about, and since when.
type Stand struct {
	State status.State
	Why   string
	Since time.Time
}

// Set says what the application does from now on. Another reason for the same state does not change since when that is.
func (r *Readiness) Set(state status.State, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.State != state {
		r.now.Since = time.Now()
	}
	r.now.State, r.now.Why = state, why
}

// Get is what was said last.
func (r *Readiness) Get() Stand {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}
