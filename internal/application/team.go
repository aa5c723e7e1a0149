package application

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/pyhost"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// team is the Python processes of an application, by the number of their executor.
type team []*pyhost.Host

// start starts the processes. They must be closed.
func start(ctx context.Context, o Options) (team, error) {
	python, err := pyhost.FindInterpreter(ctx, o.Python)
	if err != nil {
		return nil, &ConfigError{err}
	}
	path, err := pyhost.PackagePath()
	if err != nil {
		return nil, &ConfigError{err}
	}
	o.Log.Debug("python", "version", python.Version, "path", python.Path, "package", path)
	var t team
	for range o.Executors {
		host, err := pyhost.Start(pyhost.Config{Interpreter: python, PackagePath: path, Log: o.Log})
		if err != nil {
			t.close(ctx)
			return nil, err
		}
		t = append(t, host)
	}
	return t, nil
}

// close ends the processes and returns when they are gone; at once if ctx is done.
func (t team) close(ctx context.Context) {
	var group errgroup.Group
	for _, host := range t {
		group.Go(func() error {
			host.Close(ctx)
			return nil
		})
	}
	_ = group.Wait()
}

// load has each process load the application and make it ready. What the first one prints meanwhile is shown. All must come to the same
// plan.
func (t team) load(ctx context.Context, o Options) (*plan.Plan, error) {
	plans := make([]*plan.Plan, len(t))
	err := t.each(ctx, o, func(ctx context.Context, n int) (err error) {
		a := pyhost.Application{App: o.App, Args: o.Args, Quiet: n > 0, LogLevel: o.LogLevel}
		plans[n], err = t[n].Load(ctx, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, other := range plans[1:] {
		if !reflect.DeepEqual(plans[0], other) {
			return nil, &ConfigError{fmt.Errorf("load %s: two processes came to different applications: "+
				"what it declares must not depend on chance or time", o.App)}
		}
	}
	table := partition.Even(o.Partitions, len(t))
	return plans[0], t.each(ctx, o, func(ctx context.Context, n int) error {
		return t[n].Prepare(ctx, pyhost.Part{Executor: n, Stages: plans[0].Stages(), Table: table})
	})
}

// each has all processes do something; the first error ends it. A process that dies of the application's code is a *ConfigError.
func (t team) each(ctx context.Context, o Options, do func(ctx context.Context, n int) error) error {
	group, within := errgroup.WithContext(ctx)
	for n := range t {
		group.Go(func() error { return do(within, n) })
	}
	err := group.Wait()
	if _, told := errors.AsType[*pyhost.LoadError](err); err != nil && !told && ctx.Err() == nil {
		return &ConfigError{fmt.Errorf("load %s: %w", o.App, err)}
	}
	return err
}

func (t team) executors() []worker.Executor {
	var list []worker.Executor
	for _, host := range t {
		list = append(list, host)
	}
	return list
}
