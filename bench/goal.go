package main

import "fmt"

// A goal is a bound for a figure: for its ratio, if two sides are compared, and for its value otherwise.
type goal struct {
	relation string // "≥", "≤", "<", or "" if there is no goal
	limit    float64
}

var none goal

func atLeast(limit float64) goal { return goal{"≥", limit} }
func atMost(limit float64) goal  { return goal{"≤", limit} }
func below(limit float64) goal   { return goal{"<", limit} }

// verdict says whether a number reaches the goal.
func (g goal) verdict(number float64) string {
	met := map[string]bool{"≥": number >= g.limit, "≤": number <= g.limit, "<": number < g.limit}[g.relation]
	switch {
	case g == none:
		return ""
	case met:
		return "reached"
	}
	return "**missed**"
}

// text writes the goal, its limit as format does.
func (g goal) text(format func(float64) string) string {
	if g == none {
		return ""
	}
	return fmt.Sprintf("%s %s", g.relation, format(g.limit))
}
