package pyhost

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// partitions is how many the tests have, and counted the number of the stage that counts; all is one island, 0.
const (
	partitions = 16
	counted    = 1
)

// served is a host that serves, and what came of its calls.
type served struct {
	*Host
	part   Part
	events chan worker.Event
	ended  chan error   // what Serve returned
	pause  func()       // has Serve end
	stop   func()       // has Serve end, and closes the host
	log    bytes.Buffer // may be read when all has stopped
	next   uint32
}

// serve starts a process that is ready to count words: executor number of those in the table.
func serve(t *testing.T, number int, table *partition.Table) *served {
	t.Helper()
	return serveApplication(t, "testdata/counting.py", number, table)
}

// serveApplication starts a process that is ready to run an application.
func serveApplication(t *testing.T, app string, number int, table *partition.Table) *served {
	t.Helper()
	python, err := FindInterpreter(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	path, err := PackagePath()
	if err != nil {
		t.Fatal(err)
	}
	s := &served{events: make(chan worker.Event, 1000), ended: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	if s.Host, err = Start(Config{Interpreter: python, PackagePath: path, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	p, err := s.LoadApplication(t.Context(), Application{App: app})
	if err != nil {
		t.Fatal(err)
	}
	s.part = Part{
		Executor: number, Plan: p, Table: table, Piece: 2, MaxMessages: 1 << 16, MaxBytes: 1 << 20, StepTimeout: time.Hour,
	}
	if err := s.Prepare(t.Context(), s.part); err != nil {
		t.Fatal(err)
	}
	s.run()
	t.Cleanup(func() { s.stop() })
	return s
}

// run has the host serve until stop.
func (s *served) run() {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.ended <- s.Serve(ctx, func(events []worker.Event) {
			for _, e := range events {
				s.events <- e
			}
		})
	}()
	s.pause = func() {
		cancel()
		<-over
	}
	s.stop = func() {
		cancel()
		<-over
		s.Close(context.Background())
	}
}

// await returns the events of the call that begin begins, in order.
func (s *served) await(t *testing.T, begin func(id uint32)) []worker.Event {
	t.Helper()
	s.next++
	begin(s.next)
	var events []worker.Event
	timeout := time.After(time.Minute)
	for {
		select {
		case e := <-s.events:
			if e.Call != s.next {
				t.Fatalf("an event of call %d in call %d", e.Call, s.next)
			}
			events = append(events, e)
			if e.Done {
				return events
			}
		case err := <-s.ended:
			t.Fatalf("the host ended: %v", err)
		case <-timeout:
			t.Fatal("a call does not end")
		}
	}
}

// lines runs lines through the first stage.
func (s *served) lines(t *testing.T, lines ...string) []worker.Event {
	t.Helper()
	var b message.Batch
	for _, line := range lines {
		b.Append([]byte(line))
	}
	return s.await(t, func(id uint32) { s.Process(worker.Call{ID: id, Batch: b}) })
}

// packed runs messages that came from elsewhere through the stage that counts.
func (s *served) packed(t *testing.T, settles bool, batches ...message.Batch) []worker.Event {
	t.Helper()
	return s.await(t, func(id uint32) {
		s.Process(worker.Call{ID: id, Stage: counted, Settles: settles, Batch: message.Join(batches)})
	})
}

func (s *served) switchTo(t *testing.T, owner int) []worker.Event {
	t.Helper()
	var moves []partition.Move
	for p := range partitions {
		moves = append(moves, partition.Move{Partition: p, Owner: owner})
	}
	return s.await(t, func(id uint32) { s.Switch(worker.Switch{ID: id, Moves: moves}) })
}

// results are the messages for the sink, in order.
func results(events []worker.Event) string {
	var all []string
	for _, e := range events {
		for e.To.Kind == worker.ToSink && e.Output.Count() > 0 {
			first := e.Output.Take(1)
			all = append(all, string(first.Payload))
		}
	}
	return strings.Join(all, " ")
}

// elsewhere are the batches for targets of a kind, of which there are so many messages.
func elsewhere(t *testing.T, events []worker.Event, kind worker.TargetKind, messages int) []message.Batch {
	t.Helper()
	var batches []message.Batch
	for _, e := range events {
		if e.To.Kind == kind && e.Output.Count() > 0 {
			batches = append(batches, e.Output)
			messages -= e.Output.Count()
			if e.To.Stage != counted {
				t.Errorf("messages for %+v", e.To)
			}
		}
	}
	if messages != 0 || results(events) != "" {
		t.Errorf("%d messages are missing, results %q", messages, results(events))
	}
	return batches
}

func wantResults(t *testing.T, events []worker.Event, want string) {
	t.Helper()
	got := strings.Fields(results(events))
	slices.Sort(got)
	if strings.Join(got, " ") != want {
		t.Errorf("results %q; want %q", got, want)
	}
}

func TestAPartitionMovesBetweenProcesses(t *testing.T) {
	table := partition.Even(partitions, 1)
	from, to := serve(t, 0, table), serve(t, 1, table)
	events := from.lines(t, "a b c a", "d")
	wantResults(t, events, "a1 a2 b1 c1 d1")
	got := events[len(events)-1].Entered
	for i := range got {
		got[i].Seen = 0 // by chance
	}
	if !reflect.DeepEqual(got, []worker.Entered{{Step: 1, Messages: 2}, {Step: 2, Messages: 5}}) {
		t.Errorf("entered %+v", got)
	}
	for _, b := range elsewhere(t, to.lines(t, "a b a e f"), worker.ToExecutor, 5) {
		if len(b.Pieces) != 3 {
			t.Errorf("pieces %+v", b.Pieces)
		}
		wantResults(t, from.packed(t, false, b), "a3 a4 b2 e1 f1")
	}

	given := from.switchTo(t, 1)
	if taken := to.switchTo(t, 1); len(taken) != 1 {
		t.Errorf("one that had nothing gave %+v", taken)
	}
	waiting := elsewhere(t, to.lines(t, "a b c d e f g"), worker.ToQueue, 7)
	states := 0
	for _, e := range given {
		if e.State != nil {
			states++
			to.await(t, func(id uint32) { to.Load(worker.Load{ID: id, State: *e.State}) })
		}
	}
	if states == 0 {
		t.Error("no state was given out")
	}
	again := elsewhere(t, to.packed(t, false, waiting...), worker.ToQueue, 7)
	wantResults(t, to.packed(t, true, again...), "a5 b3 c2 d2 e2 f2 g1")
	elsewhere(t, to.lines(t, "a"), worker.ToQueue, 1)

	var all []int
	for p := range partitions {
		all = append(all, p)
	}
	to.await(t, func(id uint32) { to.Open(worker.Open{ID: id, Stage: counted, Partitions: all}) })
	wantResults(t, to.lines(t, "a b g"), "a6 b4 g2")
	wantResults(t, to.packed(t, false, elsewhere(t, from.lines(t, "a h"), worker.ToExecutor, 2)...), "a7 h1")
}

func TestAnEntityThatCannotMoveEndsTheHost(t *testing.T) {
	host := serve(t, 0, partition.Even(partitions, 1))
	host.lines(t, "a stuck b")
	host.Switch(worker.Switch{ID: 9, Moves: []partition.Move{{Partition: ownPartition("stuck"), Owner: 1}}})
	select {
	case err := <-host.ended:
		failed, _ := errors.AsType[*EntityError](err)
		if failed == nil || failed.State != "counts" || failed.Key != "'stuck'" {
			t.Fatalf("%v", err)
		}
		for _, part := range []string{"pickle", "serialize and deserialize"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not tell %q", err, part)
			}
		}
	case <-time.After(time.Minute):
		t.Fatal("the host does not end")
	}
}

// TestTheProcessEndsByItself when nothing serves it any more: it is not killed, and what it logs at its end is logged.
func TestTheProcessEndsByItself(t *testing.T) {
	host := serve(t, 0, partition.Even(partitions, 1))
	host.lines(t, "a")
	host.stop()
	if err := <-host.ended; err != nil {
		t.Errorf("Serve = %v", err)
	}
	if text := host.log.String(); !strings.Contains(text, "the end") {
		t.Errorf("the log is %q", text)
	}
	host.stop()
}

// ownPartition is the partition of a word.
func ownPartition(word string) int {
	return partition.Of(partition.Hash(append([]byte{4}, word...)), partitions)
}

func TestPartsThatCannotBeAreRefused(t *testing.T) {
	table := partition.Even(partitions, 1)
	for _, part := range []Part{
		{Table: table},
		{Table: table, Piece: 1, MaxMessages: 1},
		{Table: table, Piece: 1, MaxMessages: 1, MaxBytes: maxLimit + 1},
	} {
		if err := new(Host).Prepare(t.Context(), part); err == nil {
			t.Errorf("%+v was taken", part)
		}
	}
}
