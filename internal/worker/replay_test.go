package worker_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// again is a message that is sent again in a history: it enters at a step of the imagined application, which is one of the plan.
type again struct {
	step int
	imaginedMessage
}

// drawAgain makes some, which enter anywhere. In which epoch one raised counters is seen by its results, so that it must have any.
func (h *history) drawAgain() []again {
	chance := rand.New(rand.NewPCG(h.seed, 9))
	var list []again
	for n := range chance.IntN(12) {
		step := chance.IntN(len(h.app.steps))
		a := again{step: step, Peer: fmt.Sprintf("p%d.again%d", h.app.steps[step].pipeline, n), Number: n}
		if o := newOutcome(); h.app.enter(o, a) > 0 || len(o.counters) == 0 {
			list = append(list, a)
		}
	}
	return list
}

// isAgain reports whether a result came of a message that was sent again.
func (m imaginedMessage) isAgain() bool { return strings.Contains(m.Peer, ".again") }

// sendAgain sends each of them again, at some time; what it returns is closed when that is done.
func (h *history) sendAgain(ctx context.Context, within time.Duration, replay func(again) worker.Replay) chan struct{} {
	chance := rand.New(rand.NewPCG(h.seed, 10))
	var all sync.WaitGroup
	for _, a := range h.again {
		after := time.Duration(chance.Int64N(int64(within)))
		all.Go(func() {
			pause(after)
			if _, _, err := h.worker.Replay(ctx, replay(a)); err != nil {
				h.t.Errorf("seed %d: %s: %v", h.seed, a.Peer, err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		all.Wait()
	}()
	return done
}

// replay is what the worker is told if the application is in Go.
func (h *history) replay(a again) worker.Replay {
	r := worker.Replay{Stage: plan.EntersAt(h.stages, a.step), Step: a.step}
	if h.app.steps[a.step].kind == plan.Source {
		r.Letter = message.Letter{Text: a.String(), Encoding: message.Text}
		return r
	}
	data, err := codec.CBOR[imaginedMessage]().Append(nil, a.imaginedMessage)
	if err != nil {
		h.t.Error(err)
	}
	r.Letter = message.Letter{Text: base64.StdEncoding.EncodeToString(data), Encoding: message.CBOR}
	return r
}

// pythonReplay is what it is told if that is in Python, whose messages are tuples.
func (h *history) pythonReplay(a again) worker.Replay {
	r := h.replay(a)
	if r.Letter.Encoding != message.Text {
		pickled := fmt.Sprintf("(V%s\nI%d\n"+"I%d\nV%s\nt.", a.Peer, a.Index, a.Number, a.Path)
		r.Letter = message.Letter{Text: base64.StdEncoding.EncodeToString([]byte(pickled)), Encoding: message.Pickle}
	}
	return r
}

// expectAgain adds what they do.
func (h *history) expectAgain(o *outcome) {
	for _, a := range h.again {
		h.app.enter(o, a)
	}
}

// enter adds what a message does that enters at a step; it returns how many outputs come of it.
func (a *imagined) enter(o *outcome, m again) (outputs int) {
	s := &a.steps[m.step]
	if s.kind == plan.Source {
		return a.follow(o, s, m.imaginedMessage)
	}
	return a.meet(o, s, m.imaginedMessage)
}

// checkAgain demands that all results of a message that was sent again came in one epoch. It raises the counters in the totals of that
// epoch and of those behind it.
func (h *history) checkAgain(totals []map[string]int) {
	h.t.Helper()
	epochs := map[string]int{}
	for _, sink := range h.sinks {
		for _, r := range sink.got {
			if !r.isAgain() {
				continue
			}
			if e, known := epochs[r.Peer]; known && e != r.epoch {
				h.t.Errorf("seed %d: results of %s came in epoch %d and in %d", h.seed, r.Peer, e, r.epoch)
			}
			epochs[r.Peer] = r.epoch
		}
	}
	for _, a := range h.again {
		o := newOutcome()
		h.app.enter(o, a)
		for e := epochs[a.Peer]; e < len(totals); e++ {
			for name, n := range o.counters {
				totals[e][name] += n
			}
		}
	}
}

// TestAWorkerThatHasEndedTakesNoReplay also shows that asking does not wait.
func TestAWorkerThatHasEndedTakesNoReplay(t *testing.T) {
	h := draw(t, 1, 5, graph)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop, stopped := context.WithCancel(ctx)
	crew := &goCrew{Crew: h.program(h.native), t: t, stages: h.stages, credit: h.credit()}
	ended := h.start(ctx, stop, crew)
	for _, sink := range h.sinks {
		close(sink.open)
	}
	for _, source := range h.sources {
		<-source.finished
	}
	stopped()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.worker.Replay(ctx, h.replay(again{})); !errors.Is(err, worker.ErrNotRunning) {
		t.Errorf("Replay = %v", err)
	}
}
