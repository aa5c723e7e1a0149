package application

import (
	"context"
	"log/slog"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Program is an application in its language: what it is, and the executors that run it.
type Program interface {
	worker.Crew
	// BringUp brings up the first executors. What is wrong with the application is a *ConfigError or a *pyhost.LoadError.
	BringUp(ctx context.Context) (*partition.Table, []worker.Executor, error)
	// Plan is what the application is, once it is brought up.
	Plan() *plan.Plan
	// Connectors makes its sources and sinks, in the order of their steps. Nothing is opened outside. An error is a *ConfigError.
	Connectors() ([]connector.Source, []connector.Sink, error)
	// Close ends the executors and returns when they are gone; at once if ctx is done.
	Close(ctx context.Context)
}

// Loader makes a program, of which nothing is brought up. It must be closed.
type Loader func(ctx context.Context, o Options) (Program, error)

// setup is what a connector is told.
func (o *Options) setup(id, address string, log *slog.Logger) connector.Setup {
	cluster := ""
	if o.home != nil {
		cluster = o.home.Cluster
	}
	return connector.Setup{
		ID: id, Address: address, Cluster: cluster,
		MaxMessage: o.MaxFrame, MaxConnections: o.MaxConnections, DrainTimeout: o.DrainTimeout,
		Connected: o.connections.Teller(id), Log: log,
	}
}
