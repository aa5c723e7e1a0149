package plan

import "slices"

// Stage is where messages enter an executor, a source or a step with state, and all that they may meet behind it without an exchange. A
// stage is known by its place in Plan.Stages. A step that can be reached from several entries is in the stages of all of them.
type Stage struct {
	Entry int // the step where messages enter
	Input Input
	// Before are the stages that hand messages on to this one; none for that of a source, which the source feeds.
	Before []int
	// Steps are those of the stage, the entry first: Entry, and what has no state.
	Steps []int
	// Sinks are the numbers of the sinks that it writes to.
	Sinks  []int
	Island int
}

// Input says which executor a message goes to that comes to a stage.
type Input int

const (
	// Pinned is a source's stage: the messages of a connection go to one executor.
	Pinned Input = iota
	// Spread is a source's stage that order does not bind, since a step in it is parallel: its messages go to the executor with most credit.
	Spread
	// Keyed is a stage with state: a message goes to the executor that owns its key.
	Keyed
)

// inputs are those of the kinds of steps that are entries.
var inputs = map[Kind]Input{Source: Pinned, StateComputation: Keyed}

// Stages cuts the steps into stages, in the order of their entries, so that a message only goes to later ones.
func (p *Plan) Stages() []Stage {
	var stages []Stage
	numbers := map[int]int{} // of the stages, by entry
	for i := range p.Steps {
		if kind := p.Steps[i].Kind; kind == Source || kind == StateComputation {
			numbers[i] = len(stages)
			stages = append(stages, Stage{Entry: i, Input: inputs[kind]})
		}
	}
	for n := range stages {
		for _, next := range p.fill(&stages[n]) {
			later := &stages[numbers[next]]
			later.Before = append(later.Before, n)
		}
	}
	p.setIslands(stages)
	return stages
}

// EntersAt is the stage whose call it is if a message enters at a step: one that holds the step or, if the step is itself the entry of a
// stage with state, one that hands on to it, since the message's key is still to be found.
func EntersAt(stages []Stage, step int) int {
	for n := range stages {
		if s := &stages[n]; s.Entry == step && s.Input == Keyed {
			return s.Before[0]
		}
	}
	return slices.IndexFunc(stages, func(s Stage) bool { return slices.Contains(s.Steps, step) })
}

// fill finds what a stage holds behind its entry; it returns the entries of the stages that it hands on to.
func (p *Plan) fill(s *Stage) (entries []int) {
	s.Steps = []int{s.Entry}
	for later := s.Entry + 1; later < len(p.Steps); later++ {
		if !slices.ContainsFunc(p.Steps[later].After, func(before int) bool { return slices.Contains(s.Steps, before) }) {
			continue
		}
		if p.Steps[later].Kind == StateComputation {
			entries = append(entries, later)
			continue
		}
		s.Steps = append(s.Steps, later)
		if p.Steps[later].Kind == Sink {
			s.Sinks = append(s.Sinks, slices.Index(p.Of(Sink), later))
		}
		if p.Steps[later].Parallel && s.Input == Pinned {
			s.Input = Spread // the decoder goes with the steps behind it
		}
	}
	return entries
}

// setIslands joins the stages that an edge, a state's name or a sink joins; an island is named by the least stage in it.
func (p *Plan) setIslands(stages []Stage) {
	ofState, ofSink := map[string]int{}, map[int]int{}
	for n := range stages {
		stages[n].Island = n
		for _, before := range stages[n].Before {
			join(stages[:n+1], before, n)
		}
		if state := p.Steps[stages[n].Entry].State; state != "" {
			if other, known := ofState[state]; known {
				join(stages[:n+1], other, n)
			}
			ofState[state] = n
		}
		for _, sink := range stages[n].Sinks {
			if other, known := ofSink[sink]; known {
				join(stages[:n+1], other, n)
			}
			ofSink[sink] = n
		}
	}
}

// join makes one island of those of two stages.
func join(stages []Stage, a, b int) {
	from, to := max(stages[a].Island, stages[b].Island), min(stages[a].Island, stages[b].Island)
	for n := range stages {
		if stages[n].Island == from {
			stages[n].Island = to
		}
	}
}
