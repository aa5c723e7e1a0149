// Package graph shows an application as a graph: as JSON, whose form docs/status.md describes, as Graphviz's DOT, and as text.
package graph

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// Graph is an application's steps, and what flows between them.
type Graph struct {
	Application string  `json:"application"`
	Steps       []Step  `json:"steps"` // messages only go to later ones
	States      []State `json:"states"`
}

// Step is one of them.
type Step struct {
	Step     string   `json:"step"` // its identity, PIPELINE/NAME
	Pipeline string   `json:"pipeline"`
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`  // "source", "computation", "state computation" or "sink"
	After    []string `json:"after"` // the steps whose results it takes
	// State is the name of its state, and Key that of the function that finds the key; "" if there is none.
	State string `json:"state"`
	Key   string `json:"key"`
	// Parallel says that any executor takes its messages, and order does not bind.
	Parallel bool `json:"parallel"`
	// Connector and Address are those of a source or a sink; "" if there is none.
	Connector string `json:"connector"`
	Address   string `json:"address"`
}

// State is what steps keep.
type State struct {
	State string `json:"state"`
	Class string `json:"class"`
	// Keyed says that there is an entity for each key, and not one in all.
	Keyed bool     `json:"keyed"`
	Steps []string `json:"steps"` // those that share it
}

// Of is the graph of a plan.
func Of(p *plan.Plan) Graph {
	g := Graph{Application: p.Application, Steps: []Step{}, States: []State{}}
	for i := range p.Steps {
		s := &p.Steps[i]
		step := Step{
			Step: s.ID(), Pipeline: s.Pipeline, Name: s.Name, Kind: string(s.Kind), After: []string{},
			State: s.State, Key: s.Key, Parallel: s.Parallel,
		}
		for _, before := range s.After {
			step.After = append(step.After, p.Steps[before].ID())
		}
		if s.Outside != nil {
			step.Connector, step.Address = s.Outside.Connector, s.Outside.Place()
		}
		g.Steps = append(g.Steps, step)
	}
	for _, state := range p.States {
		of := State{State: state.Name, Class: state.Class, Keyed: state.Keyed, Steps: []string{}}
		for i := range p.Steps {
			if p.Steps[i].State == state.Name {
				of.Steps = append(of.Steps, p.Steps[i].ID())
			}
		}
		g.States = append(g.States, of)
	}
	return g
}

// Text shows the graph a line a step, those of a pipeline together, with the steps that it takes from where that is not the one before.
func (g *Graph) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", g.Application)
	for pipeline, steps := range g.pipelines() {
		fmt.Fprintf(&b, "\n%s\n", pipeline)
		last := ""
		for _, s := range steps {
			fmt.Fprintf(&b, "  %s%s", s.Name, s.about())
			if len(s.After) > 0 && (len(s.After) > 1 || s.After[0] != last) {
				fmt.Fprintf(&b, "  <- %s", strings.Join(s.After, ", "))
			}
			b.WriteByte('\n')
			last = s.Step
		}
	}
	for i, s := range g.States {
		if i == 0 {
			b.WriteString("\nstates\n")
		}
		fmt.Fprintf(&b, "  %s%s: %s\n", s.State, s.about(), strings.Join(s.Steps, ", "))
	}
	return b.String()
}

// pipelines are the steps of each pipeline.
func (g *Graph) pipelines() iter.Seq2[string, []Step] {
	return func(yield func(string, []Step) bool) {
		shown := map[string]bool{}
		for i := range g.Steps {
			name := g.Steps[i].Pipeline
			if shown[name] {
				continue
			}
			shown[name] = true
			others := slices.DeleteFunc(slices.Clone(g.Steps), func(s Step) bool { return s.Pipeline != name })
			if !yield(name, others) {
				return
			}
		}
	}
}

// about is what is said of a step behind its name.
func (s *Step) about() string {
	text := "  (" + s.Kind
	if s.Connector != "" {
		text += ", " + s.Connector
	}
	if s.Address != "" {
		text += " " + s.Address
	}
	if s.Parallel {
		text += ", parallel"
	}
	if s.Key != "" {
		text += ", key by " + s.Key
	}
	return text + ")"
}

// about is what is said of a state behind its name.
func (s *State) about() string {
	if s.Keyed {
		return "  (" + s.Class + " for each key)"
	}
	return "  (" + s.Class + ", one in all)"
}

// DOT shows the graph in Graphviz's language: a box for each step, a cylinder for each state, a frame for each pipeline. An edge into a
// step with a key says which function finds it; there a message may go to another executor.
func (g *Graph) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
		quoted(g.Application))
	for pipeline, steps := range g.pipelines() {
		fmt.Fprintf(&b, "  subgraph %s {\n    label=%s;\n", quoted("cluster "+pipeline), quoted(pipeline))
		for _, s := range steps {
			fmt.Fprintf(&b, "    %s [label=%s%s];\n", quoted(s.Step), quoted(s.label()), s.shape())
		}
		b.WriteString("  }\n")
	}
	for i := range g.Steps {
		s := &g.Steps[i]
		for _, before := range s.After {
			fmt.Fprintf(&b, "  %s -> %s%s;\n", quoted(before), quoted(s.Step), s.edge())
		}
	}
	for _, s := range g.States {
		node := quoted("state " + s.State)
		fmt.Fprintf(&b, "  %s [shape=cylinder, label=%s];\n", node, quoted(s.State+"\n"+s.Class))
		for _, step := range s.Steps {
			fmt.Fprintf(&b, "  %s -> %s [dir=none, style=dashed];\n", quoted(step), node)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// label is what stands in a step's box.
func (s *Step) label() string {
	text := s.Name
	if s.Address != "" {
		text += "\n" + s.Address
	}
	if s.Parallel {
		text += "\nparallel"
	}
	return text
}

func (s *Step) shape() string {
	if s.Kind == string(plan.Source) || s.Kind == string(plan.Sink) {
		return ", shape=cds"
	}
	return ""
}

// edge is what is said of the edges into a step.
func (s *Step) edge() string {
	if s.Key == "" {
		return ""
	}
	return " [label=" + quoted(s.Key) + "]"
}

// quoted is text as a name or a label of DOT; a line break stays one.
func quoted(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case !strconv.IsPrint(r):
			b.WriteRune('\uFFFD')
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}
