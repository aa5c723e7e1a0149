package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// readSize is how many bytes a Receiver reads at a time. No result is longer.
const readSize = 64 << 10

// maxSilence is how long a Receiver waits for the next result before it gives up.
const maxSilence = 10 * time.Second

// ErrSilence says that nothing came any more though something had to.
var ErrSilence = errors.New("no more results come")

// A Receiver takes the results of a program under load, on any number of connections, and has them audited as they come. Its methods may be
// called at the same time.
type Receiver struct {
	listener net.Listener
	running  sync.WaitGroup // one goroutine that accepts, and one for each connection
	failed   chan struct{}  // closed when err is set
	silence  time.Duration  // maxSilence, but for tests

	mu          sync.Mutex // guards what follows
	audit       Audit
	results     int
	target      int           // how many results close reached
	reached     chan struct{} // nil if nobody waits
	err         error         // the first thing that was wrong
	connections []net.Conn
	closed      bool
}

// Listen returns a receiver that listens on a free port of the loopback interface. The caller closes it.
func Listen(audit Audit) (*Receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for results: %w", err)
	}
	r := &Receiver{listener: listener, audit: audit, failed: make(chan struct{}), silence: maxSilence}
	r.running.Go(r.accept)
	return r, nil
}

// Address returns where the receiver listens.
func (r *Receiver) Address() string {
	return r.listener.Addr().String()
}

// Record begins to record the latency of a schedule's results. Those of the first frames of each connection, skip of them, do not count.
// What is returned may be read when the results that count have been waited for.
func (r *Receiver) Record(schedule Schedule, skip int) *Latency {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.audit.record(schedule, skip)
}

// Results returns how many results have come.
func (r *Receiver) Results() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results
}

// Wait returns when so many results have come as the first frames of each connection of the sender have. It returns early with an error
// if a result is wrong, if none comes for ten seconds or somewhat longer, or if ctx ends. One goroutine may wait at a time.
func (r *Receiver) Wait(ctx context.Context, frames int) error {
	results := r.audit.results(frames)
	reached := r.reach(results)
	look := time.NewTicker(r.silence)
	defer look.Stop()
	for before := r.Results(); ; {
		select {
		case <-reached:
			return nil
		case <-r.failed:
			return r.failure()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
			now := r.Results()
			if now == before {
				return fmt.Errorf("%w: %d of %d came, and none in the last %v", ErrSilence, now, results, r.silence)
			}
			before = now
		}
	}
}

// While returns a context that ends when something is wrong with what came, which is then its cause. The caller calls release when it needs
// that no more.
func (r *Receiver) While(ctx context.Context) (during context.Context, release func()) {
	during, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-r.failed:
			end(r.failure())
		case <-during.Done():
		}
	}()
	return during, func() { end(nil) }
}

// Finish is called when the program under load has ended. It reads to the end of all connections and returns the first thing that was wrong
// with what came, or an error if other results came than those of so many frames on each connection of the sender. When ctx ends it reads
// no further.
func (r *Receiver) Finish(ctx context.Context, frames int) error {
	r.listener.Close()
	stop := context.AfterFunc(ctx, r.Close)
	r.running.Wait()
	if !stop() {
		return context.Cause(ctx)
	}
	if err := r.failure(); err != nil {
		return err
	}
	return r.audit.complete(frames)
}

// Close ends the connections, whatever may still come, and waits for the receiver's goroutines. It may be called again, and after Finish.
func (r *Receiver) Close() {
	r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for _, connection := range r.connections {
		connection.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}

func (r *Receiver) accept() {
	for {
		connection, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.running.Go(func() { r.read(connection) })
	}
}

// read has everything audited that comes on a connection.
func (r *Receiver) read(connection net.Conn) {
	defer connection.Close()
	number := r.enter(connection)
	buffer := make([]byte, readSize)
	for kept := 0; ; {
		n, err := connection.Read(buffer[kept:])
		arrived := time.Now()
		data := buffer[:kept+n]
		taken, wrong := r.take(number, data, arrived)
		if wrong != nil {
			return
		}
		kept = copy(buffer, data[taken:])
		if err != nil {
			r.leave(number, buffer[:kept], err)
			return
		}
	}
}

// enter numbers a connection.
func (r *Receiver) enter(connection net.Conn) (number int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections = append(r.connections, connection)
	if r.closed {
		connection.Close()
	}
	return len(r.connections) - 1
}

// take has data audited and returns how many bytes of it are done with.
func (r *Receiver) take(number int, data []byte, arrived time.Time) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, results, err := r.audit.take(number, data, arrived)
	r.results += results
	if err == nil && taken == 0 && len(data) == readSize {
		err = fmt.Errorf("%w: %d bytes on connection %d without an end", ErrMalformed, readSize, number)
	}
	r.fail(err)
	if r.reached != nil && r.results >= r.target {
		close(r.reached)
		r.reached = nil
	}
	return taken, err
}

// leave notes how a connection ended and what it left.
func (r *Receiver) leave(number int, rest []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
	case !errors.Is(err, io.EOF):
		r.fail(fmt.Errorf("read results on connection %d: %w", number, err))
	case len(rest) > 0:
		r.fail(fmt.Errorf("%w: connection %d ended inside a result, after %q", ErrMalformed, number, rest))
	}
}

// fail keeps the first error. The caller holds the lock.
func (r *Receiver) fail(err error) {
	if err != nil && r.err == nil {
		r.err = err
		close(r.failed)
	}
}

func (r *Receiver) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// reach returns a channel that is closed when so many results have come.
func (r *Receiver) reach(results int) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	reached := make(chan struct{})
	if r.results >= results {
		close(reached)
	} else {
		r.target, r.reached = results, reached
	}
	return reached
}
