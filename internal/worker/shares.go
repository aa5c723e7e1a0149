package worker

import "time"

// shareWeight is how much one call that was looked at tells of those to come.
const shareWeight = 1.0 / 4

// shares is how the time of a stage's calls divides among steps, as far as executors have looked: by step, 1 in all once any is known.
type shares []float64

// see takes in what was seen in one call.
func (s *shares) see(entered []Entered) {
	seen := 0
	for _, e := range entered {
		seen += e.Seen
	}
	if seen == 0 {
		return
	}
	weight := shareWeight
	if *s == nil {
		weight = 1
	}
	for step := range *s {
		(*s)[step] *= 1 - weight
	}
	for _, e := range entered {
		*s = grown(*s, e.Step)
		(*s)[e.Step] += weight * float64(e.Seen) / float64(seen)
	}
}

// worked counts the time of a call at the steps that it was in: by what was seen of the stage's calls or, until any was, by how many
// messages came to each.
func (c *counts) worked(d time.Duration, known shares, entered []Entered) {
	for step, share := range known {
		c.work(step, d, share)
	}
	if known != nil {
		return
	}
	messages := 0
	for _, e := range entered {
		messages += e.Messages
	}
	for _, e := range entered {
		c.work(e.Step, d, float64(e.Messages)/float64(max(1, messages)))
	}
}

func (c *counts) work(step int, d time.Duration, share float64) {
	c.busy = grown(c.busy, step)
	c.busy[step] += time.Duration(float64(d) * share)
}

// grown is a list that has a place of that number.
func grown[T any](list []T, place int) []T {
	for place >= len(list) {
		var zero T
		list = append(list, zero)
	}
	return list
}
