package sockets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/acked"
	"github.com/wallaroo-stream/wallaroo/internal/address"
)

const (
	firstRetry  = 50 * time.Millisecond // pauses between attempts to connect double from the first to the last
	lastRetry   = time.Second
	dialTimeout = 5 * time.Second
	// remind is how often the log says that a receiver is still away.
	remind = 10 * time.Second
	// writeBytes is how much is given to the kernel at a time, so that acknowledgements are seen meanwhile.
	writeBytes = 256 << 10
)

// keepAlive has the kernel ask the receiver's now and then on an idle connection. It answers by a reset once it has forgotten a receiver
// that ended, on Linux a minute (tcp_fin_timeout) after its end; for one that has only closed its own side it goes on to answer well.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

// errOver is a connection whose receiver has gone without acknowledging everything.
var errOver = errors.New("the receiver has closed the connection")

// Sink keeps one connection to its receiver. What the receiver's kernel has not acknowledged it keeps, and sends again, from the
// beginning of a message, on the next connection; it never gives up. So after a cut a receiver may see messages again, and the one that
// was cut in part.
type Sink struct {
	id      string
	address address.Address
	dial    func(ctx context.Context, address string) (*net.TCPConn, error)
	conn    *connection // nil while there is none
	told    func(lost error)
	log     *slog.Logger
}

// NewSink makes a sink; it does not connect yet.
func NewSink(config connector.Setup, to address.Address) *Sink {
	log := config.Log.With("sink", config.ID, "address", to.String())
	if config.Connected == nil {
		config.Connected = func(error) {}
	}
	return &Sink{id: config.ID, address: to, dial: dial, told: config.Connected, log: log}
}

// ID is the sink's identity.
func (s *Sink) ID() string { return s.id }

// Connect connects, trying again until ctx is done, whose error it then returns.
func (s *Sink) Connect(ctx context.Context) error {
	return s.connect(ctx, nil, func() bool { return false })
}

// errNotNeeded is a connection that nobody needs any more.
var errNotNeeded = errors.New("nothing is left to deliver")

// connect tries until ctx is done or, asked each time that notice comes, needless says that there is no need.
func (s *Sink) connect(ctx context.Context, notice <-chan struct{}, needless func() bool) error {
	pause := firstRetry
	var told time.Time
	for !needless() {
		conn, err := s.dial(ctx, s.address.String())
		if err == nil {
			s.conn = newConnection(conn, s.log)
			s.told(nil)
			s.log.Info("sink connected")
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.told(err)
		if time.Since(told) > remind {
			s.log.Warn("the sink's receiver is away; trying again until it is there", "error", err)
			told = time.Now()
		}
		select {
		case <-time.After(pause):
		case <-notice:
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, lastRetry)
	}
	return errNotNeeded
}

// Close gives up the connection.
func (s *Sink) Close() {
	if s.conn != nil {
		s.conn.close()
		s.conn = nil
	}
}

func dial(ctx context.Context, address string) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// Run delivers what comes through the outlet. Delivered is what the receiver's kernel has acknowledged.
func (s *Sink) Run(ctx context.Context, outlet connector.Outlet) error {
	defer s.Close()
	kept := &retained{outlet: outlet}
	needless := func() bool {
		kept.fetch()
		return kept.bytes() == 0 && outlet.Closed()
	}
	for {
		err := s.deliver(ctx, outlet, kept)
		if err == nil || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		_ = s.settle(kept) // the kernel still knows what was acknowledged when the connection broke
		s.Close()
		kept.rewind()
		s.told(err)
		s.log.Warn("the sink's connection broke; connecting again", "error", err, "kept", kept.bytes())
		err = s.connect(ctx, outlet.Items(), needless)
		if errors.Is(err, errNotNeeded) {
			return nil
		}
		if err != nil {
			return context.Cause(ctx)
		}
	}
}

// deliver writes on the connection until the outlet is closed and all is acknowledged, which is nil, or the connection breaks.
func (s *Sink) deliver(ctx context.Context, outlet connector.Outlet, kept *retained) error {
	conn := s.conn
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })() // it may run when this has returned
	look := newLook()
	defer look.timer.Stop()
	for {
		kept.fetch()
		pieces := kept.unsent(writeBytes)
		if len(pieces) > 0 {
			n, err := pieces.WriteTo(s.conn)
			kept.gave(n)
			if err != nil {
				return err
			}
			look.wrote(n)
		}
		if look.due(outlet) {
			if err := s.settle(kept); err != nil {
				return err
			}
		}
		switch {
		case kept.bytes() == 0 && outlet.Closed():
			return nil
		case len(pieces) > 0 && !outlet.Closed():
			continue // there may be more to write
		}
		if err := s.await(ctx, outlet.Items(), look.next(kept.bytes() > 0, outlet.Closed()), look); err != nil {
			return err
		}
	}
}

// settle lets go of what the receiver's kernel has acknowledged.
func (s *Sink) settle(kept *retained) error {
	if kept.bytes() == 0 {
		return nil
	}
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("look for acknowledgements: %w", err)
	}
	unacked, err := acked.Bytes(raw)
	if err != nil {
		return fmt.Errorf("look for acknowledgements: %w", err)
	}
	kept.release(kept.sent - int64(unacked))
	if unacked == 0 {
		return nil
	}
	// Once the receiver has closed its side, a reset wakes nobody: nothing is read any more, and there may be nothing to write.
	if over, err := acked.Over(raw); err != nil || over {
		return errors.Join(err, errOver)
	}
	return nil
}

// await returns when there may be something to do: more to write, or an acknowledgement to look for.
func (s *Sink) await(ctx context.Context, items <-chan struct{}, timer <-chan time.Time, look *look) error {
	select {
	case <-items:
		return nil
	case <-timer:
		look.fired()
		return nil
	case err := <-s.conn.broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connection is one connection to the receiver.
type connection struct {
	*net.TCPConn
	broken chan error // gets the error by which the connection breaks, if that is seen while reading
	done   chan struct{}
}

// newConnection begins to watch a connection.
func newConnection(conn *net.TCPConn, log *slog.Logger) *connection {
	c := &connection{TCPConn: conn, broken: make(chan error, 1), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		if err := c.watch(log); err != nil {
			c.broken <- err
		}
	}()
	return c
}

// watch returns when the connection breaks. What a receiver sends is thrown away. One that has only closed its own side still reads, and
// whether it is that or has ended, only a reset tells.
func (c *connection) watch(log *slog.Logger) error {
	if _, err := io.Copy(io.Discard, c.TCPConn); err != nil {
		return err
	}
	log.Info("the sink's receiver has closed its side: it has ended, or goes on to read")
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var over bool
	var failed error
	err = raw.Read(func(uintptr) bool { // again at each event of the socket, of which a reset is one
		over, failed = acked.Over(raw)
		return over || failed != nil
	})
	if over {
		err = errOver
	}
	return errors.Join(err, failed)
}

// close ends the connection and waits for the goroutine that watches it.
func (c *connection) close() {
	_ = c.Close()
	<-c.done
}
