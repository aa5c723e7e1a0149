package pyhost

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

const savingApp = "testdata/saving.py"

// alone is a host of an application that has all partitions.
func alone(t *testing.T) *served {
	t.Helper()
	return serveApplication(t, savingApp, 0, partition.Even(partitions, 1))
}

// save has all be saved that has changed, in slices of about so many bytes.
func (s *served) save(t *testing.T, size int) (saved []byte, slices int) {
	t.Helper()
	s.await(t, func(id uint32) { s.Mark(id, 0) })
	for left := true; left; slices++ {
		left = false
		for _, e := range s.await(t, func(id uint32) { s.Save(id, size) }) {
			if !e.Done {
				saved, left = append(saved, e.Saved...), e.Left
			}
		}
	}
	return saved, slices
}

// again has the host begin anew.
func (s *served) again(t *testing.T) {
	t.Helper()
	if err := s.Prepare(t.Context(), s.part); err != nil {
		t.Fatalf("begin anew: %v", err)
	}
	for len(s.events) > 0 {
		<-s.events // of calls of before
	}
	s.run()
}

func TestStateIsSavedAndRestored(t *testing.T) {
	host := alone(t)
	if version := host.part.Plan.States[0].Version; version != 3 {
		t.Errorf("the state has version %d", version)
	}
	wantResults(t, host.lines(t, "a b a c"), "a1 a2 b1 c1")
	saved, slices := host.save(t, 1)
	if count, err := entity.Count(saved); err != nil || count != 4 || slices != 4 {
		t.Errorf("%d entities, %v, in %d slices; want those of a, b, c and named, one by one", count, err, slices)
	}
	for e, err := range entity.All(saved) {
		if err != nil || e.State != 0 || e.Version != 3 || e.Removed {
			t.Errorf("%+v, %v", e, err)
		}
	}
	wantResults(t, host.lines(t, "a d"), "a3 d1")
	changed, _ := host.save(t, 1<<20)
	if count, err := entity.Count(changed); err != nil || count != 2 {
		t.Errorf("%d entities, %v; want those of a and d", count, err)
	}
	if nothing, slices := host.save(t, 1<<20); len(nothing) != 0 || slices != 1 {
		t.Errorf("%x, in %d slices", nothing, slices)
	}
	other := alone(t)
	for _, entities := range [][]byte{saved, changed, nil} {
		other.await(t, func(id uint32) { other.Restore(id, entities) })
	}
	wantResults(t, other.lines(t, "a b c d e named"), "a4 b2 c2 d2 e1 named1")
}

// TestAnEntityIsSavedAsItWasAtTheMark although messages have met it, or it has left, before its turn came.
func TestAnEntityIsSavedAsItWasAtTheMark(t *testing.T) {
	host := alone(t)
	host.lines(t, "a b")
	host.await(t, func(id uint32) { host.Mark(id, 0) })
	host.lines(t, "a a")
	host.switchTo(t, 1)
	var saved []byte
	for _, e := range host.await(t, func(id uint32) { host.Save(id, 1<<20) }) {
		saved = append(saved, e.Saved...)
	}
	other := alone(t)
	other.await(t, func(id uint32) { other.Restore(id, saved) })
	wantResults(t, other.lines(t, "a b named"), "a2 b2 named1")
}

func TestAnEntityThatCannotBeSavedEndsTheHost(t *testing.T) {
	host := alone(t)
	host.lines(t, "stuck")
	host.await(t, func(id uint32) { host.Mark(id, 0) })
	host.Save(9, 1<<20)
	failed, _ := errors.AsType[*EntityError](<-host.ended)
	if failed == nil || failed.State != "counts" || failed.Key != "'stuck'" || !strings.Contains(failed.Error(), "to be saved") {
		t.Fatalf("%v", failed)
	}
	host.again(t)
	wantResults(t, host.lines(t, "stuck"), "stuck1")
}

func TestAHostBeginsAnew(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(t *testing.T, host *served, dir string) // with the host paused
	}{
		{"idle", func(_ *testing.T, host *served, _ string) { host.pause() }},
		{"with a partition that has not come", func(t *testing.T, host *served, _ string) {
			t.Helper()
			host.switchTo(t, 1)
			host.switchTo(t, 0)
			elsewhere(t, host.lines(t, "a"), worker.ToQueue, 1)
			host.pause()
		}},
		{"with more to read than the pipe takes", func(_ *testing.T, host *served, _ string) {
			host.Process(worker.Call{ID: 90, Batch: lineOf(strings.Repeat("much ", 40))})
			<-host.events
			host.pause()
		}},
		{"in a long call", func(_ *testing.T, host *served, dir string) {
			host.Process(worker.Call{ID: 90, Batch: lineOf("wait:" + filepath.Join(dir, "go") + " a")})
			host.pause()
		}},
		{"in a long call, with a command that is half written", func(t *testing.T, host *served, dir string) {
			t.Helper()
			host.Process(worker.Call{ID: 90, Batch: lineOf("wait:" + filepath.Join(dir, "go"))})
			host.Process(worker.Call{ID: 91, Batch: lineOf(strings.Repeat("a ", 4<<20))})
			host.Process(worker.Call{ID: 92, Batch: lineOf("make:" + filepath.Join(dir, "made"))})
			host.pause()
			if len(host.cut) == 0 && len(host.rests) < 2 {
				t.Fatal("all was written")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			host := alone(t)
			wantResults(t, host.lines(t, "a b"), "a1 b1")
			saved, _ := host.save(t, 1<<20)
			for range 2 {
				c.leave(t, host, dir)
				if err := <-host.ended; err != nil {
					t.Fatalf("Serve = %v", err)
				}
				let := make(chan error)
				go func() { let <- os.WriteFile(filepath.Join(dir, "go"), nil, 0o600) }()
				host.again(t)
				if err := <-let; err != nil {
					t.Fatal(err)
				}
				wantResults(t, host.lines(t, "a b c"), "a1 b1 c1")
				host.await(t, func(id uint32) { host.Restore(id, saved) })
				wantResults(t, host.lines(t, "a b c"), "a2 b2 c2")
				if err := os.Remove(filepath.Join(dir, "go")); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "made")); err == nil {
				t.Error("a command was carried out of which the process had nothing")
			}
		})
	}
}

// lineOf is a batch of one line.
func lineOf(line string) message.Batch {
	var b message.Batch
	b.Append([]byte(line))
	return b
}

// TestAProcessThatDoesNotAnswerInTime is an error, and does not keep the host from being closed.
func TestAProcessThatDoesNotAnswerInTime(t *testing.T) {
	host := alone(t)
	host.Process(worker.Call{ID: 90, Batch: lineOf("wait:" + filepath.Join(t.TempDir(), "never"))})
	host.pause()
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("it is late")
	cancel(late)
	if err := host.Prepare(ctx, host.part); !errors.Is(err, late) {
		t.Errorf("Prepare = %v", err)
	}
	host.stop()
}
