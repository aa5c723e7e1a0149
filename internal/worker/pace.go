package worker

import "time"

// largest is how many messages a call has at most.
const largest = 8192

// pace sizes calls by the rate at which the executor has processed those before, so that the calls ahead take at most maxInFlight.
type pace struct {
	perMessage []float64 // by stage: nanoseconds, an average that follows; 0 when nothing is known
	last       []int     // by stage: the most messages that a call had
}

func newPace(stages int) pace {
	return pace{perMessage: make([]float64, stages), last: make([]int, stages)}
}

// messages is how many messages the next call of a stage may have, at least one. It starts with one and grows by doubling, since a
// stage whose messages take long must not be found out by a long call.
func (p *pace) messages(stage int) int {
	if p.perMessage[stage] == 0 {
		return 1
	}
	n := int(float64(maxInFlight.Nanoseconds()) / CallsAhead / p.perMessage[stage])
	return max(1, min(n, 2*p.last[stage], largest))
}

// took says how long a call of so many messages kept the executor.
func (p *pace) took(stage, messages int, d time.Duration) {
	one := float64(d.Nanoseconds()) / float64(messages)
	p.last[stage] = max(p.last[stage], messages)
	weight := 1.0 / 8
	switch known := p.perMessage[stage]; {
	case known == 0:
		weight = 1
	case one > known: // slower than thought: believed sooner than faster
		weight = 1.0 / 2
	}
	p.perMessage[stage] += weight * (one - p.perMessage[stage])
}
