package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// What a conversation has at most. Two checkpoints and a marker fit into its epochs, with one of them given up.
const (
	mostEpochs   = 3
	mostRestarts = 1
	sinks        = 2
	executors    = 2
)

// conversation is what happens to executors and sinks, and what of it a machine has been told so far.
type conversation struct {
	machine Machine
	facts
}

// facts are what is so, whatever the machine makes of it.
type facts struct {
	again      bool   // a restart goes back to the number of the last checkpoint, as the worker does
	fresh      bool   // no marker has come since the restart
	epoch      uint64 // of the last marker, those of no checkpoint included
	open, last uint64
	restarts   int
	of         int               // executors that the open checkpoint is of
	gave       [executors]epochs // for which each has given out all: it may be reported from then on, any number of times or never
	handed     [sinks]epochs     // likewise, in front of whose markers each has handed over all
	told       [executors]bool   // which have been reported for the open checkpoint
	heard      [sinks]bool       // likewise
	reached    [sinks]uint64     // the last marker in front of which a sink has handed over all in this life
}

// epochs are some, as bits.
type epochs uint64

func (s epochs) has(e uint64) bool { return s&(1<<e) != 0 }

// all are the epochs.
func (s epochs) all() (list []uint64) {
	for e := uint64(1); e <= mostEpochs; e++ {
		if s.has(e) {
			list = append(list, e)
		}
	}
	return list
}

// step is something that may happen next.
type step struct {
	name string
	do   func(*conversation)
}

// copied is the conversation, whose machine shares nothing.
func (c *conversation) copied() *conversation {
	other := *c
	other.machine.executors, other.machine.sinks = maps.Clone(c.machine.executors), maps.Clone(c.machine.sinks)
	return &other
}

// state is the conversation as what can be compared: after equal ones the same may follow.
type state struct {
	facts
	machine   [2]uint64 // the epochs it knows
	executors epochs    // as bits, too
	sinks     epochs
}

func (c *conversation) state() state {
	return state{c.facts, [2]uint64{c.machine.epoch, c.machine.last}, bits(c.machine.executors), bits(c.machine.sinks)}
}

func bits(of map[int]bool) (b epochs) {
	for n := range of {
		b |= 1 << n
	}
	return b
}

// steps are all that may happen next.
func (c *conversation) steps() []step {
	return slices.Concat(c.markers(), c.work(), c.reports(), c.ends())
}

// markers are those that may be sent around: of a checkpoint, if none is open, or of none.
func (c *conversation) markers() (list []step) {
	if c.epoch == mostEpochs {
		return nil
	}
	list = append(list, step{"a marker", (*conversation).mark})
	for of := 1; of <= executors && c.open == 0; of++ {
		list = append(list, step{fmt.Sprint("a checkpoint of ", of), func(c *conversation) {
			c.mark()
			c.open, c.of = c.epoch, of
			c.machine.Begin(c.open, of, sinks)
		}})
	}
	return list
}

// mark gives the next marker its number. If numbers come again, nobody of the old life reports any more.
func (c *conversation) mark() {
	if c.fresh && c.again {
		c.gave, c.handed = [executors]epochs{}, [sinks]epochs{}
	}
	c.fresh = false
	c.epoch++
}

// work is what executors and sinks have left to do.
func (c *conversation) work() (list []step) {
	for x := range c.of {
		if c.open != 0 && !c.gave[x].has(c.open) {
			list = append(list, step{fmt.Sprintf("executor %d gives out", x), func(c *conversation) { c.gave[x] |= 1 << c.open }})
		}
	}
	for s := range sinks {
		if c.reached[s] < c.epoch {
			list = append(list, step{fmt.Sprintf("sink %d hands over", s), func(c *conversation) {
				c.reached[s]++
				c.handed[s] |= 1 << c.reached[s]
			}})
		}
	}
	return list
}

// reports are those of what has happened, in this life or an older one, told or not.
func (c *conversation) reports() (list []step) {
	for x := range executors {
		for _, e := range c.gave[x].all() {
			list = append(list, step{fmt.Sprintf("saved(%d, %d)", x, e), func(c *conversation) {
				c.machine.Saved(x, e)
				c.told[x] = c.told[x] || e == c.open
			}})
		}
	}
	for s := range sinks {
		for _, e := range c.handed[s].all() {
			list = append(list, step{fmt.Sprintf("handed over(%d, %d)", s, e), func(c *conversation) {
				c.machine.HandedOver(s, e)
				c.heard[s] = c.heard[s] || c.open != 0 && e >= c.open
			}})
		}
	}
	return list
}

// ends are a commit, if it may be, and a restart: behind the last checkpoint that was told of, or behind one that is written and was not.
func (c *conversation) ends() (list []step) {
	if c.machine.Complete() {
		list = append(list, step{"committed", func(c *conversation) {
			c.machine.Committed()
			c.close(c.open)
		}})
	}
	if c.restarts == mostRestarts {
		return list
	}
	list = append(list, step{"restart", func(c *conversation) { c.restart(c.last) }})
	if c.machine.Complete() {
		list = append(list, step{"restart behind what was written", func(c *conversation) { c.restart(c.open) }})
	}
	return list
}

func (c *conversation) restart(last uint64) {
	c.restarts++
	c.fresh = true
	c.close(last)
	if c.again {
		c.epoch = last
	}
	c.reached = [sinks]uint64{c.epoch, c.epoch}
	c.machine.Restart(last)
}

// close has no checkpoint open behind the last one.
func (c *conversation) close(last uint64) {
	c.last, c.open, c.of, c.told, c.heard = last, 0, 0, [executors]bool{}, [sinks]bool{}
}

// broken is a promise that the machine does not keep now, "" if it keeps all.
func (c *conversation) broken() string {
	m := &c.machine
	if m.Open() != c.open || m.Last() != c.last {
		return fmt.Sprintf("%d is open and %d the last, not %d and %d", m.Open(), m.Last(), c.open, c.last)
	}
	awaited, from := m.Awaited()
	for x := range executors {
		awaits := slices.Contains(awaited, x)
		if wants := x < c.of && !c.told[x]; awaits != wants || m.Awaits(x) != wants {
			return fmt.Sprintf("executor %d is awaited: %v, %v", x, awaits, m.Awaits(x))
		}
	}
	for s := range sinks {
		if awaits := slices.Contains(from, s); awaits != (c.open != 0 && !c.heard[s]) {
			return fmt.Sprintf("sink %d is awaited: %v", s, awaits)
		}
	}
	return c.unsafe() + c.stuck()
}

// unsafe says if the checkpoint is complete, and somebody has not done all for it, whatever was told.
func (c *conversation) unsafe() string {
	if !c.machine.Complete() {
		return ""
	}
	missing := c.open == 0
	for x := range c.of {
		missing = missing || !c.gave[x].has(c.open)
	}
	for s := range sinks {
		missing = missing || c.reached[s] < c.open
	}
	if missing {
		return "it is complete, and something is missing"
	}
	return ""
}

// stuck says if the open checkpoint is not complete when all is told of it.
func (c *conversation) stuck() string {
	if c.open == 0 {
		return ""
	}
	later := c.copied()
	for x := range c.of {
		later.machine.Saved(x, c.open)
	}
	for s := range sinks {
		later.machine.HandedOver(s, c.epoch)
	}
	if !later.machine.Complete() {
		return "it is not complete, and all is told"
	}
	return ""
}

// TestAllConversations has all happen that may, in every order, to a machine of one or two executors and two sinks: reports come late,
// again, out of order or never, and everything begins anew at any moment. Its promises hold at every state: what is open and awaited,
// that nothing is complete too early, and that nothing stands in the way of being complete.
func TestAllConversations(t *testing.T) {
	for _, again := range []bool{false, true} {
		seen := map[state]bool{}
		var walk func(c *conversation, way []string)
		walk = func(c *conversation, way []string) {
			if t.Failed() || seen[c.state()] {
				return
			}
			seen[c.state()] = true
			if broken := c.broken(); broken != "" {
				t.Errorf("%s, after %q", broken, way)
				return
			}
			for _, s := range c.steps() {
				next := c.copied()
				s.do(next)
				walk(next, append(way, s.name))
			}
		}
		walk(&conversation{again: again}, nil)
		t.Logf("numbers come again: %v: %d states", again, len(seen))
	}
}
