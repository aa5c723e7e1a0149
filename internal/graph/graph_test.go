package graph

import (
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// branching is two pipelines whose steps stand among each other: one with a branch, and one that the other's stream joins.
var branching = &plan.Plan{
	Application: "Two \"pipelines\"",
	States:      []plan.State{{Name: "seen", Class: "Seen", Keyed: true}, {Name: "total", Class: "int"}},
	Steps: []plan.Step{
		{Pipeline: "a", Name: "source", Kind: plan.Source, Outside: &plan.Outside{Connector: "file"}},
		{Pipeline: "b", Name: "source", Kind: plan.Source, Outside: &plan.Outside{Connector: plan.TCP, Port: 7010}},
		{Pipeline: "a", Name: "split", Kind: plan.Computation, After: []int{0}, Parallel: true},
		{Pipeline: "b", Name: "count", Kind: plan.StateComputation, After: []int{1, 2}, State: "seen", Key: `of "user"`},
		{Pipeline: "a", Name: "sum", Kind: plan.StateComputation, After: []int{2}, State: "total"},
		{Pipeline: "a", Name: "odd", Kind: plan.Sink, After: []int{2}, Outside: &plan.Outside{Connector: plan.TCP, Port: 7002}},
	},
}

func TestText(t *testing.T) {
	g := Of(branching)
	const want = `Two "pipelines"

a
  source  (source, file)
  split  (computation, parallel)
  sum  (state computation)
  odd  (sink, tcp 127.0.0.1:7002)  <- a/split

b
  source  (source, tcp 127.0.0.1:7010)
  count  (state computation, key by of "user")  <- b/source, a/split

states
  seen  (Seen for each key): b/count
  total  (int, one in all): a/sum
`
	if got := g.Text(); got != want {
		t.Errorf("%s", got)
	}
}

func TestDOT(t *testing.T) {
	g := Of(branching)
	got := g.DOT()
	for _, want := range []string{
		`digraph "Two \"pipelines\"" {`, `subgraph "cluster b" {`, `"a/split" -> "b/count" [label="of \"user\""];`, `"a/split" -> "a/odd";`,
		`"a/source" [label="source", shape=cds];`, `"a/sum" -> "state total" [dir=none, style=dashed];`, `"a/split" [label="split\nparallel"];`,
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%s is not there once in\n%s", want, got)
		}
	}
}

func TestAnApplicationWithoutStepsIsAGraphToo(t *testing.T) {
	g := Of(&plan.Plan{Application: "none"})
	if got := g.Text(); got != "none\n" {
		t.Errorf("%q", got)
	}
	if got := g.DOT(); !strings.HasSuffix(got, "}\n") {
		t.Errorf("%q", got)
	}
}
