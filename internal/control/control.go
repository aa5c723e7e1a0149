// Package control is what a worker answers over HTTP, and the client of those answers.
//
//	GET  /healthz        the process lives
//	GET  /readyz         the application processes messages, or why not
//	GET  /metrics        for Prometheus; docs/metrics.md lists them
//	GET  /api/status     how it stands; docs/status.md describes it
//	GET  /api/graph      its steps, and what flows between them; likewise
//	GET  /api/executors  how many executors there are, and how they stand
//	POST /api/executors  change their number; it answers when that is done
//	GET  /api/checkpoints  those of its state that are kept
//	POST /api/checkpoints  make one; it answers when that is committed
//	POST /api/savepoints   make one, and a folder of it that needs nothing else; it answers when that is done
//	GET  /api/dead-letters[?after=ID]  the dead letters behind one, the oldest first, as many as an answer holds
//	POST /api/dead-letters/replay      send some again; it answers when that is done
//
// What changes something needs the token, and all of the API is refused to browsers: see guard.
package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/graph"
	"github.com/wallaroo-stream/wallaroo/internal/metrics"
)

// DefaultAddress is where a worker answers unless told otherwise; if it is taken, the next free port is.
var DefaultAddress = address.Address{Host: address.Loopback, Port: 5050}

const (
	statusPath = "/api/status"
	graphPath  = "/api/graph"
)

const (
	portsTried        = 100 // how many ports Listen tries from the default one on
	readHeaderTimeout = 5 * time.Second
	shutdownTimeout   = time.Second
)

// Listen claims an address. With nil it claims the default one, or the next port that is free.
func Listen(a *address.Address) (net.Listener, error) {
	if a != nil {
		listener, err := address.Listen(*a, "--http")
		if err != nil {
			return nil, fmt.Errorf("--http %s: %w", a, err)
		}
		return listener, nil
	}
	next := DefaultAddress
	for range portsTried {
		listener, err := net.Listen("tcp", next.String())
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
		next.Port++
	}
	return nil, fmt.Errorf("no port is free from %s on: name one with --http, or --http off", DefaultAddress)
}

// Serve answers about an application until ctx is done, then ends within a second. It closes the listener. A change that was asked for goes
// on when whoever asked goes away; ctx ends it.
func Serve(ctx context.Context, listener net.Listener, about *Application) error {
	var remembering sync.WaitGroup
	defer remembering.Wait()
	meanwhile, end := context.WithCancel(ctx)
	defer end()
	remembering.Go(func() { about.remember(meanwhile) })
	server := &http.Server{Handler: handler(ctx, listener.Addr(), about), ReadHeaderTimeout: readHeaderTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("http: %w", err)
	case <-ctx.Done():
	}
	// What is being answered may still take a moment.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

func handler(ctx context.Context, listens net.Addr, about *Application) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := about.unready(time.Now()); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
	mux.Handle("GET /metrics", metrics.Handler(about.figures))
	mux.Handle("GET "+statusPath, local(listens, func(*http.Request) (any, error) { return about.status(), nil }))
	mux.Handle("GET "+graphPath, local(listens, func(*http.Request) (any, error) { return about.graph() }))
	api := &executorsAPI{ctx: ctx, about: about}
	mux.Handle("GET "+executorsPath, local(listens, api.list))
	mux.Handle("POST "+executorsPath, guard(listens, about.Token, api.change))
	kept := &checkpointsAPI{ctx: ctx, about: about}
	mux.Handle("GET "+checkpointsPath, local(listens, kept.list))
	mux.Handle("POST "+checkpointsPath, guard(listens, about.Token, kept.now))
	mux.Handle("POST "+savepointsPath, guard(listens, about.Token, kept.savepoint))
	letters := &lettersAPI{ctx: ctx, about: about}
	mux.Handle("GET "+lettersPath, local(listens, letters.list))
	mux.Handle("POST "+replayPath, guard(listens, about.Token, letters.replay))
	return mux
}

// graph is the application's, once it is loaded.
func (a *Application) graph() (any, error) {
	loaded, err := a.ready()
	if err != nil {
		return nil, err
	}
	return graph.Of(loaded.Plan), nil
}
