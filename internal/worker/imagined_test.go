package worker_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// imagined is a random application: sources, each with a step that makes several messages of one, and behind these steps that do so, too,
// or count the messages of a key in a state that may be another step's as well. Some steps let some messages through no further, and some
// fail at some. What becomes of a message follows from its number, so that the outcome is known without running.
type imagined struct {
	steps      []imaginedStep // each after those whose results it takes
	pipelines  int
	sinks      int
	keys       int
	partitions int
}

type imaginedStep struct {
	number   int
	kind     plan.Kind
	pipeline int
	after    []int
	parallel bool
	state    string
	salt     int
	keys     int
	fan      int // messages that one becomes
	loses    loss
	most     int // messages that one of a source has become behind it, at most
	sink     int // its number
}

// loss is how a step loses some messages.
type loss int

const (
	losesNone loss = iota
	filters        // it is a filter
	fails
	failsAtomic // it puts its entity back, which it has changed by then
)

// loses reports whether a step does not let a message through.
func (s *imaginedStep) isLost(m imaginedMessage) bool {
	return s.loses != losesNone && (m.Number*5+s.salt)%4 == 0
}

// id is the step's identity.
func (s *imaginedStep) id() string { return fmt.Sprintf("p%d/%s", s.pipeline, s.name()) }

// name is the step's name; that of a sink is its number's.
func (s *imaginedStep) name() string {
	switch {
	case s.kind == plan.StateComputation:
		return fmt.Sprint("count ", s.number)
	case s.loses == filters:
		return fmt.Sprint("filter ", s.number)
	default:
		return fmt.Sprint("fan out ", s.number)
	}
}

// imaginedMessage is a message on its way; what it was when it was sent stands in front.
type imaginedMessage struct {
	Peer   string
	Index  int
	Number int
	// Path is what it has been through: STEP, or STEP:STATE:KEY:COUNT for a step with state.
	Path string
}

func (m imaginedMessage) String() string {
	return fmt.Sprint(m.Peer, " ", m.Index, " ", m.Number, " ", m.Path)
}

func parse(text string) imaginedMessage {
	parts := strings.SplitN(strings.TrimSpace(text), " ", 4)
	m := imaginedMessage{Peer: parts[0]}
	m.Index, _ = strconv.Atoi(parts[1])
	m.Number, _ = strconv.Atoi(parts[2])
	if len(parts) == 4 {
		m.Path = parts[3]
	}
	return m
}

// source is the number of the source that sent the message.
func (m imaginedMessage) source() int {
	name, _, _ := strings.Cut(m.Peer, ".")
	n, _ := strconv.Atoi(strings.TrimPrefix(name, "p"))
	return n
}

// way is what a message has been through but for the counts: its route, and its key at each step with state.
func (m imaginedMessage) way() (way string, counters []string, counts []int) {
	var b strings.Builder
	for part := range strings.SplitSeq(m.Path, ",") {
		b.WriteByte(',')
		step, counter, counted := strings.Cut(part, ":")
		b.WriteString(step)
		if !counted {
			continue
		}
		at := strings.LastIndexByte(counter, ':')
		n, _ := strconv.Atoi(counter[at+1:])
		counters, counts = append(counters, counter[:at]), append(counts, n)
		b.WriteString(":" + counter[:at])
	}
	return b.String(), counters, counts
}

// imagine begins a random application.
func imagine(chance *rand.Rand) *imagined {
	return &imagined{keys: 1 + chance.IntN(12), partitions: 1 << chance.IntN(5)}
}

// add adds a step and returns it.
func (a *imagined) add(s imaginedStep) *imaginedStep {
	s.number, s.keys = len(a.steps), a.keys
	for _, before := range s.after {
		s.most += a.steps[before].most
	}
	s.fan = max(1, s.fan)
	s.most = max(1, s.most) * s.fan
	a.steps = append(a.steps, s)
	return &a.steps[s.number]
}

// addSource adds a source and the first step behind it, whose number it returns.
func (a *imagined) addSource(chance *rand.Rand, parallel bool) int {
	source := a.add(imaginedStep{kind: plan.Source, pipeline: a.pipelines})
	a.pipelines++
	first := imaginedStep{kind: plan.Computation, after: []int{source.number}, fan: 1 + chance.IntN(3), parallel: parallel}
	return a.addAfter(first)
}

// addAfter adds a step to the pipeline of the first one that it takes results of.
func (a *imagined) addAfter(s imaginedStep) int {
	s.pipeline = a.steps[s.after[0]].pipeline
	return a.add(s).number
}

// addCounting adds a step with state, which may be another's.
func (a *imagined) addCounting(chance *rand.Rand, after ...int) int {
	s := imaginedStep{kind: plan.StateComputation, after: after, state: fmt.Sprint("s", len(a.steps)), salt: chance.IntN(100)}
	var states []string
	for i := range a.steps {
		if a.steps[i].state != "" {
			states = append(states, a.steps[i].state)
		}
	}
	if len(states) > 0 && chance.IntN(5) == 0 {
		s.state = states[chance.IntN(len(states))]
	}
	if chance.IntN(4) == 0 {
		s.fan = 2
	}
	return a.addAfter(s)
}

func (a *imagined) addSink(after ...int) {
	a.addAfter(imaginedStep{kind: plan.Sink, after: after, sink: a.sinks})
	a.sinks++
}

// lines makes a random application of pipelines that do not branch.
func lines(chance *rand.Rand) *imagined {
	a := imagine(chance)
	for range 1 + chance.IntN(3) {
		last := a.addSource(chance, false)
		for range chance.IntN(4) { // none: an island without state
			last = a.addCounting(chance, last)
		}
		a.addSink(last)
	}
	return a
}

// mostOfOne bounds what one message becomes in a graph.
const mostOfOne = 12

// graph makes a random application whose streams branch and merge.
func graph(chance *rand.Rand) *imagined {
	a := imagine(chance)
	pipelines, steps := 1+chance.IntN(3), chance.IntN(7)
	var streams []int // that steps can be added to
	for a.pipelines < pipelines || steps > 0 {
		switch {
		case a.pipelines == 0, a.pipelines < pipelines && (steps == 0 || chance.IntN(3) == 0):
			streams = append(streams, a.addSource(chance, chance.IntN(4) == 0))
			continue
		case chance.IntN(3) == 0:
			s := imaginedStep{kind: plan.Computation, after: a.some(chance, streams), parallel: chance.IntN(5) == 0}
			if chance.IntN(3) == 0 {
				s.fan = 2
			}
			streams = append(streams, a.addAfter(s))
		default:
			streams = append(streams, a.addCounting(chance, a.some(chance, streams)...))
		}
		steps--
	}
	a.addSinks(chance, streams)
	a.lose(chance)
	return a
}

// lose has some steps lose messages.
func (a *imagined) lose(chance *rand.Rand) {
	for i := range a.steps {
		s := &a.steps[i]
		switch {
		case chance.IntN(4) > 0:
		case s.kind == plan.StateComputation:
			s.loses = fails + loss(chance.IntN(2))
		case s.kind == plan.Computation && s.fan == 1 && chance.IntN(2) == 0:
			s.loses = filters
		case s.kind == plan.Computation:
			s.loses = fails
		}
	}
}

// some are one or more of the streams, in random order, that together do not carry too much.
func (a *imagined) some(chance *rand.Rand, streams []int) []int {
	wanted, most := 1+chance.IntN(2)*(1+chance.IntN(2)), 0
	var taken []int
	for _, n := range chance.Perm(len(streams)) {
		s := &a.steps[streams[n]]
		if len(taken) < wanted && (len(taken) == 0 || most+s.most <= mostOfOne) {
			taken, most = append(taken, s.number), most+s.most
		}
	}
	return taken
}

// addSinks has sinks take all streams that no step takes, and some others, one or more each.
func (a *imagined) addSinks(chance *rand.Rand, streams []int) {
	taken := map[int]bool{}
	for i := range a.steps {
		for _, before := range a.steps[i].after {
			taken[before] = true
		}
	}
	var left []int
	for _, n := range chance.Perm(len(streams)) {
		if !taken[streams[n]] || chance.IntN(4) == 0 {
			left = append(left, streams[n])
		}
	}
	for len(left) > 0 {
		n := min(len(left), 1+chance.IntN(2))
		a.addSink(left[:n]...)
		left = left[n:]
	}
}

// fanOut is what a step makes of a message; nothing of it goes on if it panics midway.
func (s *imaginedStep) fanOut(m imaginedMessage) iter.Seq[imaginedMessage] {
	if !s.isLost(m) {
		return s.several(m, strconv.Itoa(s.number))
	}
	return func(yield func(imaginedMessage) bool) {
		for next := range s.several(m, strconv.Itoa(s.number)) {
			yield(next)
			panic("lost")
		}
	}
}

// count counts a message of a key. It fails before it has changed the counter or, if it is atomic, afterwards.
func (s *imaginedStep) count(c *imaginedCounter, m imaginedMessage) iter.Seq[imaginedMessage] {
	if s.isLost(m) && s.loses == fails {
		panic("lost")
	}
	c.N++
	if s.isLost(m) {
		panic("lost")
	}
	return s.counted(m, c.N)
}

// counted is what a message becomes that was the count-th of its key.
func (s *imaginedStep) counted(m imaginedMessage, count int) iter.Seq[imaginedMessage] {
	return s.several(m, fmt.Sprintf("%d:%s:%d", s.number, s.counter(m), count))
}

// several is a message with one more thing in its path, as often as the step makes messages of one.
func (s *imaginedStep) several(m imaginedMessage, met string) iter.Seq[imaginedMessage] {
	return func(yield func(imaginedMessage) bool) {
		next := m
		next.Path = strings.TrimPrefix(m.Path+","+met, ",")
		for i := range s.fan {
			next.Number = m.Number*3 + i
			if !yield(next) {
				return
			}
		}
	}
}

func (s *imaginedStep) key(m imaginedMessage) int { return (m.Number*7 + s.salt*3) % s.keys }

// counter is the name of the counter that a message meets.
func (s *imaginedStep) counter(m imaginedMessage) string { return fmt.Sprint(s.state, ":k", s.key(m)) }

// imaginedOutput is what comes out of a message: by which way, and at which sink.
type imaginedOutput struct {
	sink          int
	peer          string
	index, number int
	way           string
}

// outcome is what messages do: their outputs, each so many times, how far they raise each counter, and how many fail.
type outcome struct {
	outputs  map[imaginedOutput]int
	counters map[string]int // by STATE:KEY
	shown    map[string]int // likewise: of these counts, those that any output shows
	failures map[string]int // by step
}

func newOutcome() *outcome {
	return &outcome{outputs: map[imaginedOutput]int{}, counters: map[string]int{}, shown: map[string]int{}, failures: map[string]int{}}
}

// expect adds what a message of a source does.
func (a *imagined) expect(o *outcome, m imaginedMessage) {
	for i := range a.steps {
		if s := &a.steps[i]; s.kind == plan.Source && s.pipeline == m.source() {
			a.follow(o, s, m)
		}
	}
}

// follow adds what a message does behind a step; it returns how many outputs come of it.
func (a *imagined) follow(o *outcome, s *imaginedStep, m imaginedMessage) (outputs int) {
	for i := s.number + 1; i < len(a.steps); i++ {
		later := &a.steps[i]
		for _, before := range later.after {
			if before == s.number {
				outputs += a.meet(o, later, m)
			}
		}
	}
	return outputs
}

// meet adds what a message does that comes to a step; it returns how many outputs come of it.
func (a *imagined) meet(o *outcome, s *imaginedStep, m imaginedMessage) (outputs int) {
	switch {
	case s.loses == filters && s.isLost(m):
		return 0
	case s.loses == filters:
		return a.follow(o, s, m)
	case s.isLost(m):
		o.failures[s.id()]++
		return 0
	}
	next := s.fanOut(m)
	switch s.kind {
	case plan.Sink:
		way, _, _ := m.way()
		o.outputs[imaginedOutput{s.sink, m.Peer, m.Index, m.Number, way}]++
		return 1
	case plan.StateComputation:
		o.counters[s.counter(m)]++
		next = s.counted(m, 0)
	}
	for m := range next {
		outputs += a.follow(o, s, m)
	}
	if s.kind == plan.StateComputation && outputs > 0 {
		o.shown[s.counter(m)]++
	}
	return outputs
}
