package main

import (
	"fmt"
	"strings"
)

// A pair holds a reading of each side, taken one after the other. A row with one side has pairs too, without the other reading.
type pair struct {
	subject, against reading
	others           float64 // the share of the processors that other programs took, in the worse of the two
}

// value returns what the goal of a quantity is for: the ratio of the two sides, or the subject's own value if the other has none.
func (p pair) value(q quantity) float64 {
	if !p.compares(q) {
		return p.subject[q]
	}
	return p.subject[q] / p.against[q]
}

// compares says whether the other side has a quantity too.
func (p pair) compares(q quantity) bool {
	_, has := p.against[q]
	return has
}

// text writes the figures of a pair in a line.
func (p pair) text(figures []figure) string {
	var parts []string
	for _, f := range figures {
		part := fmt.Sprintf("%s %s", f.quantity, f.quantity.format(p.subject[f.quantity]))
		if p.compares(f.quantity) {
			part += fmt.Sprintf(" against %s (%s)", f.quantity.format(p.against[f.quantity]), ratio(p.value(f.quantity)))
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// ratio writes a ratio.
func ratio(value float64) string {
	return fmt.Sprintf("%.2f", value)
}
