package sockets

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// lines is an executor that makes a line of each message.
type lines struct {
	calls chan worker.Call
	hold  chan struct{} // if there is one, nothing is processed until it is closed
}

func (x *lines) Process(c worker.Call) { x.calls <- c }

func (x *lines) Switch(worker.Switch)     {}
func (x *lines) Load(worker.Load)         {}
func (x *lines) Open(worker.Open)         {}
func (x *lines) Probe(uint32)             {}
func (x *lines) Care(uint32, worker.Care) {}
func (x *lines) Noted() *worker.Noted     { return nil }
func (x *lines) Mark(uint32, int)         {}
func (x *lines) Save(uint32, int)         {}
func (x *lines) Restore(uint32, []byte)   {}

func (x *lines) Replay(uint32, worker.Replay) {}

func (x *lines) Serve(ctx context.Context, deliver func([]worker.Event)) error {
	if x.hold != nil {
		<-x.hold
	}
	for {
		select {
		case c := <-x.calls:
			out := message.Batch{}
			for c.Batch.Count() > 0 {
				out.Append(append(bytes.Clone(c.Batch.Take(1).Payload), '\n'))
			}
			deliver([]worker.Event{{Call: c.ID, Output: out}, {Call: c.ID, Done: true}})
		case <-ctx.Done():
			return nil
		}
	}
}

// system is a worker from socket to socket, and its log.
type system struct {
	t        *testing.T
	worker   *worker.Worker
	address  chan string
	stop     context.CancelFunc
	ended    chan error
	receiver net.Listener
	dialled  chan *net.TCPConn // the sink's connections
	ready    func(address string)
	streams  bool // the source is one of streams
	mu       sync.Mutex
	log      []string // guarded by mu
	logged   chan struct{}
}

func (s *system) Waiting(string) {}
func (s *system) Ready(addresses []string) {
	if s.ready != nil {
		s.ready(addresses[0])
	}
	s.address <- addresses[0]
}
func (s *system) Failed(worker.Origin, worker.Failure) {}
func (s *system) Resizing(int, int)                    {}
func (s *system) Resized(worker.Resized, error)        {}
func (s *system) Marked(worker.Marked)                 {}
func (s *system) Stopping()                            {}
func (s *system) Checkpointed(worker.Checkpointed)     {}
func (s *system) NotKept(uint64, error)                {}
func (s *system) Untidy(error)                         {}
func (s *system) Recovering(error)                     {}
func (s *system) Restoring(worker.Restoring)           {}
func (s *system) Restored(worker.Restoring)            {}
func (s *system) Recovered()                           {}
func (s *system) Convicted(worker.Skip)                {}

// Write takes in a record of the log.
func (s *system) Write(record []byte) (int, error) {
	s.mu.Lock()
	s.log = append(s.log, string(record))
	s.mu.Unlock()
	select {
	case s.logged <- struct{}{}:
	default:
	}
	return len(record), nil
}

// await returns when the log has a record with all these texts in it.
func (s *system) await(texts ...string) {
	s.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		for _, record := range s.log {
			if containsAll(record, texts) {
				s.mu.Unlock()
				return
			}
		}
		s.mu.Unlock()
		select {
		case <-s.logged:
		case <-timeout:
			s.t.Fatalf("no record with %q in\n%s", texts, strings.Join(s.log, ""))
		}
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// startSystem runs a worker whose source has this framing, and this configuration, in so far as it is given.
func startSystem(t *testing.T, c connector.Setup, f framing.Framing, changes ...func(*system, *lines)) *system {
	t.Helper()
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &system{t: t, address: make(chan string, 1), ended: make(chan error, 1), receiver: receiver, logged: make(chan struct{}, 1)}
	log := slog.New(slog.NewTextHandler(s, nil))
	c.ID, c.Log = "p/source", log
	c.MaxMessage = max(c.MaxMessage, 1000)
	if c.MaxConnections == 0 {
		c.MaxConnections = 100
	}
	c.DrainTimeout = max(c.DrainTimeout, time.Millisecond)
	to, err := address.Parse(receiver.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	executor := &lines{calls: make(chan worker.Call, 8)}
	for _, change := range changes {
		change(s, executor)
	}
	sink := NewSink(connector.Setup{ID: "p/sink", Log: log}, to)
	s.dialled = make(chan *net.TCPConn, 100)
	sink.receiver.dial = func(ctx context.Context, address string) (*net.TCPConn, error) {
		conn, err := dial(ctx, address)
		if err == nil {
			s.dialled <- conn
		}
		return conn, err
	}
	source := NewSource(c, address.Address{Host: address.Loopback}, f)
	if s.streams {
		source = NewStreamSource(c, address.Address{Host: address.Loopback})
	}
	s.worker = worker.New(worker.Config{
		Sources:    []connector.Source{source},
		Sinks:      []connector.Sink{sink},
		Stages:     []worker.Stage{{Sinks: []int{0}}},
		Report:     s,
		Limits:     worker.Limits{SinkBuffer: 1 << 16, MoveBuffer: 1 << 16, InFlight: 20 * time.Millisecond},
		StopWithin: 20 * time.Second,
	}, partition.Even(1, 1), []worker.Executor{executor})
	ctx, cancel := context.WithCancel(context.Background())
	stop, stopped := context.WithCancel(ctx)
	s.stop = stopped
	var running sync.WaitGroup
	running.Go(func() {
		s.ended <- s.worker.Run(ctx, stop)
	})
	t.Cleanup(func() {
		cancel()
		receiver.Close()
		running.Wait()
	})
	return s
}

func (s *system) dial(to string) *net.TCPConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

func (s *system) accept() net.Conn {
	s.t.Helper()
	conn, err := s.receiver.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	return conn
}

// finish stops the worker and returns all that its receiver gets from now on.
func (s *system) finish(receiver net.Conn) string {
	s.t.Helper()
	s.stop()
	got, err := io.ReadAll(receiver)
	if err != nil {
		s.t.Error(err)
	}
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
	return string(got)
}

func framed(messages ...string) []byte {
	var b []byte
	for _, m := range messages {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(m))), m...)
	}
	return b
}

func mustWrite(t *testing.T, conn net.Conn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}
