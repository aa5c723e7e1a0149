package plan

import "testing"

// TestFlowOfAGraph has a line, a branch, a merge of streams of two pipelines, and a connector that needs no address.
func TestFlowOfAGraph(t *testing.T) {
	p := Plan{
		Application: "graph",
		States:      []State{{Name: "totals", Keyed: true}},
		Steps: []Step{
			{Pipeline: "one", Name: "source", Kind: Source, Outside: &Outside{Connector: TCP, Port: 7010}},
			{Pipeline: "two", Name: "source", Kind: Source, Outside: &Outside{Connector: "memory"}},
			{Pipeline: "one", Name: "split", Kind: Computation, After: []int{0}},
			{Pipeline: "one", Name: "raw", Kind: Sink, After: []int{2}, Outside: &Outside{Connector: TCP, Host: "::1", Port: 7002}},
			{Pipeline: "one", Name: "count", Kind: StateComputation, State: "totals", After: []int{1, 2}},
			{Pipeline: "one", Name: "counts", Kind: Sink, After: []int{4}, Outside: &Outside{Connector: "memory"}},
			{Pipeline: "two", Name: "log", Kind: Sink, After: []int{1}, Outside: &Outside{Connector: "memory"}},
		},
	}
	for pipeline, want := range map[string]string{
		"one": "source 127.0.0.1:7010 -> split -> raw [::1]:7002; two/source and split -> count (totals) -> counts",
		"two": "source -> log",
		"no":  "",
	} {
		if got := p.Flow(pipeline); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", pipeline, got, want)
		}
	}
	want := `one/source source
two/source source
one/split computation
one/raw sink
one/count state computation state=totals
one/counts sink
two/log sink
`
	if got := p.Listing(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}
