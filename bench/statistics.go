package main

import "slices"

// A spread is the median of some numbers and how far they lie apart.
type spread struct {
	median, least, most float64
}

// spreadOf returns the spread of at least one number.
func spreadOf(numbers []float64) spread {
	sorted := slices.Sorted(slices.Values(numbers))
	middle := len(sorted) / 2
	s := spread{median: sorted[middle], least: sorted[0], most: sorted[len(sorted)-1]}
	if len(sorted)%2 == 0 {
		s.median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return s
}
