package main

import (
	"fmt"
	"strings"
)

// table writes results as a table in Markdown, between empty lines, with a line for each figure.
func table(results []result) string {
	var text strings.Builder
	text.WriteString("\n| what | against | Wallaroo | the other | ratio | goal | |\n|---|---|---|---|---|---|---|\n")
	for _, r := range results {
		for _, f := range r.figures {
			fmt.Fprintf(&text, "| %s |\n", strings.Join(r.cells(f), " | "))
		}
	}
	text.WriteString("\n")
	return text.String()
}

// cells writes the line of a figure: the medians, and the spread of what the goal is for.
func (r result) cells(f figure) []string {
	q := f.quantity
	values := r.spread(func(p pair) float64 { return p.value(q) })
	subject := r.spread(func(p pair) float64 { return p.subject[q] })
	what := fmt.Sprintf("%s: %s", r.title, q)
	if !r.pairs[0].compares(q) {
		return []string{what, "", values.text(q.format), "", "", f.goal.text(q.format), f.goal.verdict(values.median)}
	}
	against := r.spread(func(p pair) float64 { return p.against[q] })
	return []string{
		what, r.against.name, q.format(subject.median), q.format(against.median), values.text(ratio), f.goal.text(ratio),
		f.goal.verdict(values.median),
	}
}

// spread returns the spread of a number over the pairs.
func (r result) spread(of func(pair) float64) spread {
	numbers := make([]float64, len(r.pairs))
	for i, p := range r.pairs {
		numbers[i] = of(p)
	}
	return spreadOf(numbers)
}

// text writes a spread: the median and, in parentheses, the least and the most.
func (s spread) text(format func(float64) string) string {
	return fmt.Sprintf("%s (%s–%s)", format(s.median), format(s.least), format(s.most))
}
