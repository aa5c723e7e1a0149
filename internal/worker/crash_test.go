package worker_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

var crashes = flag.Uint64("crashes", 60, "random histories to run in which workers and executors are killed")

// TestCrashes runs random applications whose worker, or an executor, is killed at random moments, while partitions and executors move. When
// what followed the last checkpoint is taken back, at a kill, from what sinks and failures show, as a receiver does that knows of epochs,
// then all holds that holds without kills: nothing is lost or repeated, order holds, counters are exact at each marker.
func TestCrashes(t *testing.T) {
	for seed := *first; seed < *first+*crashes; seed++ {
		folder, err := os.MkdirTemp(memory(), "crashes") //nolint:usetesting // it need not reach a disk
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) { crashing(t, seed, folder) })
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("after %d histories", seed-*first+1)
		}
	}
}

// shelf keeps checkpoints in memory.
type shelf struct {
	chance  *rand.Rand
	last    worker.Manifest
	state   map[string]entity.Entity // of the last checkpoint, by state and key
	added   map[string]entity.Entity
	run     uint64
	begun   func(epoch uint64) // is told of each new run
	commits func(epoch uint64) // is told of each checkpoint
	trouble bool               // some things fail, and succeed when they are tried again
	moments *moments
}

func (s *shelf) Last() worker.Manifest { return s.last }

func (s *shelf) Entities(context.Context) iter.Seq2[entity.Entity, error] {
	return func(yield func(entity.Entity, error) bool) {
		for _, e := range s.state {
			s.moments.pass()
			if s.trouble && s.chance.IntN(64) == 0 {
				yield(entity.Entity{}, &worker.UnreachableError{Err: errTrouble})
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (s *shelf) Skips() []worker.Skip { return nil }

func (s *shelf) NewRun(ctx context.Context, _ []worker.Skip) (uint64, error) {
	s.moments.pass()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	s.added = map[string]entity.Entity{}
	s.run++
	s.begun(s.last.Epoch)
	s.moments.pass()
	return s.run, nil
}

var errTrouble = errors.New("the disk has a bad day")

func (s *shelf) fails() bool { return s.trouble && s.chance.IntN(4) == 0 }

func (s *shelf) Add(ctx context.Context, _ uint64, entities []byte) error {
	s.moments.pass()
	defer s.moments.pass()
	if s.fails() {
		return errTrouble
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for e, err := range entity.All(entities) {
		if err != nil {
			return err
		}
		e.Key, e.Value = slices.Clone(e.Key), slices.Clone(e.Value)
		s.added[fmt.Sprint(e.State, " ", string(e.Key))] = e
	}
	return nil
}

func (s *shelf) Commit(ctx context.Context, m worker.Manifest) error {
	s.moments.pass()
	defer s.moments.pass()
	if s.fails() {
		return errTrouble
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.commits(m.Epoch)
	maps.Copy(s.state, s.added)
	s.added = map[string]entity.Entity{}
	m.Entities = uint64(len(s.state))
	s.last = m
	return nil
}

func (s *shelf) Tidy(context.Context) error {
	s.moments.pass()
	return nil
}

// errKilled is a worker that is killed.
var errKilled = errors.New("killed")

// crashing runs a history in virtual time.
func crashing(t *testing.T, seed uint64, folder string) {
	t.Helper()
	h, kept := drawKept(t, seed, 60)
	chance := rand.New(rand.NewPCG(seed, 13))
	kills := chance.IntN(5)
	for _, source := range h.sources {
		source.resumes = kills > 0
	}
	crew := h.goCrew()
	for ; ; kills-- {
		crew.Crew, crew.frail = h.program(h.native), chance.IntN(3)
		if h.liveOnce(folder, crew, func(die context.CancelCauseFunc) {
			for range chance.IntN(3) {
				pause(time.Duration(chance.IntN(60)) * time.Millisecond)
				crew.kill(chance.IntN)
			}
			if kills > 0 {
				pause(time.Duration(chance.IntN(100)) * time.Millisecond)
				die(errKilled)
			}
		}) {
			break
		}
	}
	if !t.Failed() {
		h.check()
		h.checkState(kept)
	}
}

// drawKept makes a random history that keeps what it does. What followed the last checkpoint is taken back when a run begins.
func drawKept(t *testing.T, seed uint64, messages int) (*history, *shelf) {
	t.Helper()
	h := draw(t, seed, messages, graph)
	h.again = nil
	chance := rand.New(rand.NewPCG(seed, 11))
	kept := &shelf{chance: rand.New(rand.NewPCG(seed, 12)), state: map[string]entity.Entity{}, trouble: chance.IntN(2) == 0}
	kept.begun = func(epoch uint64) {
		for _, sink := range h.sinks {
			sink.rollBack(epoch)
		}
		for _, cuts := range h.cuts {
			cuts.RollBack(epoch)
		}
		h.report.rollBack(epoch)
	}
	kept.commits = func(epoch uint64) {
		for n, sink := range h.sinks {
			if sink.owes(epoch) {
				t.Errorf("seed %d: checkpoint %d is committed, and sink %d has not delivered all in front of its marker", seed, epoch, n)
			}
		}
	}
	h.keep = &worker.Keep{Checkpoints: kept, Sync: chance.IntN(2) == 0, Interval: time.Duration(1+chance.IntN(30)) * time.Millisecond}
	for _, sink := range h.sinks {
		close(sink.open)
	}
	return h, kept
}

// goCrew is a crew of the history's application, which need not be one's that is killed and started again.
func (h *history) goCrew() *goCrew {
	took := time.Duration(50+h.chance.IntN(300)) * time.Microsecond
	slow := time.Duration(h.chance.IntN(2)*h.chance.IntN(20)) * time.Millisecond
	return &goCrew{t: h.t.(*testing.T), stages: h.stages, took: took, slow: slow, credit: h.credit()}
}

// liveOnce runs a worker until it is killed or done; it reports whether it is done. Trouble may let it die.
func (h *history) liveOnce(folder string, crew *goCrew, trouble func(die context.CancelCauseFunc)) bool {
	h.t.Helper()
	j, err := journal.Open(folder, journal.Options{SegmentBytes: 4 << 10})
	if err != nil {
		h.t.Fatal(err)
	}
	defer j.Close()
	for _, source := range h.sources {
		source.finished = make(chan struct{})
	}
	h.keep.Journal = j
	crew.ends = map[int]func(error){}
	ctx, die := context.WithCancelCause(context.Background())
	defer die(nil)
	stop, stopped := context.WithCancel(ctx)
	defer stopped()
	h.moments.begin(crew, die)
	ended := h.start(ctx, stop, crew)
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		h.watchAccepted(ctx)
	}()
	defer func() {
		die(nil)
		<-looked
	}()
	disturbed := make(chan struct{})
	go func() {
		defer close(disturbed)
		h.disturb(ctx, 30*time.Millisecond)
	}()
	trouble(die)
	err = h.finish(ended, func() {
		<-disturbed
		stopped()
	})
	<-disturbed
	if ctx.Err() != nil { // no error if it came to its end in the same moment
		if err != nil && !errors.Is(err, errKilled) {
			h.t.Errorf("seed %d: %v", h.seed, err)
		}
		return false
	}
	if err != nil {
		h.t.Errorf("seed %d: %v", h.seed, err)
	} else {
		h.checkKept(h.worker.Kept())
	}
	return true
}

// finish lets a worker come to its end when all is sent; it returns the error by which it ended, now or before.
func (h *history) finish(ended <-chan error, stop func()) error {
	h.t.Helper()
	for _, source := range h.sources {
		select {
		case <-source.finished:
		case err := <-ended:
			return err
		}
	}
	stop()
	asked := time.Now()
	err := <-ended
	if took := time.Since(asked); took > time.Minute {
		h.t.Errorf("seed %d: the end took %s", h.seed, took)
	}
	return err
}

// watchAccepted demands that what was accepted never becomes less while a worker runs, recoveries included, until ctx is done.
func (h *history) watchAccepted(ctx context.Context) {
	before := make([]worker.Traffic, len(h.sources))
	for ctx.Err() == nil {
		for n, source := range h.worker.Figures().Sources[:len(before)] {
			if source.Accepted.Messages < before[n].Messages || source.Accepted.Bytes < before[n].Bytes {
				h.t.Errorf("seed %d: source %d has accepted %+v after %+v", h.seed, n, source.Accepted, before[n])
			}
			before[n] = source.Accepted
		}
		h.worker.Kept()
		pause(time.Millisecond)
	}
}

// checkKept demands that nothing is open or left over at an orderly end.
func (h *history) checkKept(k *worker.Kept) {
	h.t.Helper()
	last := h.keep.Checkpoints.Last()
	if k.Open != nil || k.Restoring != nil || k.NoRoom != nil || k.Journal.SinceCheckpoint != 0 || k.Last.Epoch != last.Epoch {
		h.t.Errorf("seed %d: %+v; the last checkpoint is %+v", h.seed, k, last)
	}
	if parts := k.Last.Aligned + k.Last.Saved + k.Last.Committed; k.Last.Took != parts || k.Last.Entities != last.Entities {
		h.t.Errorf("seed %d: the last checkpoint is %+v", h.seed, k.Last)
	}
}

// kill kills one of the executors that serve. If none does, the next one dies that begins anew.
func (c *goCrew) kill(which func(of int) int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	numbers := slices.Sorted(maps.Keys(c.ends))
	if len(numbers) == 0 {
		c.frail++
		return
	}
	c.ends[numbers[which(len(numbers))]](errDied)
}

// checkState demands that the last checkpoint holds exactly what the counters must be.
func (h *history) checkState(kept *shelf) {
	h.t.Helper()
	want := newOutcome()
	h.expect(want, h.cut(0), h.cut(len(h.cuts[0].At)-1))
	got := map[string]int{}
	for _, e := range kept.state {
		c, err := codec.CBOR[imaginedCounter]().Decode(e.Value)
		if err != nil {
			h.t.Error(err)
		}
		if c.N > 0 { // else its first message failed
			got[counterName(h.native.Plan.States[e.State].Name, e.Key)] = c.N
		}
	}
	if !maps.Equal(got, want.counters) {
		h.t.Errorf("seed %d: saved are %v; want %v", h.seed, got, want.counters)
	}
	var accepted uint64
	for _, p := range kept.last.Sources {
		accepted += p.Accepted
	}
	sent := 0
	for _, cuts := range h.cuts {
		for _, n := range cuts.Sent() {
			sent += n
		}
	}
	if int(accepted) != sent {
		h.t.Errorf("seed %d: %d messages count as accepted; %d were sent", h.seed, accepted, sent)
	}
}

// counterName is the name of the counter of a key: half of the states have names for keys, the others numbers.
func counterName(state string, canonical []byte) string {
	var name string
	if partition.ReadKey(canonical, reflect.ValueOf(&name).Elem()) == nil {
		return name
	}
	var number int
	if err := partition.ReadKey(canonical, reflect.ValueOf(&number).Elem()); err != nil {
		return err.Error()
	}
	return fmt.Sprint(state, ":k", number)
}

// memory is a folder for files that need not reach a disk, which takes long; "" where there is none.
func memory() string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err != nil || !info.IsDir() {
		return ""
	}
	return shared
}
