package application

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// failuresPerSecond bounds how many failures of user code are logged in full; of the others the log says how many there were.
const failuresPerSecond = 1000

// reporter tells the log and the readiness check what the worker does. It is a worker.Report.
type reporter struct {
	options   Options
	about     *control.Application
	http      string // where HTTP answers, or "off"
	letters   *letters
	halt      context.CancelFunc // ends the application in order
	plan      *plan.Plan
	mu        sync.Mutex
	second    *time.Timer // guarded by mu, as are those below: ends the second in which failures are being counted
	logged    int         // failures logged in it
	unlogged  int         // failures not logged in it
	unkept    int         // of these, those of which no dead letter could be written
	first     *StepError  // that ends the application, if one is to
	stops     bool        // the end has begun
	recovers  bool        // it goes back to the last checkpoint
	unwritten reminder    // of a checkpoint that cannot be written
	untidy    reminder    // of what cannot be removed
}

// StepError is a message that a step could not process, and that ended the application.
type StepError struct {
	Application string
	worker.Failure
}

func (e *StepError) Error() string {
	text := fmt.Sprintf("application %q: it ends by a failure of step %q", e.Application, e.Where())
	if e.Key != "" {
		text += ", key " + logging.Cut(e.Key)
	}
	text += ": " + logging.Cut(e.Failure.Error)
	if e.Traceback != "" {
		text += "\n" + strings.TrimRight(e.Traceback, "\n")
	}
	return text
}

func newReporter(
	o Options, about *control.Application, listener net.Listener, kept *letters, halt context.CancelFunc,
) *reporter {
	r := &reporter{options: o, about: about, http: "off", letters: kept, halt: halt}
	if listener != nil {
		r.http = listener.Addr().String()
	}
	return r
}

// loaded tells what the application is.
func (r *reporter) loaded(p *plan.Plan) {
	r.plan = p
	for _, name := range p.Pipelines() {
		r.options.Log.Info("pipeline", "name", logging.Quoted(name), "flow", logging.Quoted(p.Flow(name)))
	}
}

func (r *reporter) Waiting(why string) { r.stand(status.Starting, why) }

// Ready writes where each source listens, and the line that tells people and programs that messages may come, which comes whatever the
// level of the log is.
func (r *reporter) Ready(addresses []string) {
	for i, a := range addresses {
		r.options.Log.Info("source listens", "pipeline", logging.Quoted(r.plan.Steps[r.plan.Of(plan.Source)[i]].Pipeline), "address", a)
	}
	var sources any = logging.Quoted(r.pairs(addresses))
	if r.options.LogJSON {
		sources = r.named(addresses)
	}
	r.about.Listening(addresses)
	r.stand(status.Running, "")
	if r.options.Listening != nil {
		r.options.Listening(r.named(addresses))
	}
	r.options.Always.Info("ready", "application", logging.Quoted(r.plan.Application), "sources", sources, "http", r.http)
}

func (r *reporter) named(addresses []string) map[string]string {
	named := map[string]string{}
	for i, source := range r.plan.Of(plan.Source) {
		named[r.plan.Steps[source].Pipeline] = addresses[i]
	}
	return named
}

// pairs is PIPELINE=ADDRESS for each source, parted by commas.
func (r *reporter) pairs(addresses []string) string {
	var pairs []string
	for i, source := range r.plan.Of(plan.Source) {
		pairs = append(pairs, r.plan.Steps[source].Pipeline+"="+addresses[i])
	}
	return strings.Join(pairs, ",")
}

func (r *reporter) Resizing(before, after int) {
	r.about.Changing(&status.Changing{From: before, To: after, Since: time.Now()})
	r.options.Log.Info("changing executors", "from", before, "to", after)
}

// Resized tells what a change came to, and whoever asked to know how many Python processes there are.
func (r *reporter) Resized(c worker.Resized, err error) {
	if c.Before > 0 { // else it was refused before its turn came, and another may be under way
		r.about.Changing(nil)
	}
	if err != nil {
		r.options.Log.Warn("executors not changed", "to", c.After, "error", err)
		return
	}
	if r.options.Employed != nil {
		r.options.Employed(c.After)
	}
	r.options.Log.Info("executors changed", "from", c.Before, "to", c.After, "partitions_moved", c.Partitions, "entities_moved", c.Entities,
		"markers", c.Markers, "longest_wait", c.LongestWait, "took", c.Took)
}

func (r *reporter) Marked(m worker.Marked) {
	r.options.Log.Debug("marker passed", "marker", m.Marker, "partitions_moved", m.Partitions, "entities_moved", m.Entities,
		"longest_wait", m.LongestWait)
}

// Convicted tells which message processes die of.
func (r *reporter) Convicted(s worker.Skip) {
	r.options.Log.Error("a message is kept from its step: its process died of it again and again", "step", s.Step, "digest", s.Digest,
		"why", s.Why)
}

// Failed keeps the message, and tells the log. Where the first failure is to end the application, it does.
func (r *reporter) Failed(origin worker.Origin, f worker.Failure) {
	added, err := r.letters.keep(r.plan, origin, &f)
	r.tellFailed(origin, &f, added, err)
	if r.options.StopOnError {
		r.end(&StepError{Application: r.plan.Application, Failure: f})
	}
}

// end ends the application by a failure, if it is the first.
func (r *reporter) end(e *StepError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = e
		r.halt()
	}
}

// ended is the error of an application that has ended.
func (r *reporter) ended(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		return err
	}
	return errors.Join(r.first, err)
}

// tellFailed writes a failure into the log, unless there are too many.
func (r *reporter) tellFailed(origin worker.Origin, f *worker.Failure, added deadletters.Added, lost error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logged == 0 {
		r.second = time.AfterFunc(time.Second, r.tellUnlogged)
	}
	if r.logged == failuresPerSecond {
		r.unlogged++
		if lost != nil {
			r.unkept++
		}
		return
	}
	r.logged++
	attributes := []any{"step", f.Where()}
	if f.Key != "" {
		attributes = append(attributes, "key", logging.Cut(f.Key))
	}
	attributes = append(attributes, "error", logging.Cut(f.Error))
	if text := shown(f, lost); text != "" {
		attributes = append(attributes, "message", text)
	}
	if origin.Source >= 0 {
		attributes = append(attributes, "source", r.plan.Steps[r.plan.Of(plan.Source)[origin.Source]].ID())
	}
	if origin.Peer != "" {
		attributes = append(attributes, "peer", origin.Peer, "position", origin.Position)
	}
	what := "a step failed; its message is dropped"
	switch {
	case added.ID != "" && added.Missing == "":
		what = "a step failed; its message is a dead letter"
	case added.ID != "":
		what = "a step failed; its message could not be kept in its dead letter"
	case lost != nil:
		what = "a step failed; its message is dropped, since no dead letter could be written"
	}
	if added.Missing != "" {
		attributes = append(attributes, "message_missing", logging.Cut(added.Missing))
	}
	if added.ID != "" {
		attributes = append(attributes, "dead_letter", added.ID)
	}
	if lost != nil {
		attributes = append(attributes, "why", lost)
	}
	if f.Traceback != "" {
		attributes = append(attributes, logging.Traceback, f.Traceback)
	}
	r.options.Log.Error(what, attributes...)
}

// shown is the message of a failure as people read it, where nothing keeps it; "" if it is kept, or not at hand in a form to be read.
func shown(f *worker.Failure, lost error) string {
	if f.Shown == "" && lost != nil && f.Letter.Encoding == message.Text {
		return gohost.Show(f.Letter.Text)
	}
	return f.Shown
}

// tellUnlogged ends the second in which failures were counted.
func (r *reporter) tellUnlogged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unlogged > 0 {
		attributes := []any{"failures", r.unlogged}
		if r.letters.store != nil {
			attributes = append(attributes, "dead_letters", r.unlogged-r.unkept)
		}
		r.options.Log.Error("more steps failed", attributes...)
	}
	r.logged, r.unlogged, r.unkept = 0, 0, 0
}

// stopped tells what was done in all.
func (r *reporter) stopped(s worker.Summary) {
	if r.second != nil {
		r.second.Stop()
	}
	r.tellUnlogged()
	r.options.Log.Info("stopped", "accepted", s.Accepted, "refused", s.Refused, "processed", s.Processed, "outputs", s.Outputs,
		"delivered", s.Delivered, "failures", s.Failures)
}
