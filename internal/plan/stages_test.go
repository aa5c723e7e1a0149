package plan

import (
	"reflect"
	"testing"
)

// line appends a pipeline whose steps are letters: c a computation, p a parallel one, s and t state computations on the states "s" and "t".
// It has a source before them and a sink behind them.
func line(p *Plan, steps string) {
	for i, letter := range "<" + steps + ">" {
		step := Step{Name: string(letter), Kind: Computation, Parallel: letter == 'p'}
		switch letter {
		case '<':
			step.Kind = Source
		case '>':
			step.Kind = Sink
		case 's', 't':
			step.Kind, step.State = StateComputation, string(letter)
		}
		if i > 0 {
			step.After = []int{len(p.Steps) - 1}
		}
		p.Steps = append(p.Steps, step)
	}
}

func TestStagesOfALine(t *testing.T) {
	for steps, want := range map[string][]Stage{
		"":   {{Input: Pinned, Steps: []int{0, 1}, Sinks: []int{0}}},
		"cc": {{Input: Pinned, Steps: []int{0, 1, 2, 3}, Sinks: []int{0}}},
		"cp": {{Input: Spread, Steps: []int{0, 1, 2, 3}, Sinks: []int{0}}},
		"ps": {{Input: Spread, Steps: []int{0, 1}}, {Entry: 2, Input: Keyed, Before: []int{0}, Steps: []int{2, 3}, Sinks: []int{0}}},
		"scpct": {
			{Input: Pinned, Steps: []int{0}},
			{Entry: 1, Input: Keyed, Before: []int{0}, Steps: []int{1, 2, 3, 4}},
			{Entry: 5, Input: Keyed, Before: []int{1}, Steps: []int{5, 6}, Sinks: []int{0}},
		},
	} {
		var p Plan
		line(&p, steps)
		if got := p.Stages(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v; want %+v", steps, got, want)
		}
	}
}

// TestStagesOfAGraph has two sources whose streams are merged before a computation and branch behind it: to a sink, and to a step with
// state, which has a sink of its own; that sink also gets what the second source brings, as it comes.
func TestStagesOfAGraph(t *testing.T) {
	p := Plan{Steps: []Step{
		{Name: "one", Kind: Source},
		{Name: "two", Kind: Source},
		{Name: "both", Kind: Computation, After: []int{0, 1}},
		{Name: "raw", Kind: Sink, After: []int{2}},
		{Name: "count", Kind: StateComputation, State: "s", After: []int{2}},
		{Name: "counts", Kind: Sink, After: []int{4, 1}},
	}}
	want := []Stage{
		{Entry: 0, Input: Pinned, Steps: []int{0, 2, 3}, Sinks: []int{0}},
		{Entry: 1, Input: Pinned, Steps: []int{1, 2, 3, 5}, Sinks: []int{0, 1}},
		{Entry: 4, Input: Keyed, Before: []int{0, 1}, Steps: []int{4, 5}, Sinks: []int{1}},
	}
	if got := p.Stages(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v; want %+v", got, want)
	}
}

// TestWhereMessagesEnter has a message enter at each step of a pipeline with two states: at one with state, from a stage before it.
func TestWhereMessagesEnter(t *testing.T) {
	var p Plan
	line(&p, "cscct")
	line(&p, "s")
	stages := p.Stages()
	for step, want := range []int{0, 0, 0, 1, 1, 1, 2, 3, 3, 4} {
		if got := EntersAt(stages, step); got != want {
			t.Errorf("step %d, %s: stage %d; want %d", step, p.Steps[step].Name, got, want)
		}
	}
}

func TestIslands(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  []int
	}{
		{[]string{"cs"}, []int{0, 0}},
		{[]string{"cs", "ct"}, []int{0, 0, 2, 2}},
		{[]string{"cs", "ct", "cs"}, []int{0, 0, 2, 2, 0, 0}},
		{[]string{"cs", "ct", "cst"}, []int{0, 0, 0, 0, 0, 0, 0}},
		{[]string{"c", "c"}, []int{0, 1}},
	} {
		var p Plan
		for _, steps := range c.lines {
			line(&p, steps)
		}
		var got []int
		for _, s := range p.Stages() {
			got = append(got, s.Island)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %v; want %v", c.lines, got, c.want)
		}
	}
}

func TestStagesThatShareASinkAreOneIsland(t *testing.T) {
	p := Plan{Steps: []Step{
		{Kind: Source}, {Kind: Source}, {Kind: Source}, {Kind: Sink, After: []int{0, 2}}, {Kind: Sink, After: []int{1}},
	}}
	if s := p.Stages(); s[0].Island != 0 || s[1].Island != 1 || s[2].Island != 0 {
		t.Errorf("%+v", s)
	}
}
