package plan

import (
	"reflect"
	"testing"
)

// pipeline writes steps as letters: c a computation, p a parallel one, s and t state computations on the states "s" and "t".
func pipeline(name, steps string) Pipeline {
	l := Pipeline{Name: name}
	for _, kind := range steps {
		step := Step{Name: string(kind), Kind: Computation, Parallel: kind == 'p'}
		if kind == 's' || kind == 't' {
			step.Kind, step.State = StateComputation, string(kind)
		}
		l.Steps = append(l.Steps, step)
	}
	return l
}

func TestStages(t *testing.T) {
	for steps, want := range map[string][]Stage{
		"":      {{Input: Pinned}},
		"cc":    {{End: 2, Input: Pinned}},
		"p":     {{End: 1, Input: Spread}},
		"cpc":   {{End: 3, Input: Spread}},
		"ps":    {{End: 1, Input: Spread}, {First: 1, End: 2, Input: Keyed}},
		"scc":   {{Input: Pinned}, {End: 3, Input: Keyed}},
		"scpct": {{Input: Pinned}, {End: 1, Input: Keyed}, {First: 1, End: 4, Input: Spread}, {First: 4, End: 5, Input: Keyed}},
		"cst":   {{End: 1, Input: Pinned}, {First: 1, End: 2, Input: Keyed}, {First: 2, End: 3, Input: Keyed}},
	} {
		p := Plan{Pipelines: []Pipeline{pipeline("p", steps)}}
		if got := p.Stages(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v; want %+v", steps, got, want)
		}
	}
}

func TestIslands(t *testing.T) {
	for _, c := range []struct {
		pipelines []string
		want      []int
	}{
		{[]string{"cs"}, []int{0, 0}},
		{[]string{"cs", "ct"}, []int{0, 0, 2, 2}},
		{[]string{"cs", "ct", "cs"}, []int{0, 0, 2, 2, 0, 0}},
		{[]string{"cs", "ct", "cst"}, []int{0, 0, 0, 0, 0, 0, 0}},
		{[]string{"c", "c"}, []int{0, 1}},
	} {
		p := Plan{}
		for _, steps := range c.pipelines {
			p.Pipelines = append(p.Pipelines, pipeline(steps, steps))
		}
		if got := p.Islands(p.Stages()); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %v; want %v", c.pipelines, got, c.want)
		}
	}
}
