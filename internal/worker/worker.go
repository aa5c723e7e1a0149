package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/door"
	"github.com/wallaroo-stream/wallaroo/internal/protocol/suspicion"
)

// Report is told what happens. Its methods must be quick.
type Report interface {
	// Waiting says what the application waits for before it can process.
	Waiting(why string)
	// Ready says that everything runs; the addresses are those that the sources listen at.
	Ready(addresses []string)
	// Failed says that user code could not process a message.
	Failed(Origin, Failure)
	// Resizing says that a change of the number of executors begins.
	Resizing(before, after int)
	// Resized says what a change came to; the error, if there is one, is why it was refused, which is before it begins, or why it failed.
	Resized(Resized, error)
	// Marked says what moved at a marker that all have passed.
	Marked(Marked)
	// Stopping says that the end has begun.
	Stopping()
	// Checkpointed says what became of a checkpoint; NotKept that one could not be written, which is tried again.
	Checkpointed(Checkpointed)
	NotKept(epoch uint64, why error)
	// Untidy says that what nobody needs any more could not be removed, which is tried again after the next checkpoint.
	Untidy(why error)
	// Recovering says that executors start again, from the last checkpoint, and why.
	Recovering(why error)
	// Restoring says that state and what the journal holds will be taken in again, and how much that is; Restored that it was. Worker.Kept
	// tells how far it has come.
	Restoring(Restoring)
	Restored(Restoring)
	// Convicted says which message executors have died of. It fails now where it would enter its step.
	Convicted(Skip)
	// Recovered says that messages are processed again.
	Recovered()
}

// Origin is where a message came from.
type Origin struct {
	Source   int    // -1 if it is not known, since the message came by another executor
	Peer     string // the connection's other end; "" if the message came by another executor, which does not tell
	Position uint64 // number of the message in its connection, from 0
	// Run and Epoch are those in which it was processed.
	Run, Epoch uint64
}

// UndeliveredError is the error of a worker that had to end before all it had accepted was processed and delivered.
type UndeliveredError struct {
	Unprocessed uint64 // messages accepted, or on their way between executors, and not processed
	Outputs     uint64 // outputs that no sink has delivered
	Within      time.Duration
	// Kept says that nothing is lost: who goes on with what is kept goes back to the last checkpoint, of Epoch, and processes the Records that
	// the journal holds behind it.
	Kept           bool
	Epoch, Records uint64
}

func (u *UndeliveredError) Error() string {
	var parts []string
	if u.Kept {
		parts = append(parts, fmt.Sprintf("no checkpoint since that of epoch %d", u.Epoch))
	}
	if u.Unprocessed > 0 {
		parts = append(parts, fmt.Sprintf("%d messages accepted but not processed", u.Unprocessed))
	}
	if u.Outputs > 0 {
		parts = append(parts, fmt.Sprintf("%d messages processed but not delivered", u.Outputs))
	}
	return fmt.Sprintf("not all done %s after the signal to stop: %s", u.Within, strings.Join(parts, ", "))
}

// Worker is one worker's data plane.
type Worker struct {
	config  Config
	graph   *door.Graph
	islands []int
	ways    []way // by stage
	flows   flows
	inlets  []*Inlet  // by source
	outlets []*Outlet // by sink

	mu      sync.RWMutex
	loops   []*loop // guarded by mu, as are those below: by the number of the executor
	gone    counts  // of the executors that have left
	moved   Moved   // since the start
	marked  Marked  // at the last marker
	running running

	account   account
	saved     saved
	asked     chan asked        // for a checkpoint
	cramped   signal            // notified now and then while somebody waits for room for the journal
	stop      context.Context   // of Run
	brought   chan struct{}     // closed when the sources have ended
	fail      func(error)       // ends everything, by an error
	replayed  atomic.Bool       // a message was sent again since the last checkpoint
	run       uint64            // the number of this life among all of the application's; 1 if nothing is kept
	suspicion suspicion.Machine // of messages, that executors die of them
	skips     []Skip            // convicted since the last checkpoint
	last      Manifest          // of the checkpoint that it began with
	table     *partition.Table  // changed while marking is held, and guarded by mu
	epoch     door.Epoch        // changed while marking is held
	marking   signal            // holds a token while no marker is under way
	resizing  signal            // holds one while no change of executors is
	progress  signal            // notified when a loop has passed a marker with all that it asks for

	handed atomic.Uint64 // messages that connections have handed on
	inside atomic.Int64  // messages in edges to executors, in queues, and in calls
	ended  atomic.Bool   // the sources have
}

// New makes a worker with executors that are prepared for a table; nothing runs yet.
func New(config Config, table *partition.Table, executors []Executor) *Worker {
	w := &Worker{
		config: config, graph: config.graph(), table: table, marking: newSignal(), resizing: newSignal(), progress: newSignal(),
		ways: config.ways(), flows: config.flows(), gone: newCounts(len(config.Sinks)),
		saved: saved{news: newSignal()}, asked: make(chan asked), cramped: newSignal(), brought: make(chan struct{}), fail: func(error) {},
	}
	if config.Keep != nil {
		w.last, w.skips = config.Keep.Checkpoints.Last(), config.Keep.Checkpoints.Skips()
		w.epoch = door.Epoch(w.last.Epoch)
		w.account.begin(&w.last)
	}
	for n, s := range config.Stages {
		if !slices.Contains(w.islands, s.Island) {
			w.islands = append(w.islands, s.Island)
		}
		if len(s.Before) == 0 {
			inlet := &Inlet{worker: w, stage: n, spread: s.Spread, takers: len(executors)}
			if len(w.inlets) < len(config.Sources) {
				inlet.source = config.Sources[len(w.inlets)].ID()
			}
			w.inlets = append(w.inlets, inlet)
		}
	}
	for _, sink := range config.Sinks {
		_, stages := sink.(connector.Stager)
		w.outlets = append(w.outlets, &Outlet{items: newSignal(), handed: w.saved.news.notify, stages: stages, run: 1, took: 1, epoch: 1})
	}
	w.employ(executors)
	w.marking.notify()
	w.resizing.notify()
	return w
}

// lastTable is the last partition table that all have passed.
func (w *Worker) lastTable() *partition.Table {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.table
}

// join makes the loop of one more executor, and its edges. It starts as one that has passed the last marker.
func (w *Worker) join(executor Executor) *loop {
	w.mu.Lock()
	others := slices.Clone(w.loops)
	l := newLoop(w, len(others), executor, w.epoch)
	l.turning.Lock() // nobody meets it half made
	defer l.turning.Unlock()
	w.loops = append(w.loops, l)
	w.mu.Unlock()
	for _, inlet := range w.inlets {
		inlet.join(l.openLane(inlet.stage, inlet.room))
	}
	for i, outlet := range w.outlets {
		l.sinks[i] = newEdge(Credit{Messages: unlimited, Bytes: w.config.Limits.SinkBuffer}, outlet.items.notify, l.news)
		outlet.join(l.sinks[i], w.epoch, func(e door.Epoch) {
			l.took(taking{sink: i, epoch: e})
			l.news()
		})
	}
	for n, s := range w.config.Stages {
		if len(s.Before) == 0 {
			continue // it takes from a source only
		}
		l.out[n] = append(l.out[n], make([]*input, len(others)+1)...)
		for _, other := range others {
			other.exchangeWith(n, l)
		}
	}
	return l
}

// exchangeWith opens the two edges between two loops for a stage.
func (l *loop) exchangeWith(stage int, joiner *loop) {
	l.turning.Lock()
	defer l.turning.Unlock()
	l.out[stage] = append(l.out[stage], joiner.openExchange(stage, l))
	joiner.out[stage][l.number] = l.openExchange(stage, joiner)
}

// loop is the one of that number.
func (w *Worker) loop(number int) *loop {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.loops[number]
}

func (w *Worker) all() []*loop {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return slices.Clone(w.loops)
}

// hasState reports whether an island keeps any.
func (w *Worker) hasState(island int) bool {
	return slices.ContainsFunc(w.config.Stages, func(s Stage) bool { return s.Island == island && s.Keyed })
}

// settled says that messages are processed, and what came of them was put.
func (w *Worker) settled(messages int) {
	if w.inside.Add(-int64(messages)) == 0 && w.ended.Load() {
		w.wakeAll()
	}
}

// finished reports whether nothing is left to process, and nothing will come.
func (w *Worker) finished() bool { return w.ended.Load() && w.inside.Load() == 0 }

func (w *Worker) wakeAll() {
	for _, l := range w.all() {
		l.wake.notify()
	}
}

// Run connects the sinks, listens at the sources and processes until stop is done; then it processes what has arrived and delivers it,
// within Config.StopWithin, and returns nil, or *UndeliveredError. It returns the cause of ctx as soon as ctx is done. With a Keep, it goes
// on from the last checkpoint and what was accepted since, does so again when an executor dies, and makes a last checkpoint at its end.
// When it returns, no goroutine of the worker's or its connectors' is left, nor a connection; executors may leave a call behind that does
// not come back.
func (w *Worker) Run(ctx, stop context.Context) error {
	defer w.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.fail, w.stop = cancel, stop
	if err := w.newRun(ctx); err != nil {
		return err
	}
	first := w.begin(ctx)
	addresses, err := w.open(first.ctx, stop)
	if err != nil || stop.Err() != nil { // asked to stop before anything was accepted: nothing is left to do
		return errors.Join(err, first.end())
	}
	told := make(chan struct{})
	never := context.AfterFunc(stop, func() {
		defer close(told)
		w.config.Report.Stopping()
		late := time.AfterFunc(w.config.StopWithin, func() { cancel(errLate) })
		context.AfterFunc(ctx, func() { late.Stop() })
	})
	defer func() {
		if !never() {
			<-told // nothing is reported behind the end
		}
	}()
	err = w.process(ctx, stop, first, addresses)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // which not all who end by it say
	}
	return w.verdict(err)
}

// open connects the sinks and listens at the sources.
func (w *Worker) open(ctx, stop context.Context) ([]string, error) {
	if err := w.connect(ctx, stop); err != nil || stop.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return w.listen()
}

// close gives up what the connectors still hold.
func (w *Worker) close() {
	for _, source := range w.config.Sources {
		source.Close()
	}
	for _, sink := range w.config.Sinks {
		sink.Close()
	}
}

var errLate = errors.New("time is over")

// connect returns when every sink has connected once, or stop is done.
func (w *Worker) connect(ctx, stop context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(stop, cancel)()
	group, ctx := errgroup.WithContext(ctx)
	for _, sink := range w.config.Sinks {
		w.config.Report.Waiting("connecting sink " + sink.ID())
		group.Go(func() error { return sink.Connect(ctx) })
	}
	return group.Wait()
}

func (w *Worker) listen() ([]string, error) {
	var addresses []string
	for _, source := range w.config.Sources {
		a, err := source.Listen()
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, a)
	}
	return addresses, nil
}

// process runs the sources, the loops and the sinks; each ends when the one before it has.
func (w *Worker) process(ctx, stop context.Context, first *life, addresses []string) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, sink := range w.config.Sinks {
		group.Go(func() error { return sink.Run(ctx, w.outlets[i]) })
	}
	group.Go(func() error {
		return w.liveOn(ctx, first, func() {
			w.config.Report.Ready(addresses) // who hears of it may change the number of executors
			group.Go(func() error { return w.runSources(ctx, stop) })
		})
	})
	return group.Wait()
}

func (w *Worker) runSources(ctx, stop context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, source := range w.config.Sources {
		group.Go(func() error { return source.Run(ctx, stop, w.inlets[i]) })
	}
	err := group.Wait()
	if err == nil {
		close(w.brought)
	}
	return err
}

// verdict makes the error of a worker that was late one that says what is left.
func (w *Worker) verdict(err error) error {
	if !errors.Is(err, errLate) {
		return err
	}
	s := w.Summary()
	u := &UndeliveredError{Unprocessed: uint64(w.inside.Load()), Outputs: s.Outputs - s.Delivered, Within: w.config.StopWithin}
	k := w.Kept()
	if (k == nil || w.ended.Load()) && u.Unprocessed == 0 && u.Outputs == 0 {
		return nil // only connections were still open
	}
	if k != nil {
		u.Kept, u.Epoch, u.Records = true, k.Last.Epoch, k.Journal.SinceCheckpoint
	}
	return u
}
