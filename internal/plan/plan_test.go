package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden is the plan of the word count as the Python package writes it; its tests compare with the same file.
func golden(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "python", "tests", "golden", "word_count.plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseReadsWhatPythonWrites(t *testing.T) {
	p, err := Parse(golden(t))
	if err != nil {
		t.Fatal(err)
	}
	want := `Split and Count/source source
Split and Count/split into words computation
Split and Count/Count Word state computation state=word totals
Split and Count/sink sink
`
	if got := p.Listing(); got != want {
		t.Errorf("listing\n%s\nwant\n%s", got, want)
	}
	source, split, count, sink := &p.Steps[0], &p.Steps[1], &p.Steps[2], &p.Steps[3]
	if from, to := source.Outside.Address().String(), sink.Outside.Address().String(); from != "127.0.0.1:7010" || to != "127.0.0.1:7002" {
		t.Errorf("from %s to %s", from, to)
	}
	if p.Application != "Word Count Application" {
		t.Errorf("%+v", p)
	}
	if !split.Multi || !split.Parallel || count.Key != "partition" || !p.States[0].Keyed {
		t.Errorf("%+v", p)
	}
}

func TestParseReadsWhatIsResumable(t *testing.T) {
	for n, step := range map[int]int{1: 0, 2: 3} { // the n-th word is that of a step
		words := strings.SplitAfterN(string(golden(t)), `"resumable": `, 3)
		words[n] = strings.Replace(words[n], "false", "true", 1)
		p, err := Parse([]byte(strings.Join(words, "")))
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Steps {
			if o := p.Steps[i].Outside; o != nil && o.Resumable != (i == step) {
				t.Errorf("step %d is resumable: %v", i, o.Resumable)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(golden(t))
	for _, c := range []struct{ old, new, want string }{
		{`"version": 1`, `"version": 2`, "version 2"},
		{`"kind": "state computation"`, `"kind": "computation"`, `Split and Count/Count Word: a computation with state "word totals"`},
		{`"name": "word totals"`, `"name": "other"`, `with state "word totals"`},
		{`"kind": "tcp"`, `"kind": "udp"`, `Split and Count/source: unknown kind "udp"`},
		{`"width": 4`, `"width": 9`, "Split and Count/source: "},
		{`"application": "Word Count Application"`, `"application": ""`, "no name"},
		{`"pipelines": [`, `"other": [`, "no pipeline"},
		{`{`, `[`, "read plan"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("the golden plan has no %s", c.old)
		}
		if _, err := Parse([]byte(strings.Replace(good, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %s: %v; want %q", c.new, err, c.want)
		}
	}
}

// TestSourcesDoNotShareAnAddress has sources at one address, at port 0, and of another connector.
func TestSourcesDoNotShareAnAddress(t *testing.T) {
	source := func(pipeline string, o Outside) Step {
		return Step{Pipeline: pipeline, Name: "source", Kind: Source, Outside: &o}
	}
	p := Plan{Application: "shared", Steps: []Step{
		source("a", Outside{Connector: TCP, Port: 7010}),
		source("b", Outside{Connector: TCP, Host: "127.0.0.1", Port: 7010}),
		source("c", Outside{Connector: TCP, Host: "127.0.0.1", Port: 7010}),
		source("d", Outside{Connector: TCP, Host: "::1", Port: 7010}),
		source("e", Outside{Connector: TCP}),
		source("f", Outside{Connector: TCP}),
		source("g", Outside{Connector: "memory", Port: 7010}),
	}}
	want := `pipelines "a" and "b" both listen at 127.0.0.1:7010: give each source an address of its own
pipelines "a" and "c" both listen at 127.0.0.1:7010: give each source an address of its own`
	if err := p.Validate(); err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}
