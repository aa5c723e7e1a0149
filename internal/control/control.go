// Package control is what a worker answers over HTTP.
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
)

// DefaultAddress is where a worker answers unless told otherwise; if it is taken, the next free port is.
var DefaultAddress = address.Address{Host: address.Loopback, Port: 5050}

const (
	portsTried        = 100 // how many ports Listen tries from the default one on
	readHeaderTimeout = 5 * time.Second
	shutdownTimeout   = time.Second
)

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

// Listen claims an address. With nil it claims the default one, or the next port that is free.
func Listen(a *address.Address) (net.Listener, error) {
	if a != nil {
		listener, err := net.Listen("tcp", a.String())
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

// Serve answers until ctx is done, then ends within a second. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, readiness *Readiness) error {
	server := &http.Server{Handler: handler(readiness), ReadHeaderTimeout: readHeaderTimeout}
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

func handler(readiness *Readiness) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready, why := readiness.Get()
		if !ready {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
	return mux
}
