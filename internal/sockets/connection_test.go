package sockets

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

// met connects to a receiver that does something, and returns what is known of its framing when that is told, or the error before.
func met(t *testing.T, receiver func(*net.TCPConn)) (int32, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := dial(t.Context(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	c := newConnection(conn, 0, slog.New(slog.DiscardHandler))
	defer c.close()
	receiver(there.(*net.TCPConn))
	err = c.await(t.Context())
	return c.framing.Load(), err
}

func TestAReceiverIsKnownByItsFirstWords(t *testing.T) {
	say := func(words ...string) func(*net.TCPConn) {
		return func(conn *net.TCPConn) {
			for _, w := range words {
				_, _ = io.WriteString(conn, w)
			}
		}
	}
	for name, c := range map[string]struct {
		receiver func(*net.TCPConn)
		want     int32
		err      error
	}{
		"silent":            {say(), plain, nil},
		"another word":      {say("ok\n"), plain, nil},
		"a part of the one": {say("WALL"), plain, nil},
		"and then another":  {say("WALL", "S"), plain, nil},
		"its end":           {func(conn *net.TCPConn) { _ = conn.CloseWrite() }, plain, nil},
		"resumable":         {say(resumable.Magic), foreign, errResumable},
		"in pieces":         {say(resumable.Magic[:3], resumable.Magic[3:], "\x01\x00"), foreign, errResumable},
	} {
		if got, err := met(t, c.receiver); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: known is %d, %v; want %d, %v", name, got, err, c.want, c.err)
		}
	}
	if got, err := met(t, reset); got != unknown || err == nil {
		t.Errorf("a reset: known is %d, %v", got, err)
	}
}

// plainSink is a sink to an address, and what its process is told.
type plainSink struct {
	outlet *someOutlet
	log    *system
	ended  chan error
	mu     sync.Mutex
	dials  int     // guarded by mu, as is told
	told   []error // at each attempt
}

func runSink(t *testing.T, to address.Address) *plainSink {
	t.Helper()
	p := &plainSink{outlet: newOutlet(), log: &system{t: t, logged: make(chan struct{}, 1)}, ended: make(chan error, 1)}
	sink := NewSink(connector.Setup{ID: "p/sink", Log: slog.New(slog.NewTextHandler(p.log, nil)), Connected: func(lost error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, lost)
	}}, to)
	sink.receiver.dial = func(ctx context.Context, address string) (*net.TCPConn, error) {
		p.mu.Lock()
		p.dials++
		p.mu.Unlock()
		return dial(ctx, address)
	}
	if err := sink.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- sink.Run(t.Context(), p.outlet) }()
	return p
}

// TestASinkKeepsAllFromAReceiverOfTheFramingResumable has results come, all the time, for a receiver that takes none of them, and then
// another one in its place, which gets each once.
func TestASinkKeepsAllFromAReceiverOfTheFramingResumable(t *testing.T) {
	to, end := keepFile(t, t.TempDir()+"/out", address.Address{Host: address.Loopback})
	p := runSink(t, to)
	want := strings.Repeat("result\n", 3000)
	for range 3000 {
		p.outlet.put("result\n") // each is a notice
	}
	p.log.await("the sink's receiver is away", "speaks the framing resumable")
	p.mu.Lock()
	if p.dials > 20 { // pauses of 50, 100, 200 ms
		t.Errorf("it connected %d times, without pauses", p.dials)
	}
	if i := slices.Index(p.told, errResumable); i < 0 || slices.Contains(p.told[i:], nil) {
		t.Errorf("its process was told %v; want that the receiver stays away", p.told)
	}
	p.mu.Unlock()
	if missing := locked(p.outlet, func() int { return p.outlet.missing }); missing != 3000 {
		t.Errorf("%d of 3000 results are not delivered", missing)
	}
	end()
	listener, err := net.Listen("tcp", to.String())
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	defer listener.Close()
	receiver, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p.outlet.change(func() { p.outlet.closed = true })
	if got, err := io.ReadAll(receiver); string(got) != want || err != nil {
		t.Errorf("%d bytes came, %v; want %d", len(got), err, len(want))
	}
	if err := <-p.ended; err != nil || p.outlet.missing != 0 {
		t.Errorf("the sink's end: %v, %d are not delivered", err, p.outlet.missing)
	}
}

// TestNothingIsDeliveredBeforeTheReceiverIsKnown has its kernel acknowledge all before its program says a word.
func TestNothingIsDeliveredBeforeTheReceiverIsKnown(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	to, err := address.Parse(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p := runSink(t, to)
	p.outlet.put("a")
	receiver, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	if _, err := io.ReadFull(receiver, make([]byte, 1)); err != nil { // it is written at once
		t.Fatal(err)
	}
	p.outlet.await(func() bool { return p.outlet.missing == 0 })
	if took := time.Since(began); took < trial {
		t.Errorf("it was delivered after %s", took)
	}
	p.outlet.change(func() { p.outlet.closed = true })
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
}
