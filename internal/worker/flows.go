package worker

import (
	"iter"
	"slices"
)

// way is what lies around a stage.
type way struct {
	source int   // the only one whose messages come to it; -1 if there are several
	sinks  []int // that a call of it may write to, by itself or by a stage that it calls here
}

// ways are those of all stages.
func (c *Config) ways() []way {
	list := make([]way, len(c.Stages))
	sources := 0
	for n, s := range c.Stages {
		if len(s.Before) == 0 {
			list[n].source = sources
			sources++
			continue
		}
		list[n].source = list[s.Before[0]].source
		for _, before := range s.Before[1:] {
			if list[before].source != list[n].source {
				list[n].source = -1
			}
		}
	}
	for n := len(c.Stages) - 1; n >= 0; n-- {
		list[n].sinks = slices.Clone(c.Stages[n].Sinks)
		for _, later := range c.after(n) {
			list[n].sinks = append(list[n].sinks, list[later].sinks...)
		}
		slices.Sort(list[n].sinks)
		list[n].sinks = slices.Compact(list[n].sinks)
	}
	return list
}

// flow is stages that hand on to one another.
type flow struct {
	later []int // those that others hand on to, the last first
	first []int // those that sources feed
}

type flows []flow

// flows are those of all stages.
func (c *Config) flows() flows {
	var list flows
	of := make([]int, len(c.Stages))
	for n := range c.Stages {
		of[n] = n
		for _, before := range c.Stages[n].Before {
			from, to := max(of[before], of[n]), min(of[before], of[n])
			for i := range of[:n+1] {
				if of[i] == from {
					of[i] = to
				}
			}
		}
	}
	for name := range c.Stages {
		var f flow
		for n, s := range slices.Backward(c.Stages) {
			switch {
			case of[n] != name:
			case len(s.Before) == 0:
				f.first = append(f.first, n)
			default:
				f.later = append(f.later, n)
			}
		}
		if f.first != nil {
			list = append(list, f)
		}
	}
	return list
}

// turns is whose turn it is: flows take turns, and in each the sources do; stages behind others go before those, so that what is last can
// always go on.
type turns struct {
	flows flows
	flow  int
	first []int // by flow: of its first stages
}

func (f flows) turns() turns { return turns{flows: f, first: make([]int, len(f))} }

// next are all stages, in the order in which they have their turns now. The next time it is another flow's turn, and another source's.
func (t *turns) next() iter.Seq[int] {
	return func(yield func(int) bool) {
		for range t.flows {
			at := t.flow
			t.flow = (t.flow + 1) % len(t.flows)
			if !t.flows[at].stages(&t.first[at], yield) {
				return
			}
		}
	}
}

// stages yields those of a flow; false if that is enough.
func (f *flow) stages(first *int, yield func(int) bool) bool {
	for _, stage := range f.later {
		if !yield(stage) {
			return false
		}
	}
	for range f.first {
		stage := f.first[*first]
		*first = (*first + 1) % len(f.first)
		if !yield(stage) {
			return false
		}
	}
	return true
}
