package suspicion

import (
	"fmt"
	"maps"
	"testing"
)

// arriving is a message that comes to an executor, life after life, until a checkpoint is behind it.
type arriving struct {
	Noted
	deadly bool
}

// work is what comes to two executors, in order: innocent messages that differ from a deadly one in one thing each, and a deadly one that
// comes twice.
var work = [][]arriving{
	{
		{Noted{"p/step", true, "1"}, false},
		{Noted{"p/step", false, "1"}, true},
		{Noted{"p/other", false, "1"}, false},
		{Noted{"p/step", false, "1"}, true},
	},
	{
		{Noted{"p/step", false, "2"}, false},
		{Noted{"p/step", false, "3"}, true},
	},
}

const (
	followed = 8 // deaths: behind each of them the promises are tried, which takes further deaths
	commits  = 1
	restarts = 1
)

// world is the two executors, and what a machine has been told of their deaths.
type world struct {
	machine Machine
	facts
}

// facts are what is so, whatever the machine makes of it.
type facts struct {
	deaths, commits, restarts int
	fruitless                 int       // deaths since a verdict
	outside                   bool      // all deaths since a checkpoint were from outside
	behind                    [2]int    // messages that are behind a checkpoint, by executor
	skips                     [2][4]int // by message: how many of those that are equal are kept from their step
	notes                     [2][4]int // by message: at how many deaths its executor had noted it
}

// state is the world as what can be compared: after equal ones the same may follow.
type state struct {
	facts
	deaths int
	care   bool
	noted  [2][4]int
}

func (w *world) state() state {
	s := state{facts: w.facts, deaths: w.machine.deaths, care: w.machine.care}
	for x := range work {
		for n := range work[x] {
			s.noted[x][n] = w.machine.noted[work[x][n].Noted]
		}
	}
	return s
}

// copied is the world, whose machine shares nothing.
func (w *world) copied() *world {
	other := *w
	other.machine.noted = maps.Clone(w.machine.noted)
	return &other
}

// deadly is the message that an executor dies of if nothing else kills it, by its place: the first that is not skipped; none may be left.
func (w *world) deadly(x int) int {
	skipped := map[Noted]int{}
	for n := w.behind[x]; n < len(work[x]); n++ {
		m := work[x][n]
		if m.deadly && skipped[m.Noted] == w.skips[x][n] {
			return n
		}
		skipped[m.Noted]++
	}
	return len(work[x])
}

// takesCare reports whether executors note what they do.
func (w *world) takesCare() bool { return w.machine.Careful() || w.skips != [2][4]int{} }

// dies has an executor die at a message, which it has noted or not, or whose note is lost. It returns what is wrong with the verdict.
func (w *world) dies(x, n int, killed, told bool) string {
	w.deaths++
	w.fruitless++
	w.outside = killed && (w.deaths == 1 || w.outside)
	m := work[x][n]
	var noted *Noted
	if told && w.takesCare() {
		noted = &m.Noted
		w.notes[x][n]++
	}
	verdict := w.machine.Died(killed, noted)
	switch {
	case verdict == nil && w.notes[x][n] < 2:
		return ""
	case verdict == nil:
		return fmt.Sprintf("%+v is not convicted, which was noted twice", m)
	case w.notes[x][n] < 2:
		return fmt.Sprintf("%+v is convicted, which was not noted twice", m)
	case noted == nil || *verdict != *noted:
		return fmt.Sprintf("%+v is convicted, which was not noted", *verdict)
	case !m.deadly:
		return fmt.Sprintf("%+v is convicted, which is innocent", *verdict)
	}
	w.fruitless = 0
	for n := range work[x] {
		if work[x][n].Noted == *verdict {
			w.skips[x][n]++
		}
	}
	return ""
}

// step is something that may happen next; it says what is wrong with that.
type step struct {
	name string
	do   func(*world) string
}

// steps are all that may happen next.
func (w *world) steps() (list []step) {
	for x := range work {
		if w.deaths < followed {
			list = append(list, w.deathsOf(x)...)
		}
	}
	if w.commits < commits {
		for moved := range 4 { // executors, as bits: those whose messages have come as far as they can
			list = append(list, step{fmt.Sprintf("committed behind %b", moved), func(w *world) string { return w.commit(moved) }})
		}
	}
	if w.restarts < restarts {
		list = append(list, step{"the worker is killed", func(w *world) string {
			w.restarts++
			w.machine, w.deaths, w.fruitless, w.notes = Machine{}, 0, 0, [2][4]int{} // but what was convicted is kept
			return ""
		}})
	}
	return list
}

// deathsOf are an executor's: of its deadly message, as a process by itself or by the kernel that runs out of memory; and from outside, at
// any message in front of that, but only once at each that is noted: a message that was there each time cannot be told from a deadly one.
func (w *world) deathsOf(x int) (list []step) {
	deadly := w.deadly(x)
	for n := w.behind[x]; n <= deadly && n < len(work[x]); n++ {
		for _, killed := range []bool{false, true} {
			for _, told := range []bool{false, true} {
				if n < deadly && (!killed || work[x][n].deadly || told && w.notes[x][n] > 0) {
					continue
				}
				list = append(list, step{fmt.Sprintf("%d dies at %d (killed: %v, told: %v)", x, n, killed, told), func(w *world) string {
					return w.dies(x, n, killed, told)
				}})
			}
		}
	}
	return list
}

// commit has a checkpoint committed behind what some executors have done.
func (w *world) commit(moved int) string {
	for x := range work {
		if moved&(1<<x) != 0 {
			w.behind[x] = w.deadly(x)
		}
	}
	w.machine.Committed()
	w.facts = facts{commits: w.commits + 1, restarts: w.restarts, behind: w.behind}
	return ""
}

// broken is a promise that the machine does not keep now, "" if it keeps all.
func (w *world) broken() string {
	if n := w.machine.Fruitless(); n != w.fruitless {
		return fmt.Sprintf("it counts %d deaths since a verdict, not %d", n, w.fruitless)
	}
	if w.deaths == 0 && w.machine.Careful() || w.deaths == 1 && w.outside && w.machine.Careful() {
		return "care is taken without suspicion"
	}
	for x := range work {
		for _, killed := range []bool{false, true} {
			if wrong := w.copied().convicts(x, killed); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

// convicts says if a message is not convicted that kills its executor each time, and the next one then: at its third death, or at the
// fourth if the first did not look like its own; and those behind it at two more each.
func (w *world) convicts(x int, killed bool) string {
	most := 3
	if killed {
		most++
	}
	for n := w.deadly(x); n < len(work[x]); n = w.deadly(x) {
		for range most {
			if wrong := w.dies(x, n, killed, true); wrong != "" {
				return wrong
			}
			if w.deadly(x) > n {
				break
			}
		}
		if w.deadly(x) == n {
			return fmt.Sprintf("message %d of executor %d is not convicted after %d more deaths", n, x, most)
		}
		most = 2
	}
	return ""
}

// TestAllDeaths has two executors die in every order: of deadly messages, and from outside at innocent ones, with notes and without, with
// checkpoints between, and the worker killed. Its promises hold at every state: a message that kills each time is convicted, and no other.
func TestAllDeaths(t *testing.T) {
	seen := map[state]bool{}
	var walk func(w *world, way []string)
	walk = func(w *world, way []string) {
		if t.Failed() || seen[w.state()] {
			return
		}
		seen[w.state()] = true
		if broken := w.broken(); broken != "" {
			t.Errorf("%s, after %q", broken, way)
			return
		}
		for _, s := range w.steps() {
			next := w.copied()
			if wrong := s.do(next); wrong != "" {
				t.Errorf("%s, after %q and %q", wrong, way, s.name)
			}
			walk(next, append(way, s.name))
		}
	}
	walk(&world{}, nil)
	t.Logf("%d states", len(seen))
}
