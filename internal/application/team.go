package application

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/pyhost"
	"github.com/wallaroo-stream/wallaroo/internal/sockets"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// piece is how many messages stay together on their way from one executor to another: enough to be cheap to pickle, and few enough that a
// call of a slow step is not long for them.
const piece = 128

// team is the Python processes of an application, by the number of their executor. It is a Program.
type team struct {
	options Options
	host    pyhost.Config
	plan    *plan.Plan // of the application, once it is loaded

	mu    sync.Mutex
	hosts map[int]*pyhost.Host // guarded by mu
}

// Python finds out how Python processes are started that run the application. None is yet.
func Python(ctx context.Context, o Options) (Program, error) {
	python, err := pyhost.FindInterpreter(ctx, o.Python)
	if err != nil {
		return nil, &ConfigError{err}
	}
	path, err := pyhost.PackagePath()
	if err != nil {
		return nil, &ConfigError{err}
	}
	o.Log.Debug("python", "version", python.Version, "path", python.Path, "package", path)
	config := pyhost.Config{Interpreter: python, PackagePath: path, Log: o.Log}
	if o.LogJSON { // on standard error nothing else may stand
		config.Stderr = o.Always
	}
	return &team{options: o, host: config, hosts: map[int]*pyhost.Host{}}, nil
}

// Plan is the application's, once it is loaded.
func (t *team) Plan() *plan.Plan { return t.plan }

// Close ends the processes and returns when they are gone; at once if ctx is done.
func (t *team) Close(ctx context.Context) {
	var group errgroup.Group
	t.mu.Lock()
	for _, host := range t.hosts {
		group.Go(func() error {
			host.Close(ctx)
			return nil
		})
	}
	t.mu.Unlock()
	_ = group.Wait()
}

// BringUp starts the first processes, has each load the application and prepares it. What the first one prints meanwhile is shown. What is
// wrong with the application is a *ConfigError or a *pyhost.LoadError.
func (t *team) BringUp(ctx context.Context) (*partition.Table, []worker.Executor, error) {
	table := partition.Even(t.options.Partitions, t.options.Executors)
	loaded := make([]*recruit, table.Executors)
	err := t.each(ctx, table.Executors, func(ctx context.Context, n int) (err error) {
		loaded[n], err = t.load(ctx, n, n > 0)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	t.plan = loaded[0].plan
	executors := make([]worker.Executor, table.Executors)
	err = t.each(ctx, table.Executors, func(ctx context.Context, n int) (err error) {
		if err := t.compare(loaded[n].plan); err != nil {
			return err
		}
		executors[n], err = loaded[n].Prepare(ctx, table)
		return err
	})
	return table, executors, err
}

// each does something for each of the first processes; the first error ends it. A process that dies of the application's code is a
// *ConfigError; one that dies of a signal is not: what has killed it may be over when the application is started again.
func (t *team) each(ctx context.Context, executors int, do func(ctx context.Context, n int) error) error {
	group, within := errgroup.WithContext(ctx)
	for n := range executors {
		group.Go(func() error { return do(within, n) })
	}
	err := group.Wait()
	_, told := errors.AsType[*pyhost.LoadError](err)
	if _, config := errors.AsType[*ConfigError](err); err == nil || told || config || ctx.Err() != nil {
		return err
	}
	err = fmt.Errorf("load %s: %w", t.options.App, err)
	if ended, is := errors.AsType[*pyhost.EndError](err); is && ended.Signaled() {
		return err
	}
	return &ConfigError{err}
}

// Start starts one more process and has it load the application, which must be the same as the others have.
func (t *team) Start(ctx context.Context, number int) (worker.Recruit, error) {
	r, err := t.load(ctx, number, true)
	if err != nil {
		return nil, err
	}
	return r, t.compare(r.plan)
}

// renewWithin is how long a process that lives may take to begin anew before another takes its place.
const renewWithin = 2 * time.Second

// Renew has the process of a number begin anew, without state; another takes its place if it has died or does not answer. If that dies too,
// the error is a *worker.DiedError.
func (t *team) Renew(ctx context.Context, number int, table *partition.Table) (worker.Executor, error) {
	executor, err := t.renew(ctx, number, table)
	if ended, is := errors.AsType[*pyhost.EndError](err); is {
		err = &worker.DiedError{Executor: number, Err: ended}
	}
	return executor, err
}

func (t *team) renew(ctx context.Context, number int, table *partition.Table) (worker.Executor, error) {
	t.mu.Lock()
	host := t.hosts[number]
	t.mu.Unlock()
	if host != nil {
		within, cancel := context.WithTimeout(ctx, renewWithin)
		defer cancel()
		r := &recruit{team: t, number: number, host: host, plan: t.plan}
		if executor, err := r.Prepare(within, table); err == nil {
			return executor, nil
		}
		over, now := context.WithCancel(ctx)
		now()
		t.Dismiss(over, number)
	}
	started, err := t.Start(ctx, number)
	if err != nil {
		return nil, err
	}
	return started.Prepare(ctx, table)
}

// Dismiss ends a process, if there is one of that number.
func (t *team) Dismiss(ctx context.Context, number int) {
	t.mu.Lock()
	host := t.hosts[number]
	delete(t.hosts, number)
	t.mu.Unlock()
	if host != nil {
		host.Close(ctx)
	}
}

func (t *team) load(ctx context.Context, number int, quiet bool) (*recruit, error) {
	host, err := pyhost.Start(t.host)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.hosts[number] = host
	t.mu.Unlock()
	a := pyhost.Application{App: t.options.App, Args: t.options.Args, Quiet: quiet, LogLevel: t.options.LogLevel}
	p, err := host.LoadApplication(ctx, a)
	if err != nil {
		return nil, err
	}
	return &recruit{team: t, number: number, host: host, plan: p}, nil
}

// compare refuses a plan that is not the one that the application has been loaded with.
func (t *team) compare(other *plan.Plan) error {
	if reflect.DeepEqual(t.plan, other) {
		return nil
	}
	return &ConfigError{fmt.Errorf("load %s: two processes came to different applications: "+
		"what it declares must not depend on chance or time, and its file must not change while it runs", t.options.App)}
}

// recruit is a process that has loaded the application.
type recruit struct {
	team   *team
	number int
	host   *pyhost.Host
	plan   *plan.Plan
}

// Prepare has the process make its stages, under a table.
func (r *recruit) Prepare(ctx context.Context, table *partition.Table) (worker.Executor, error) {
	return r.host, r.host.Prepare(ctx, pyhost.Part{
		Executor: r.number, Plan: r.plan, Table: table,
		Piece: r.team.options.piece(), MaxMessages: r.team.options.MaxOutput.Messages, MaxBytes: r.team.options.MaxOutput.Bytes,
		StepTimeout: r.team.options.StepTimeout, CheckOwnership: r.team.options.CheckOwnership, MaxLetter: r.team.options.letter(),
	})
}

// Connectors makes the sources and sinks of the plan.
func (t *team) Connectors() (sources []connector.Source, sinks []connector.Sink, err error) {
	o := &t.options
	for _, step := range t.plan.Of(plan.Source) {
		s := &t.plan.Steps[step]
		setup := o.setup(s.ID(), s.Outside.Place(), o.Log)
		if s.Outside.Resumable {
			sources = append(sources, sockets.NewStreamSource(setup, s.Outside.Address()))
		} else {
			sources = append(sources, sockets.NewSource(setup, s.Outside.Address(), s.Outside.Framing))
		}
	}
	for _, step := range t.plan.Of(plan.Sink) {
		s := &t.plan.Steps[step]
		setup := o.setup(s.ID(), s.Outside.Place(), o.Log)
		if s.Outside.Resumable {
			sinks = append(sinks, sockets.NewStager(setup, s.Outside.Address()))
		} else {
			sinks = append(sinks, sockets.NewSink(setup, s.Outside.Address()))
		}
	}
	return sources, sinks, nil
}
