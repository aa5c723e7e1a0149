package worker_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/pyhost"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// pythonCrew brings up Python processes that run the imagined application.
type pythonCrew struct {
	app    *imagined
	config pyhost.Config
	mu     sync.Mutex
	hosts  map[int]*pyhost.Host // guarded by mu
}

// pythonRecruit is a process that has loaded the application.
type pythonRecruit struct {
	crew   *pythonCrew
	host   *pyhost.Host
	number int
	plan   *plan.Plan
}

func (c *pythonCrew) Start(ctx context.Context, number int) (worker.Recruit, error) {
	host, err := pyhost.Start(c.config)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.hosts[number] = host
	c.mu.Unlock()
	a := pyhost.Application{App: "testdata/imagined.py", Args: []string{c.app.json()}, Quiet: true}
	p, err := host.LoadApplication(ctx, a)
	if err != nil {
		return nil, err
	}
	return &pythonRecruit{crew: c, host: host, number: number, plan: p}, nil
}

// Renew starts another process, as one that died would need.
func (c *pythonCrew) Renew(ctx context.Context, number int, table *partition.Table) (worker.Executor, error) {
	over, now := context.WithCancel(ctx)
	now()
	c.Dismiss(over, number)
	r, err := c.Start(ctx, number)
	if err != nil {
		return nil, err
	}
	return r.Prepare(ctx, table)
}

func (c *pythonCrew) Dismiss(ctx context.Context, number int) {
	c.mu.Lock()
	host := c.hosts[number]
	c.mu.Unlock()
	host.Close(ctx)
}

func (r *pythonRecruit) Prepare(ctx context.Context, table *partition.Table) (worker.Executor, error) {
	return r.host, r.host.Prepare(ctx, pyhost.Part{
		Executor: r.number, Plan: r.plan, Table: table, Piece: 8, MaxMessages: 1 << 20, MaxBytes: 1 << 26,
	})
}

// json is what the Python application reads.
func (a *imagined) json() string {
	type step struct {
		Step  int    `json:"step"`
		State string `json:"state"`
		Salt  int    `json:"salt"`
		Keys  int    `json:"keys"`
		Fan   int    `json:"fan"`
	}
	pipelines := make([][]step, a.pipelines)
	for _, s := range a.steps {
		if s.kind == plan.Computation || s.kind == plan.StateComputation {
			pipelines[s.pipeline] = append(pipelines[s.pipeline], step{s.number, s.state, s.salt, s.keys, s.fan})
		}
	}
	text, err := json.Marshal(map[string]any{"keys": a.keys, "pipelines": pipelines})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// pythonConfig says how Python processes are started.
func pythonConfig(t *testing.T) pyhost.Config {
	t.Helper()
	python, err := pyhost.FindInterpreter(t.Context(), os.Getenv("PYTHON"))
	if err != nil {
		t.Fatal(err)
	}
	path, err := pyhost.PackagePath()
	if err != nil {
		t.Fatal(err)
	}
	return pyhost.Config{Interpreter: python, PackagePath: path, Log: slog.New(slog.DiscardHandler)}
}

// inPython runs a history with Python processes, in real time.
func inPython(t *testing.T, seed uint64) {
	t.Helper()
	h := draw(t, seed, 200, lines)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop, stopped := context.WithCancel(ctx)
	defer stopped()
	crew := &pythonCrew{app: h.app, config: pythonConfig(t), hosts: map[int]*pyhost.Host{}}
	defer func() {
		for _, host := range crew.hosts {
			host.Close(ctx)
		}
	}()
	ended := h.start(ctx, stop, crew)
	for _, sink := range h.sinks {
		close(sink.open)
	}
	sentAgain := h.sendAgain(ctx, 100*time.Millisecond, h.pythonReplay)
	h.disturb(ctx, 10*time.Millisecond)
	<-sentAgain
	for _, source := range h.sources {
		select {
		case <-source.finished:
		case err := <-ended:
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	stopped()
	if err := <-ended; err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	h.check()
}
