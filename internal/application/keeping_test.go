package application

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/journal"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// TestWhatGoesOnForLongIsTold looks at what is kept every second, as it stands then, and at what is logged in which second.
func TestWhatGoesOnForLongIsTold(t *testing.T) {
	start := time.Unix(1e9, 0)
	open := &worker.OpenCheckpoint{
		Epoch: 7, Began: start, Part: worker.Saving, Awaited: worker.Awaited{Executors: []int{1}, Sinks: []int{0}},
	}
	committed := worker.Kept{Last: worker.Checkpointed{Epoch: 7, Began: start}}
	failing := *open
	failing.Trouble = &worker.Trouble{}
	for _, c := range []struct {
		what  string
		until int // the second in which it ends
		stand worker.Kept
		then  worker.Kept
		want  string // SECOND RECORD, ...
	}{
		{
			"a late checkpoint", 75,
			worker.Kept{Open: open},
			committed,
			"20 a checkpoint is late, 75 checkpoints are committed again",
		},
		{"one that is soon committed", 19, worker.Kept{Open: open}, committed, ""},
		{
			"one that is told once a minute, and given up", 100,
			worker.Kept{Open: open},
			worker.Kept{},
			"20 a checkpoint is late, 80 a checkpoint is late",
		},
		{"one that cannot be written", 100, worker.Kept{Open: &failing}, worker.Kept{}, ""},
		{
			"no room", 65,
			worker.Kept{NoRoom: &worker.Trouble{Why: "full", Since: start}},
			worker.Kept{},
			"0 no more is accepted until there is room for the journal, 60 no more is accepted until there is room for the journal, " +
				"65 there is room for the journal again",
		},
		{
			"restoring", 13,
			worker.Kept{Restoring: &worker.Restoring{Since: start}},
			worker.Kept{},
			"5 restoring goes on, 10 restoring goes on",
		},
	} {
		written := newLog()
		p := &plan.Plan{Steps: []plan.Step{{Pipeline: "p", Name: "source", Kind: plan.Source}, {Pipeline: "p", Name: "sink", Kind: plan.Sink}}}
		l := &lookout{log: logging.New(written, logging.Options{Level: slog.LevelInfo}), plan: p, interval: 2 * time.Second}
		var got []string
		for second := range 110 {
			k := &c.stand
			if second >= c.until {
				k = &c.then
			}
			before := written.text.Len()
			l.look(start.Add(time.Duration(second)*time.Second), k)
			for line := range strings.Lines(written.text.String()[before:]) {
				_, message, _ := strings.Cut(line, `msg="`)
				message, _, _ = strings.Cut(message, `"`)
				got = append(got, fmt.Sprint(second, " ", message))
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q; want %q", c.what, got, c.want)
		}
		if len(c.want) > 0 && c.stand.Open != nil && !strings.Contains(written.text.String(), `waits_for="executor 1, sink p/sink"`) {
			t.Errorf("%s: what is waited for is not told: %s", c.what, &written.text)
		}
	}
}

// TestStandsAreTold has an application restore, recover and stop.
func TestStandsAreTold(t *testing.T) {
	written := newLog()
	about := &control.Application{}
	r := &reporter{about: about, options: Options{Log: logging.New(written, logging.Options{Level: slog.LevelInfo})}}
	for _, c := range []struct {
		happens func()
		state   status.State
		why     string
	}{
		{func() { r.Waiting("connecting") }, status.Starting, "connecting"},
		{func() { r.Restoring(worker.Restoring{Epoch: 3}) }, status.Restoring, ""},
		{func() { r.stand(status.Running, "") }, status.Running, ""},
		{func() { r.Recovering(errors.New("killed")) }, status.Recovering, "back to the last checkpoint: killed"},
		{func() { r.Restoring(worker.Restoring{Epoch: 3}) }, status.Recovering, "back to the last checkpoint: killed"},
		{func() { r.Recovered() }, status.Running, ""},
		{func() { r.Stopping() }, status.Stopping, stopping},
		{func() { r.Recovering(errors.New("killed")) }, status.Stopping, stopping + "; back to the last checkpoint: killed"},
		{func() { r.Recovered() }, status.Stopping, stopping},
	} {
		c.happens()
		if now := about.Get(); now.State != c.state || now.Why != c.why {
			t.Errorf("%s (%s); want %s (%s)", now.State, now.Why, c.state, c.why)
		}
	}
}

// TestACheckpointThatFailsIsToldOnce tells of attempts that follow each other soon.
func TestACheckpointThatFailsIsToldOnce(t *testing.T) {
	written := newLog()
	r := &reporter{options: Options{Log: logging.New(written, logging.Options{Level: slog.LevelInfo})}}
	r.Checkpointed(worker.Checkpointed{Epoch: 4})
	for range 3 {
		r.NotKept(5, errors.New("no"))
		r.Untidy(errors.New("no"))
	}
	r.Checkpointed(worker.Checkpointed{Epoch: 5})
	text := written.text.String()
	if strings.Count(text, "cannot be written") != 1 || strings.Count(text, "could not be removed") != 1 ||
		strings.Count(text, "the checkpoint is written") != 1 || strings.Count(text, "\n") != 3 {
		t.Error(text)
	}
}

func TestOnlyWhatIsKeptIsNoError(t *testing.T) {
	written := newLog()
	r := &reporter{options: Options{Log: logging.New(written, logging.Options{Level: slog.LevelInfo})}}
	lost := &worker.UndeliveredError{Unprocessed: 3}
	if err := r.unlessKept(lost); !errors.Is(err, lost) || written.text.Len() > 0 {
		t.Errorf("%v %s", err, &written.text)
	}
	err := r.unlessKept(&worker.UndeliveredError{Unprocessed: 3, Kept: true})
	if err != nil || !strings.Contains(written.text.String(), "unprocessed=3") {
		t.Errorf("%v %s", err, &written.text)
	}
}

func TestACutJournalIsTold(t *testing.T) {
	for cut, want := range map[journal.Cut]string{
		{}: "",
		{File: "data/journal/7.journal", Offset: 100, Bytes: 23}: "file=data/journal/7.journal offset=100 bytes=23\n",
	} {
		var told strings.Builder
		tellCut(slog.New(slog.NewTextHandler(&told, nil)), cut)
		if got := told.String(); !strings.HasSuffix(got, want) || (want == "") != (got == "") {
			t.Errorf("%+v: %q", cut, got)
		}
	}
}
