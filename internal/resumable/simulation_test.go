package resumable

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/wallaroo-stream/wallaroo/connector"
)

var histories = flag.Int("histories", 2000, "how many random histories of the sink's conversation are tried")

// place is a message that a simulated receiver keeps: which it is, and the lane that brought it.
type place struct {
	index int
	epoch uint64
	lane  string
}

// simulation is an application of two sinks' processes on one receiver, from its messages to what the receiver has committed. Messages are
// numbers from 0 on; the application returns to manifests, processes of a run that is over go on, connections break anywhere, and the
// receiver loses what it has not made durable.
type simulation struct {
	t    *testing.T
	seed int
	r    *rand.Rand

	run, epoch uint64 // that the application is in; epoch is the one that is filled
	position   int    // the next message
	manifests  []manifest
	positions  map[uint64]int // where each epoch of this run ended
	sinks      []*sink
	old        []*sink // of runs that are over

	receiver  *Receiver[place]
	committed []place
	durable   snapshot
	mishaps   int // still to come
}

type manifest struct {
	epoch    uint64
	position int
}

// snapshot is what a receiver would have after a crash.
type snapshot struct {
	receiver  *Receiver[place]
	committed []place
}

// sink is one process.
type sink struct {
	lane   string
	window *Window
	conn   *conn // nil while there is none
	said   Said
}

// conn is a connection: encoded frames on their way, either way. When it breaks, what goes to the receiver may still arrive.
type conn struct {
	lane     string // that its hello named
	in, out  [][]byte
	welcomed bool
	marker   uint64
}

func (s *simulation) happens() bool {
	if s.mishaps == 0 || s.r.IntN(30) > 0 {
		return false
	}
	s.mishaps--
	return true
}

// last is the last manifest.
func (s *simulation) last() manifest { return s.manifests[len(s.manifests)-1] }

func (s *simulation) step() {
	everyone := append(slices.Clone(s.sinks), s.old...)
	one := everyone[s.r.IntN(len(everyone))]
	switch s.r.IntN(7) {
	case 0:
		s.produce()
	case 1:
		s.checkpoint()
	case 2, 3:
		s.send(one)
	case 4:
		s.receive(one)
	case 5:
		s.hear(one)
	case 6:
		s.goWrong(one)
	}
}

// produce gives messages to a sink, or ends the epoch.
func (s *simulation) produce() {
	if s.r.IntN(4) == 0 {
		for _, k := range s.sinks {
			k.window.Mark(s.epoch)
		}
		s.positions[s.epoch] = s.position
		s.epoch++
		return
	}
	var b connector.Batch
	for range 1 + s.r.IntN(3) {
		b.Append([]byte(strconv.Itoa(s.position)))
		s.position++
	}
	s.sinks[s.r.IntN(len(s.sinks))].window.Add(s.epoch, b)
}

// checkpoint commits the last epoch that both sinks have staged.
func (s *simulation) checkpoint() {
	staged := min(s.sinks[0].window.Staged(), s.sinks[1].window.Staged())
	if staged > s.last().epoch {
		s.manifests = append(s.manifests, manifest{staged, s.positions[staged]})
	}
}

// send connects, or writes a frame.
func (s *simulation) send(k *sink) {
	current := slices.Contains(s.sinks, k)
	if current {
		k.said = Said{s.run, s.last().epoch}
	}
	switch {
	case k.conn == nil:
		k.conn = &conn{}
		k.conn.in = append(k.conn.in, Append(nil, &SinkHello{Cluster: "c", Sink: "s", Lane: k.lane, Said: k.said}))
	case !k.conn.welcomed:
	case s.r.IntN(4) == 0:
		k.conn.in = append(k.conn.in, Append(nil, &Commit{Said: k.said}))
	default:
		if f := k.window.Next(); f != nil {
			k.conn.in = append(k.conn.in, Append(nil, f))
		}
	}
}

// receive has the receiver take what was sent on a connection.
func (s *simulation) receive(k *sink) {
	if k.conn == nil {
		return
	}
	for n := s.r.IntN(len(k.conn.in) + 1); n > 0 && k.conn != nil; n-- {
		frame := k.conn.in[0]
		k.conn.in = k.conn.in[1:]
		s.deliver(k, k.conn, frame)
	}
}

// deliver has the receiver take a frame. What it answers is durable.
func (s *simulation) deliver(k *sink, c *conn, frame []byte) {
	decoded, err := Decode(frame[4:])
	if err == nil {
		err = s.take(c, decoded)
	}
	if old, is := errors.AsType[*OldRunError](err); is && old.Known > old.Run {
		if k != nil {
			k.conn = nil
		}
		return
	}
	if err != nil {
		s.fatal("%v", err)
	}
	if k == nil || s.r.IntN(2) == 0 {
		return
	}
	s.sync()
	if _, hello := decoded.(*SinkHello); hello {
		c.out = append(c.out, Append(nil, &Welcome{Said: s.receiver.Said(), Number: s.receiver.Number(c.lane)}))
		return
	}
	c.out = append(c.out, Append(nil, &Ack{Said: s.receiver.Said(), Number: s.receiver.Number(c.lane), Marker: c.marker}))
}

func (s *simulation) take(c *conn, f Frame) error {
	switch f := f.(type) {
	case *SinkHello:
		c.lane = f.Lane
		return s.heard(f.Said)
	case *Commit:
		if f.Said.Run > s.receiver.Said().Run {
			c.marker = 0
		}
		return s.heard(f.Said)
	case *Messages:
		had, err := s.receiver.Take(c.lane, f)
		if err != nil {
			return err
		}
		f.Batch.Take(had)
		for f.Batch.Count() > 0 {
			one := f.Batch.Take(1)
			index, err := strconv.Atoi(string(one.Payload))
			if err != nil {
				return err
			}
			s.receiver.Keep(f.Epoch, place{index, f.Epoch, c.lane})
		}
	case *Marker:
		if err := s.receiver.Mark(c.lane, f); err != nil {
			return err
		}
		c.marker = f.Epoch
	default:
		return fmt.Errorf("a %T", f)
	}
	return nil
}

func (s *simulation) heard(said Said) error {
	out, _, err := s.receiver.Hear(said)
	s.committed = append(s.committed, out...)
	return err
}

func (s *simulation) sync() {
	lanes := map[string]*Lane{}
	for name, lane := range s.receiver.Lanes() {
		clone := *lane
		lanes[name] = &clone
	}
	s.durable = snapshot{Restore(s.receiver.Said(), lanes, slices.Clone(s.receiver.Kept())), slices.Clone(s.committed)}
}

// hear has a sink take what the receiver answered.
func (s *simulation) hear(k *sink) {
	if k.conn == nil || len(k.conn.out) == 0 {
		return
	}
	frame := k.conn.out[0]
	k.conn.out = k.conn.out[1:]
	var err error
	switch f := s.must(frame).(type) {
	case *Welcome:
		k.conn.welcomed = true
		if _, _, err = k.window.Resume(f); errors.As(err, new(*OldRunError)) {
			k.conn, err = nil, nil
		}
	case *Ack:
		_, _, err = k.window.Ack(f)
	}
	if err != nil {
		s.fatal("%v", err)
	}
}

// goWrong breaks connections, crashes the receiver, returns to a manifest.
func (s *simulation) goWrong(k *sink) {
	if !s.happens() {
		// A connection that was welcomed never, as the receiver did not answer, is given up.
		if k.conn != nil && !k.conn.welcomed && len(k.conn.in)+len(k.conn.out) == 0 {
			k.conn = nil
		}
		return
	}
	switch s.r.IntN(3) {
	case 0:
		if k.conn != nil {
			c := k.conn
			k.conn = nil
			for _, frame := range c.in[:s.r.IntN(len(c.in)+1)] {
				if _, hello := s.must(frame).(*SinkHello); hello || c.lane != "" {
					s.deliver(nil, c, frame)
				}
			}
		}
	case 1:
		if s.r.IntN(2) == 0 {
			s.sync()
		}
		s.receiver, s.committed = s.durable.receiver, s.durable.committed
		s.sync()
		for _, k := range append(slices.Clone(s.sinks), s.old...) {
			k.conn = nil
		}
	case 2:
		s.recover()
	}
}

func (s *simulation) must(frame []byte) Frame {
	f, err := Decode(frame[4:])
	if err != nil {
		s.fatal("%v", err)
	}
	return f
}

// fatal ends the test, and says by which seed it comes about.
func (s *simulation) fatal(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d: "+format, append([]any{s.seed}, args...)...)
}

// recover begins a new run. A sink's process goes on with the same lane and connection, or is a new one beside the old.
func (s *simulation) recover() {
	s.run++
	s.epoch, s.position, s.positions = s.last().epoch+1, s.last().position, map[uint64]int{}
	for i, k := range s.sinks {
		if k.said = (Said{s.run - 1, s.last().epoch}); s.r.IntN(2) == 0 {
			s.old = append(s.old, k) // which knows no later epoch than that of its run
			s.sinks[i] = &sink{lane: fmt.Sprintf("%d in run %d", i, s.run), window: NewSinkWindow(s.run)}
			continue
		}
		k.window.Rerun(s.run)
		if k.conn != nil && k.conn.welcomed {
			k.conn.in = append(k.conn.in, Append(nil, &Commit{Said: Said{s.run, s.last().epoch}}))
		} else {
			k.conn = nil
		}
	}
}

// check compares what is committed with what the manifest holds.
func (s *simulation) check() {
	said := s.receiver.Said()
	want := -1
	for _, m := range s.manifests {
		if m.epoch == said.Committed {
			want = m.position
		}
	}
	var got []int
	order := map[string]int{}
	for i, p := range s.committed {
		got = append(got, p.index)
		if i > 0 && p.epoch < s.committed[i-1].epoch {
			s.fatal("epoch %d is committed behind epoch %d", p.epoch, s.committed[i-1].epoch)
		}
		if before, is := order[p.lane]; is && before > p.index {
			s.fatal("lane %q: %d is committed behind %d", p.lane, p.index, before)
		}
		order[p.lane] = p.index
	}
	slices.Sort(got)
	for i, index := range got {
		if i != index || len(got) != want {
			s.fatal("with epoch %d are committed %v; want all below %d", said.Committed, got, want)
		}
	}
	if len(got) != want {
		s.fatal("with epoch %d are committed %v; want all below %d", said.Committed, got, want)
	}
}

// TestWhatIsCommittedIsTheOutputOfTheManifests runs random histories of a sink's conversation, and compares after each step what the
// receiver has committed with what the application had put out up to that manifest.
func TestWhatIsCommittedIsTheOutputOfTheManifests(t *testing.T) {
	recovered, restarted := 0, 0
	for seed := range *histories {
		s := &simulation{
			t: t, seed: seed, r: rand.New(rand.NewPCG(uint64(seed), 12)), run: 1, epoch: 1, manifests: []manifest{{}}, positions: map[uint64]int{},
			receiver: NewReceiver[place](), mishaps: 6,
		}
		s.sinks = []*sink{{lane: "0", window: NewSinkWindow(1)}, {lane: "1", window: NewSinkWindow(1)}}
		s.sync()
		for range 400 {
			s.step()
			s.check()
		}
		s.mishaps, s.old = 0, nil
		last := s.epoch
		for steps := 0; s.receiver.Said().Committed < last; steps++ {
			s.step()
			if steps == 100_000 {
				s.fatal("it does not come to its end: %v, %v", s.receiver.Said(), s.last())
			}
		}
		s.check()
		if s.run > 1 {
			recovered++
		}
		restarted += len(s.manifests)
	}
	if recovered < *histories/4 || restarted < *histories {
		t.Errorf("only %d of %d histories recover, and they have %d manifests: they try nothing", recovered, *histories, restarted)
	}
}
