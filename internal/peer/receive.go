package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// acceptPause is how long a receiver waits when the system has no room for another connection.
const acceptPause = 100 * time.Millisecond

// ReceiveConfig says where messages are received and how many.
type ReceiveConfig struct {
	Listen  address.Address
	Framing framing.Kind
	// Format is how messages are written; in the raw framing bytes are written as they are.
	Format Format
	// Count is how many messages are taken in all; 0 is any number. The raw framing knows no messages and so no count.
	Count int64
	// Status is where progress is told. Live says that it is a terminal.
	Status io.Writer
	Live   bool
}

// Receiver takes messages from any number of connections.
type Receiver struct {
	config   ReceiveConfig
	listener *net.TCPListener
	meter    *meter
}

// Listen checks the configuration and claims the address. Run or Close must follow.
func Listen(config ReceiveConfig) (*Receiver, error) {
	if config.Count < 0 {
		return nil, fmt.Errorf("%d messages cannot be taken: want 1 or more", config.Count)
	}
	if config.Count > 0 && config.Framing == framing.Raw {
		return nil, fmt.Errorf("messages cannot be counted in framing %s: want framing %s or %s", framing.Raw, framing.Lines, framing.Prefixed)
	}
	listener, err := address.Listen(config.Listen, "--listen")
	if err != nil {
		return nil, err
	}
	meter := newMeter("received", config.Framing, config.Status, config.Live)
	return &Receiver{config: config, listener: listener, meter: meter}, nil
}

// Addr is where the receiver listens, with the real port if port 0 was asked for.
func (r *Receiver) Addr() string { return r.listener.Addr().String() }

// Close gives the address up. Run does it too; Close is for a receiver that never ran.
func (r *Receiver) Close() error { return r.listener.Close() }

// Run writes what comes to output: each message in the format, or, in the raw framing, bytes as they come. Messages of different
// connections do not mix. Run returns nil when Count messages are written or the context has ended and what had arrived is written. It
// fails if output or listening fails; what goes wrong on a connection is told on the status. A slow output slows the senders down.
func (r *Receiver) Run(ctx context.Context, output io.Writer) error {
	r.meter.note("listening on %s", r.Addr())
	r.meter.show()
	wanted := r.config.Count
	if wanted == 0 {
		wanted = math.MaxInt64
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := newOutput(output, r.config.Format, wanted, r.meter, stop)
	var connections sync.WaitGroup
	err := r.accept(ctx, func(conn *net.TCPConn) {
		connections.Go(func() { r.serve(ctx, conn, out) })
	})
	stop(err)
	connections.Wait()
	err = errors.Join(err, out.finish())
	r.meter.halt()
	if err == nil {
		r.end(out.several)
	}
	return err
}

// RunResumable writes what is committed of what comes to a store, by the framing resumable. It returns nil when Count messages or more are
// committed, for only whole epochs are, or when the context has ended. It fails if the store's files or listening fail; what goes wrong on
// a connection is told on the status. What is received and not committed stays in the store's record. The store is closed.
func (r *Receiver) RunResumable(ctx context.Context, store *Store) error {
	r.meter.note("listening on %s", r.Addr())
	r.meter.show()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	store.start(r.config.Count, r.meter, stop)
	var connections sync.WaitGroup
	err := r.accept(ctx, func(conn *net.TCPConn) {
		connections.Go(func() { r.converse(ctx, conn, store) })
	})
	stop(err)
	connections.Wait()
	several := store.output.several
	err = errors.Join(err, store.failed(), store.Close())
	r.meter.halt()
	if err == nil {
		r.end(several)
	}
	return err
}

// end sums up.
func (r *Receiver) end(several int64) {
	r.meter.note("%s", r.meter.summary())
	if several > 0 {
		r.meter.note("%d messages have newlines in them and stand on several lines: format hex or frames keeps messages apart", several)
	}
}

// accept accepts connections until the context ends, which is nil.
func (r *Receiver) accept(ctx context.Context, serve func(*net.TCPConn)) error {
	defer r.listener.Close()
	defer context.AfterFunc(ctx, func() { _ = r.listener.Close() })()
	for {
		conn, err := r.listener.AcceptTCP()
		switch {
		case err == nil:
			serve(conn)
		case ctx.Err() != nil:
			return nil
		case !passes(err):
			return err
		default:
			r.meter.note("cannot accept a connection, trying again: %v", err)
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
		}
	}
}

// passes reports whether an error of accepting is one that ends by itself.
func passes(err error) bool {
	for _, passing := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// serve takes the messages of one connection and tells what went wrong there.
func (r *Receiver) serve(ctx context.Context, conn *net.TCPConn, output *output) {
	defer conn.Close()
	in, err := newIncoming(conn, r.config.Framing, output)
	if err == nil {
		err = in.serve(ctx)
	}
	if failure := output.failed(); err != nil && !errors.Is(err, failure) {
		r.meter.note("connection from %s: %v", conn.RemoteAddr(), err)
	}
}
