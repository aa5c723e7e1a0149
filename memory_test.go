package wallaroo_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/datadir"
	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
)

// memory is a source that sends what a test has, and a sink that keeps what comes.
type memory struct {
	in   chan []string // what a connection sends
	news chan struct{}
	mu   sync.Mutex
	got  map[string]int // how often each message came; guarded by mu
}

func newMemory() *memory {
	return &memory{in: make(chan []string), news: make(chan struct{}, 1), got: map[string]int{}}
}

func (m *memory) ID() string                    { return "memory" }
func (m *memory) Listen() (string, error)       { return "memory", nil }
func (m *memory) Close()                        {}
func (m *memory) Connect(context.Context) error { return nil }

type memorySource struct{ *memory }

// source is the source of an application.
func source[T any](m *memory, decode func([]byte) (T, error)) wallaroo.Source[T] {
	open := func(connector.Setup) (connector.Source, error) { return memorySource{m}, nil }
	return wallaroo.Source[T]{Origin: connector.Origin{Kind: "memory", Open: open}, Decode: decode}
}

// Run sends each list of messages by a connection of its own.
func (m memorySource) Run(ctx, stop context.Context, inlet connector.Inlet) error {
	var connections sync.WaitGroup
	for n := 0; ; n++ {
		select {
		case messages := <-m.in:
			connections.Go(func() {
				to := inlet.Connect(fmt.Sprint("connection ", n))
				defer to.Close()
				for _, message := range messages {
					var b connector.Batch
					b.Append([]byte(message))
					if to.Send(ctx, b) != nil {
						return
					}
				}
			})
		case <-stop.Done():
			connections.Wait()
			return nil
		}
	}
}

type memorySink struct{ *memory }

// sink is the sink of an application.
func sink[T any](m *memory, encode func(T, []byte) ([]byte, error)) wallaroo.Sink[T] {
	open := func(connector.Setup) (connector.Sink, error) { return memorySink{m}, nil }
	return wallaroo.Sink[T]{Destination: connector.Destination{Kind: "memory", Open: open}, Encode: encode}
}

// Run keeps what comes.
func (m memorySink) Run(ctx context.Context, outlet connector.Outlet) error {
	for {
		for b, ok := outlet.Take(); ok; b, ok = outlet.Take() {
			count, bytes := b.Count(), len(b.Payload)
			m.mu.Lock()
			for b.Count() > 0 {
				m.got[string(b.Take(1).Payload)]++
			}
			m.mu.Unlock()
			outlet.Delivered(count, bytes)
			select {
			case m.news <- struct{}{}:
			default:
			}
		}
		if outlet.Closed() {
			return nil
		}
		select {
		case <-outlet.Items():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// await returns when so many messages have come.
func (m *memory) await(t *testing.T, messages int) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		m.mu.Lock()
		n := 0
		for _, times := range m.got {
			n += times
		}
		m.mu.Unlock()
		if n >= messages {
			return
		}
		select {
		case <-m.news:
		case <-timeout:
			t.Fatalf("%d messages of %d", n, messages)
		}
	}
}

// inChaos runs an application with a data directory, on executors between which partitions move, while a test does something. What it
// returns are the dead letters.
func inChaos(t *testing.T, app *wallaroo.App, during func(client *control.Client)) []deadletters.Letter {
	t.Helper()
	at, data := freeAddress(t), t.TempDir()
	ready, ended := make(chan struct{}), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	c := wallaroo.Config{
		Executors: 3, Partitions: 64, DataDir: data, HTTP: at.String(), Log: slog.New(slog.DiscardHandler),
		Ready: func(map[string]string) { close(ready) },
	}
	go func() { ended <- app.RunInChaos(ctx, c, 1) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	key, err := datadir.ReadKey(datadir.Key(data))
	if err != nil {
		t.Fatal(err)
	}
	client := control.NewClient(at, key)
	during(client)
	client.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	store, _, err := deadletters.Open(filepath.Join(data, "dead-letters"), deadletters.Least)
	if err != nil {
		t.Fatal(err)
	}
	page, err := store.List("", 1<<30)
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	return page.Letters
}

func freeAddress(t *testing.T) address.Address {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	at, err := address.Parse(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return at
}
