package sockets

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
)

const (
	firstRetry  = 50 * time.Millisecond // pauses between attempts to connect double from the first to the last
	lastRetry   = time.Second
	dialTimeout = 5 * time.Second
	// remind is how often the log says that a receiver is still away.
	remind = 10 * time.Second
)

// keepAlive has the kernel ask the receiver's now and then on an idle connection. It answers by a reset once it has forgotten a receiver
// that ended, on Linux a minute (tcp_fin_timeout) after its end; for one that has only closed its own side it goes on to answer well.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

// receiver is where a sink connects to, again and again.
type receiver struct {
	address address.Address
	dial    func(ctx context.Context, address string) (*net.TCPConn, error)
	told    func(lost error)
	log     *slog.Logger
}

func newReceiver(config connector.Setup, to address.Address) receiver {
	if config.Connected == nil {
		config.Connected = func(error) {}
	}
	log := config.Log.With("sink", config.ID, "address", to.String())
	return receiver{address: to, dial: dial, told: config.Connected, log: log}
}

func dial(ctx context.Context, address string) (*net.TCPConn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// errNotNeeded is a connection that nobody needs any more.
var errNotNeeded = errors.New("nothing is left to deliver")

// reach tries to connect until ctx is done or, asked each time that notice comes, needless says that there is no need.
func (r *receiver) reach(ctx context.Context, notice <-chan struct{}, needless func() bool, try func() error) error {
	pause := firstRetry
	var told time.Time
	for !needless() {
		err := try()
		if err == nil {
			r.told(nil)
			r.log.Info("sink connected")
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.told(err)
		if time.Since(told) > remind {
			r.log.Warn("the sink's receiver is away; trying again until it is there", "error", err)
			told = time.Now()
		}
		if err := rest(ctx, pause, notice, needless); err != nil {
			return err
		}
		pause = min(2*pause, lastRetry)
	}
	return errNotNeeded
}

// rest pauses between two attempts. What comes meanwhile makes the pause no shorter, unless there is no need to connect any more.
func rest(ctx context.Context, pause time.Duration, notice <-chan struct{}, needless func() bool) error {
	over := time.After(pause)
	for {
		select {
		case <-over:
			return nil
		case <-notice:
			if needless() {
				return errNotNeeded
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
