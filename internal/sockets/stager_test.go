package sockets

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/peer"
)

var _ connector.Stager = (*Stager)(nil)

// someOutlet is an outlet of which a test says what comes. Its lock guards it.
type someOutlet struct {
	mu        sync.Mutex
	changed   *sync.Cond
	items     chan struct{}
	queue     []connector.Batch
	given     uint64 // the run of what is in the queue
	taken     uint64 // of what was taken last
	epoch     uint64
	committed uint64
	staged    uint64
	missing   int // messages that were put in and are not delivered
	closed    bool
}

func newOutlet() *someOutlet {
	o := &someOutlet{items: make(chan struct{}, 1), given: 1, taken: 1, epoch: 1}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// change changes it, and tells of that.
func (o *someOutlet) change(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	o.changed.Broadcast()
	select {
	case o.items <- struct{}{}:
	default:
	}
}

// await waits until something is so.
func (o *someOutlet) await(is func() bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !is() {
		o.changed.Wait()
	}
}

func (o *someOutlet) put(messages ...string) {
	o.change(func() {
		var b connector.Batch
		for _, m := range messages {
			b.Append([]byte(m))
		}
		o.queue = append(o.queue, b)
		o.missing += len(messages)
	})
}

// pass has a marker come, and waits until it is staged.
func (o *someOutlet) pass() (epoch uint64) {
	o.await(func() bool { return len(o.queue) == 0 })
	o.change(func() {
		epoch = o.epoch
		o.epoch++
	})
	o.await(func() bool { return o.staged >= epoch })
	return epoch
}

func (o *someOutlet) Items() <-chan struct{} { return o.items }

func (o *someOutlet) Take() (connector.Batch, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken = o.given
	if len(o.queue) == 0 {
		return connector.Batch{}, false
	}
	b := o.queue[0]
	o.queue = o.queue[1:]
	o.changed.Broadcast()
	return b, true
}

func (o *someOutlet) Epoch() uint64 { return locked(o, func() uint64 { return o.epoch }) }

func (o *someOutlet) Run() uint64 { return locked(o, func() uint64 { return o.taken }) }

func (o *someOutlet) Committed() uint64 { return locked(o, func() uint64 { return o.committed }) }

func (o *someOutlet) Staged(e uint64) { o.change(func() { o.staged = e }) }

func (o *someOutlet) Delivered(messages, _ int) { o.change(func() { o.missing -= messages }) }

func (o *someOutlet) Full() bool { return false }

func (o *someOutlet) Closed() bool {
	return locked(o, func() bool { return o.closed && len(o.queue) == 0 })
}

func locked[T any](o *someOutlet, read func() T) T {
	o.mu.Lock()
	defer o.mu.Unlock()
	return read()
}

// keepFile runs a receiver into a file, at an address if it is given.
func keepFile(t *testing.T, path string, at address.Address) (to address.Address, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := peer.Listen(peer.ReceiveConfig{Listen: at, Framing: framing.Resumable, Format: peer.FormatLines, Status: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	store, err := peer.OpenStore(path, peer.FormatLines)
	if err != nil {
		t.Fatal(err)
	}
	if to, err = address.Parse(r.Addr()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.RunResumable(ctx, store) }()
	return to, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// runStager runs a sink until its outlet is closed.
func runStager(t *testing.T, to address.Address, outlet connector.Outlet) <-chan error {
	t.Helper()
	sink := NewStager(connector.Setup{ID: "p/sink", Cluster: "c", Log: slog.New(slog.DiscardHandler)}, to)
	if err := sink.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- sink.Run(t.Context(), outlet) }()
	return ended
}

// TestAStagerWritesWhatIsCommittedOnce runs epochs through a sink, while the application returns to manifests, connections break, and
// the receiver is another one now and then.
func TestAStagerWritesWhatIsCommittedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	chance := rand.New(rand.NewPCG(3, 4))
	to, end := keepFile(t, path, address.Address{Host: address.Loopback})
	through := newCutter(t, to)
	outlet := newOutlet()
	done := runStager(t, through.at, outlet)
	want := ""
	for range 60 {
		run, committed := locked(outlet, func() uint64 { return outlet.given }), outlet.Committed()
		text := ""
		for i := range 1 + chance.IntN(20) {
			message := fmt.Sprint("run ", run, " behind ", committed, ": ", i, strings.Repeat("x", chance.IntN(20_000)))
			outlet.put(message)
			text += message + "\n"
		}
		switch chance.IntN(6) {
		case 0:
			outlet.change(func() { // a recovery
				for _, b := range outlet.queue {
					outlet.missing -= b.Count()
				}
				outlet.queue, outlet.given, outlet.epoch, outlet.staged = nil, run+1, committed+1, committed
			})
			continue
		case 1:
			through.cut()
		case 2:
			end()
			_, end = keepFile(t, path, to)
		}
		epoch := outlet.pass()
		outlet.change(func() { outlet.committed = epoch })
		want += text
	}
	outlet.change(func() { outlet.closed = true })
	if err := <-done; err != nil {
		t.Error(err)
	}
	end()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("the output has %d bytes, %v; want %d", len(got), err, len(want))
	}
	if outlet.missing != 0 {
		t.Errorf("%d messages are not delivered", outlet.missing)
	}
}

// cutter lets connections through to an address, until they are cut.
type cutter struct {
	at    address.Address
	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func newCutter(t *testing.T, to address.Address) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{}
	if c.at, err = address.Parse(listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to.String())
			if err != nil {
				near.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, near, far)
			c.mu.Unlock()
			for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
				all.Go(func() {
					_, _ = io.Copy(ends[0], ends[1])
					ends[0].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		listener.Close()
		c.cut()
		all.Wait()
	})
	return c
}

// cut cuts all connections.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

// TestAStagerOfAnOldRun has two sinks' processes talk at once, of which one is of a run that is over.
func TestAStagerOfAnOldRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	to, end := keepFile(t, path, address.Address{Host: address.Loopback})
	defer func() { end() }()
	old, now := newOutlet(), newOutlet()
	oldDone := runStager(t, to, old)
	old.put("void")
	old.pass()
	now.given = 2
	done := runStager(t, to, now)
	now.put("counts")
	epoch := now.pass()
	old.put("void too")
	now.change(func() { now.committed, now.closed = epoch, true })
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); string(got) != "counts\n" || err != nil {
		t.Errorf("the output is %q, %v", got, err)
	}
	old.change(func() { old.given, old.committed, old.closed = 2, epoch, true }) // it hears of the run
	if err := <-oldDone; err != nil || old.missing != 0 {
		t.Errorf("the old sink: %v, %d messages are not delivered", err, old.missing)
	}
}
