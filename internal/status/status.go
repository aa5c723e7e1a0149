// Package status tells how an application stands, as operators see it: what it does and why, what it did in the last seconds, and what it
// waits for. It is the form of /api/status, which docs/status.md describes, made of a worker's figures.
package status

import (
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// State is what an application does.
type State string

// The states, in their order.
const (
	Starting   State = "starting"   // it does not process yet
	Restoring  State = "restoring"  // it takes in state and messages that were kept
	Running    State = "running"    // it processes
	Recovering State = "recovering" // it goes back to the last checkpoint
	Stopping   State = "stopping"   // it takes no new connections, and processes what has come
)

// Status is how an application stands.
type Status struct {
	Application string `json:"application"` // "" until it is loaded
	Worker      string `json:"worker"`
	State       State  `json:"state"`
	// Why says what a state other than running waits for, or is about; "" if there is nothing to say.
	Why          string    `json:"why"`
	Since        time.Time `json:"since"`
	StateSeconds float64   `json:"state_seconds"`
	// WindowSeconds is how far back rates, shares and latencies look; 0 if nothing is known of the past.
	WindowSeconds float64     `json:"window_seconds"`
	Bottleneck    *Bottleneck `json:"bottleneck"`
	Partitions    int         `json:"partitions"`
	// Changing is the change of the number of executors that is under way; null if none is.
	Changing *Changing `json:"changing"`
	// Restoring is how much is taken in again; null while nothing is.
	Restoring *Progress `json:"restoring"`
	// Kept is how what outlives the process stands; null if nothing does.
	Kept        *Kept       `json:"kept"`
	Sources     []Source    `json:"sources"`
	Steps       []Step      `json:"steps"`
	Sinks       []Sink      `json:"sinks"`
	Executors   []Executor  `json:"executors"`
	DeadLetters DeadLetters `json:"dead_letters"`
}

// Changing is a change of the number of executors that is under way.
type Changing struct {
	From  int       `json:"from"`
	To    int       `json:"to"`
	Since time.Time `json:"since"`
}

// Source is how a source stands.
type Source struct {
	Source    string `json:"source"`
	Connector string `json:"connector"`
	Address   string `json:"address"` // where it listens; "" if that is not known
	// Connections are those that are open.
	Connections       int     `json:"connections"`
	MessagesAccepted  uint64  `json:"messages_accepted"`
	BytesAccepted     uint64  `json:"bytes_accepted"`
	Refused           uint64  `json:"refused"` // connections and messages
	Errors            uint64  `json:"errors"`  // messages that its decoder could not read
	MessagesPerSecond float64 `json:"messages_per_second"`
	// Busy is how many executors its decoder kept busy: 0.5 is half of one.
	Busy float64 `json:"busy"`
}

// Step is how a step that is neither source nor sink stands.
type Step struct {
	Step              string  `json:"step"`
	Kind              string  `json:"kind"`
	Messages          uint64  `json:"messages"`
	MessagesPerSecond float64 `json:"messages_per_second"`
	// Errors are the messages that went no further because its code raised an error, that which finds keys included.
	Errors uint64 `json:"errors"`
	// Busy is how many executors its code kept busy: 0.5 is half of one, 1.5 one and a half.
	Busy float64 `json:"busy"`
}

// Sink is how a sink stands.
type Sink struct {
	Sink      string `json:"sink"`
	Connector string `json:"connector"`
	Address   string `json:"address"`
	// Connection is "connected", "away", or "unknown" where the connector does not tell; Why says why it is away.
	Connection          string     `json:"connection"`
	Why                 string     `json:"why"`
	Since               *time.Time `json:"since"` // when its connection came or went; null if it is unknown
	Messages            uint64     `json:"messages"`
	DeliveredMessages   uint64     `json:"delivered_messages"`
	UndeliveredMessages int        `json:"undelivered_messages"`
	Errors              uint64     `json:"errors"`              // messages that its encoder could not write
	MessagesPerSecond   float64    `json:"messages_per_second"` // delivered
	// Busy is how many executors its encoder kept busy.
	Busy float64 `json:"busy"`
	// Latency is from the read of a message by its source to its result's arrival at the sink; null if there was none lately.
	Latency *Latency `json:"latency"`
}

// Latency tells what so many of a hundred messages did not exceed.
type Latency struct {
	P50Seconds float64 `json:"p50_seconds"`
	P99Seconds float64 `json:"p99_seconds"`
}

// Executor is how an executor stands. The shares of its time are 1 together.
type Executor struct {
	Executor           int     `json:"executor"`
	Partitions         int     `json:"partitions"`
	QueuedMessages     int     `json:"queued_messages"`
	MoveBufferBytes    int     `json:"move_buffer_bytes"`
	EdgesWithoutCredit int     `json:"edges_without_credit"`
	Busy               float64 `json:"busy"`
	WaitingForInput    float64 `json:"waiting_for_input"`
	Held               float64 `json:"held"`
	OutOfCredit        float64 `json:"out_of_credit"`
}

// DeadLetters is what was done with them since the start.
type DeadLetters struct {
	Written  uint64 `json:"written"`
	Dropped  uint64 `json:"dropped"`
	Failed   uint64 `json:"failed"`
	Replayed uint64 `json:"replayed"`
}

// Facts are what a status is made of.
type Facts struct {
	Worker string
	State  State
	Why    string
	Since  time.Time
	// The rest is known once the application is loaded.
	Plan        *plan.Plan
	Partitions  int
	Addresses   []string // where sources listen; nil until they do
	Figures     worker.Figures
	Lately      Lately
	Connections *Connections
	Changing    *Changing
	Letters     deadletters.Counts
	// Kept is nil if nothing is; else it is kept in DataDir, by a Durability.
	Kept                *worker.Kept
	DataDir, Durability string
}

// Of makes a status of facts.
func Of(f *Facts, now time.Time) Status {
	s := Status{
		Worker: f.Worker, State: f.State, Why: f.Why, Since: f.Since, StateSeconds: now.Sub(f.Since).Seconds(),
		Changing: f.Changing, Sources: []Source{}, Steps: []Step{}, Sinks: []Sink{}, Executors: []Executor{},
		DeadLetters: DeadLetters{
			Written: f.Letters.Written, Dropped: f.Letters.Dropped, Failed: f.Letters.Failed, Replayed: f.Letters.Replayed,
		},
	}
	if f.Plan == nil {
		return s
	}
	s.Application, s.Partitions, s.WindowSeconds = f.Plan.Application, f.Partitions, f.Lately.Took.Seconds()
	s.Bottleneck = bottleneck(f.Plan, &f.Lately)
	s.Restoring, s.Kept = f.restoring(now), f.kept(now)
	for number, step := range f.Plan.Of(plan.Source) {
		s.Sources = append(s.Sources, f.source(number, step))
	}
	for n := range f.Plan.Steps {
		if kind := f.Plan.Steps[n].Kind; kind != plan.Source && kind != plan.Sink {
			s.Steps = append(s.Steps, f.step(n))
		}
	}
	for number, step := range f.Plan.Of(plan.Sink) {
		s.Sinks = append(s.Sinks, f.sink(number, step))
	}
	for n := range f.Figures.Executors {
		s.Executors = append(s.Executors, f.executor(n))
	}
	return s
}

func (f *Facts) source(number, n int) Source {
	step, figures := &f.Plan.Steps[n], &f.Figures.Sources[number]
	s := Source{
		Source: step.ID(), Connector: step.Outside.Connector, Connections: figures.Connections, MessagesAccepted: figures.Accepted.Messages,
		BytesAccepted: figures.Accepted.Bytes, Refused: figures.Refused, Errors: f.Figures.Failures[step.ID()],
		MessagesPerSecond: f.rate(at(f.Lately.Sources, number)), Busy: f.busy(n),
	}
	if f.Addresses != nil {
		s.Address = f.Addresses[number]
	}
	return s
}

func (f *Facts) step(n int) Step {
	step := &f.Plan.Steps[n]
	return Step{
		Step: step.ID(), Kind: string(step.Kind), Messages: at(f.Figures.Steps, n), MessagesPerSecond: f.rate(at(f.Lately.Steps, n)),
		Errors: f.Figures.Failures[step.ID()] + f.Figures.Failures[step.ID()+" key"], Busy: f.busy(n),
	}
}

// busy is how many executors a step kept busy, lately.
func (f *Facts) busy(step int) (executors float64) {
	for n := range f.Lately.Executors {
		e := &f.Lately.Executors[n]
		executors += min(part(e.Busy, e.All()), part(at(e.Steps, step), e.All()))
	}
	return executors
}

func (f *Facts) sink(number, n int) Sink {
	step, figures := &f.Plan.Steps[n], &f.Figures.Sinks[number]
	s := Sink{
		Sink: step.ID(), Connector: step.Outside.Connector, Address: step.Outside.Place(), Connection: "unknown",
		Messages: figures.Outputs.Messages, DeliveredMessages: figures.Delivered.Messages, UndeliveredMessages: figures.Undelivered,
		MessagesPerSecond: f.rate(at(f.Lately.Sinks, number)), Errors: f.Figures.Failures[step.ID()], Busy: f.busy(n),
	}
	if c := f.Connections.Of(step.ID()); c.Known {
		s.Connection, s.Why, s.Since = "connected", c.Lost, &c.Since
		if !c.Connected() {
			s.Connection = "away"
		}
	}
	if latencies := at(f.Lately.Latencies, number); latencies.Count() > 0 {
		s.Latency = &Latency{P50Seconds: latencies.Quantile(0.5).Seconds(), P99Seconds: latencies.Quantile(0.99).Seconds()}
	}
	return s
}

func (f *Facts) executor(n int) Executor {
	figures, doing := &f.Figures.Executors[n], at(f.Lately.Executors, n)
	all := doing.All()
	return Executor{
		Executor: n, Partitions: figures.Partitions, QueuedMessages: figures.Queued, MoveBufferBytes: figures.Waiting,
		EdgesWithoutCredit: figures.OutOfRoom,
		Busy:               part(doing.Busy, all), WaitingForInput: part(doing.Waiting, all), Held: part(doing.Held, all),
		OutOfCredit: part(doing.NoCredit(), all),
	}
}

// rate is how many there were in a second, lately.
func (f *Facts) rate(messages uint64) float64 {
	if f.Lately.Took <= 0 {
		return 0
	}
	return float64(messages) / f.Lately.Took.Seconds()
}

// at is an element of a list that may be shorter.
func at[T any](list []T, n int) T {
	if n < len(list) {
		return list[n]
	}
	var zero T
	return zero
}
