package worker

import "time"

// largest is how many messages a call has at most.
const largest = 8192

// outputAtOnce is how many bytes the output of a call should have at most, as far as the calls before it tell.
const outputAtOnce = 8 << 20

// pace sizes calls by what those before took, so that the calls ahead take no longer than a given time, and give no more than fits.
type pace struct {
	inFlight   time.Duration // that the messages of the calls ahead may take
	most       int           // messages in a call
	perMessage []average     // by stage: nanoseconds
	output     []average     // by stage: bytes of output for each message
	last       []int         // by stage: the most messages that a call had
}

func newPace(stages int, inFlight time.Duration, most int) pace {
	return pace{
		inFlight: inFlight, most: most,
		perMessage: make([]average, stages), output: make([]average, stages), last: make([]int, stages),
	}
}

// messages is how many messages the next call of a stage may have, at least one. It starts with one and grows by doubling, since a
// stage whose messages take long must not be found out by a long call.
func (p *pace) messages(stage int) int {
	if p.perMessage[stage] == 0 {
		return 1
	}
	n := p.within(stage) / CallsAhead
	if p.output[stage] > 0 {
		n = min(n, int(outputAtOnce/p.output[stage]))
	}
	return max(1, min(n, 2*p.last[stage], p.most))
}

// within is how many messages of a stage the executor takes through in the time that may be in flight.
func (p *pace) within(stage int) int {
	return int(float64(p.inFlight.Nanoseconds()) / max(1, float64(p.perMessage[stage])))
}

// took says how long a call of so many messages kept the executor, and what it gave.
func (p *pace) took(stage, messages, output int, d time.Duration) {
	p.last[stage] = max(p.last[stage], messages)
	p.perMessage[stage].follow(float64(d.Nanoseconds()) / float64(messages))
	p.output[stage].follow(float64(output) / float64(messages))
}

// average follows what it is told; 0 when nothing is known.
type average float64

// follow takes in a value. More than thought is believed sooner than less.
func (a *average) follow(value float64) {
	known, weight := float64(*a), 1.0/8
	switch {
	case known == 0:
		weight = 1
	case value > known:
		weight = 1.0 / 2
	}
	*a = average(known + weight*(value-known))
}
