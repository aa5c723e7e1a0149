package application

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/datadir"
	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/keep"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// lettersFolder is where dead letters lie in a data directory.
const lettersFolder = "dead-letters"

// letters keeps messages that failed, and sends them again. It is a control.DeadLetters. Without a data directory there is no store, and
// nothing is kept.
type letters struct {
	store *deadletters.Store
	dir   *datadir.Dir
	home  *keep.Home
	log   *slog.Logger
	cut   int // bytes of a dead letter that a crash had left
	// dropped are those that went to make room, which may go by the second as fast as messages fail.
	dropped tally

	replaying sync.Mutex // held while some are sent again
	plan      *plan.Plan // guarded by replaying, as are those below: of the application, once it is loaded
	stages    []plan.Stage
	worker    *worker.Worker
}

// openLetters opens the data directory, if there is one. The letters must be closed.
func openLetters(ctx context.Context, o *Options, about *control.Application) (l *letters, err error) {
	l = &letters{log: o.Log}
	l.dropped.tell = func(n int) {
		l.log.Warn("dead letters were dropped to make room for others: see --dead-letters", "dropped", n)
	}
	if o.DataDir == "" {
		return l, nil
	}
	if l.dir, err = datadir.Open(o.DataDir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := chooseHistory(ctx, o); err != nil {
		l.dir.Close()
		return nil, fmt.Errorf("data directory: %w", err)
	}
	l.home = o.home
	if l.store, l.cut, err = deadletters.Open(l.dir.Path(lettersFolder), o.DeadLetters); err != nil {
		l.dir.Close()
		return nil, errors.Join(fmt.Errorf("data directory: %w", err), l.home.Close())
	}
	about.Token, about.DeadLetters = l.dir.Key(), l
	return l, nil
}

// folder is the data directory; "" if there is none.
func (l *letters) folder() string {
	if l.dir == nil {
		return ""
	}
	return l.dir.Path("")
}

func (l *letters) close() {
	if l.store == nil {
		return
	}
	l.dropped.finish()
	if err := l.store.Close(); err != nil {
		l.log.Error("dead letters may not all be on the disk", "error", err)
	}
	if err := l.home.Close(); err != nil {
		l.log.Error("the place of the checkpoints could not be given up in order", "error", err)
	}
	l.dir.Close()
}

// tell tells the log what outlives the process.
func (l *letters) tell() {
	if l.store == nil {
		l.log.Info("no data directory: nothing outlives this process")
		return
	}
	l.log.Info("what is accepted, state and dead letters outlive this process", "data_dir", l.dir.Path(""))
	if l.cut > 0 {
		l.log.Warn("a part of a dead letter, which a crash had left, was cut off", "bytes", l.cut)
	}
}

// List reads those behind a number, until they have so many bytes.
func (l *letters) List(after string, bytes int) (deadletters.Page, error) {
	return l.store.List(after, bytes)
}

// Counts is what was done since the start.
func (l *letters) Counts() deadletters.Counts { return l.store.Counts() }

// runs says what the letters are of.
func (l *letters) runs(p *plan.Plan, w *worker.Worker) {
	l.replaying.Lock()
	defer l.replaying.Unlock()
	l.plan, l.stages, l.worker = p, p.Stages(), w
}

// keep makes a dead letter of a failure. Without a store it has no number.
func (l *letters) keep(p *plan.Plan, origin worker.Origin, f *worker.Failure) (added deadletters.Added, err error) {
	if l.store == nil {
		return deadletters.Added{Missing: f.Letter.Missing}, nil
	}
	pipeline, _, _ := strings.Cut(f.Step, "/")
	if step := find(p, f.Step); step >= 0 {
		pipeline = p.Steps[step].Pipeline
	}
	r := deadletters.Record{
		Time: time.Now().UTC(), Application: p.Application, Pipeline: pipeline, Step: f.Step, FindingKey: f.FindingKey, Key: known(f.Key),
		MessageMissing: f.Letter.Missing, Error: f.Error, Traceback: f.Traceback,
		Run: origin.Run, Epoch: origin.Epoch,
	}
	if f.Letter.Encoding != "" {
		r.Message, r.MessageEncoding = &f.Letter.Text, known(string(f.Letter.Encoding))
	}
	if origin.Source >= 0 {
		r.Source = known(p.Steps[p.Of(plan.Source)[origin.Source]].ID())
	}
	if origin.Peer != "" {
		r.Connection, r.Position = known(origin.Peer), &origin.Position
	}
	added, err = l.store.Add(r)
	l.dropped.add(added.Dropped)
	return added, err
}

// known is a text that is null in a record if it is empty.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// find is the step of an identity; -1 if there is none.
func find(p *plan.Plan, id string) int {
	return slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.ID() == id })
}

// Replay sends dead letters again, one after another, and marks each when that is done.
func (l *letters) Replay(ctx context.Context, ids []string) error {
	l.replaying.Lock()
	defer l.replaying.Unlock()
	if err := l.check(ids); err != nil {
		return err
	}
	for n, id := range ids {
		err := l.send(ctx, id)
		if err != nil && n > 0 {
			err = fmt.Errorf("replayed %s, and then: %w", strings.Join(ids[:n], ", "), err)
		}
		if errors.Is(err, worker.ErrNotRunning) || ctx.Err() != nil && err != nil {
			return &control.RefusedError{Status: http.StatusServiceUnavailable, Text: err.Error()}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// check says why some of the letters cannot be sent again, all that is wrong together.
func (l *letters) check(ids []string) error {
	var wrong []error
	status := http.StatusConflict
	seen := map[string]bool{}
	for _, id := range ids {
		letter, found, err := l.store.Find(id)
		switch {
		case err != nil:
			return err
		case !found:
			status = http.StatusNotFound
			wrong = append(wrong, fmt.Errorf("there is no dead letter %s", id))
		case seen[id]:
			wrong = append(wrong, fmt.Errorf("dead letter %s is named twice", id))
		case letter.Replayed != nil:
			wrong = append(wrong, fmt.Errorf("dead letter %s was replayed at %s; if it failed again, there is another one of it",
				id, letter.Replayed.UTC().Format(time.RFC3339)))
		case letter.Message == nil || letter.MessageEncoding == nil:
			wrong = append(wrong, fmt.Errorf("dead letter %s has no message: %s", id, letter.MessageMissing))
		case letter.Application != l.plan.Application || find(l.plan, letter.Step) < 0:
			wrong = append(wrong, fmt.Errorf("dead letter %s is of step %q of application %q, which this one has not",
				id, letter.Step, letter.Application))
		}
		seen[id] = true
	}
	if len(wrong) == 0 {
		return nil
	}
	return &control.RefusedError{Status: status, Text: errors.Join(wrong...).Error()}
}

// send sends a letter again and marks it.
func (l *letters) send(ctx context.Context, id string) error {
	letter, found, err := l.store.Find(id)
	if err != nil || !found {
		return errors.Join(err, fmt.Errorf("dead letter %s is gone", id))
	}
	step := find(l.plan, letter.Step)
	run, epoch, err := l.worker.Replay(ctx, worker.Replay{
		Stage: plan.EntersAt(l.stages, step), Step: step, Origin: l.origin(&letter.Record),
		Letter: message.Letter{Text: *letter.Message, Encoding: message.Encoding(*letter.MessageEncoding)},
	})
	if err != nil {
		return err
	}
	l.log.Info("dead letter replayed", "dead_letter", id, "step", letter.Step)
	if err := l.store.Replayed(id, time.Now().UTC(), deadletters.Place{Run: run, Epoch: epoch}); err != nil {
		return fmt.Errorf("dead letter %s was replayed, but cannot be marked: %w", id, err)
	}
	return nil
}

// origin is where a letter's message came from.
func (l *letters) origin(r *deadletters.Record) worker.Origin {
	o := worker.Origin{Source: -1}
	if r.Source != nil {
		o.Source = slices.IndexFunc(l.plan.Of(plan.Source), func(step int) bool { return l.plan.Steps[step].ID() == *r.Source })
	}
	if r.Connection != nil && r.Position != nil {
		o.Peer, o.Position = *r.Connection, *r.Position
	}
	return o
}
