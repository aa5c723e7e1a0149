package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Flow is the way of a pipeline's messages in a line: the names of its steps, with the addresses of sources and sinks and the states of
// those that keep any, unless these are called as the step. Where a step does not take the results of the one before it alone, it says
// whose it takes.
func (p *Plan) Flow(pipeline string) string {
	var b strings.Builder
	last := -1
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Pipeline != pipeline {
			continue
		}
		switch {
		case last < 0:
		case slices.Equal(s.After, []int{last}):
			b.WriteString(" -> ")
		default:
			b.WriteString("; " + p.from(s) + " -> ")
		}
		b.WriteString(s.shown())
		last = i
	}
	return b.String()
}

// from names the steps whose results a step takes.
func (p *Plan) from(s *Step) string {
	var names []string
	for _, before := range s.After {
		if other := &p.Steps[before]; other.Pipeline == s.Pipeline {
			names = append(names, other.Name)
		} else {
			names = append(names, other.ID())
		}
	}
	return strings.Join(names, " and ")
}

func (s *Step) shown() string {
	switch {
	case s.Outside != nil && s.Outside.Connector == TCP:
		return s.Name + " " + s.Outside.Address().String()
	case s.State != "" && s.State != s.ID():
		return s.Name + " (" + s.State + ")"
	default:
		return s.Name
	}
}

// Listing tells an application, one line a step: PIPELINE/NAME KIND, and for a step with state its name.
func (p *Plan) Listing() string {
	var b strings.Builder
	for i := range p.Steps {
		s := &p.Steps[i]
		fmt.Fprintf(&b, "%s %s", s.ID(), s.Kind)
		if s.State != "" {
			fmt.Fprintf(&b, " state=%s", s.State)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
