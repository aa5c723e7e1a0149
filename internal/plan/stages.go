package plan

// Stage is a maximal run of a pipeline's steps with no exchange between them. A stage is known by its place in Plan.Stages.
type Stage struct {
	Pipeline int
	// First and End delimit the stage's steps: Steps[First:End] of its pipeline. The decoder goes with the first stage, the encoder with the
	// last.
	First, End int
	Input      Input
}

// Input says which executor a message goes to that comes to a stage.
type Input int

const (
	// Pinned is the first stage of a pipeline: the messages of a connection go to one executor.
	Pinned Input = iota
	// Spread is a stage that order does not bind: its messages go to the executor with most credit.
	Spread
	// Keyed is a stage with state: a message goes to the executor that owns its key.
	Keyed
)

// Stages cuts the pipelines into stages, in the order of the pipelines and their steps, so that a message only goes to later ones.
func (p *Plan) Stages() []Stage {
	var stages []Stage
	for i := range p.Pipelines {
		stages = append(stages, p.Pipelines[i].stages(i)...)
	}
	return stages
}

func (l *Pipeline) stages(pipeline int) []Stage {
	stages := []Stage{{Pipeline: pipeline, Input: Pinned}}
	for n := 0; n < len(l.Steps); {
		end := l.runEnd(n)
		switch {
		case l.Steps[n].Kind == StateComputation:
			stages = appendStage(stages, Stage{Pipeline: pipeline, First: n, Input: Keyed})
		case l.parallel(n, end) && n == 0:
			stages[0].Input = Spread // the decoder goes with the steps directly behind it
		case l.parallel(n, end):
			stages = appendStage(stages, Stage{Pipeline: pipeline, First: n, Input: Spread})
		}
		n = end
		stages[len(stages)-1].End = end
	}
	return stages
}

func appendStage(stages []Stage, s Stage) []Stage {
	s.End = s.First
	return append(stages, s)
}

// runEnd is the end of the run that begins at a step: a state computation alone, or the steps without state up to the next one.
func (l *Pipeline) runEnd(n int) int {
	end := n + 1
	if l.Steps[n].Kind == StateComputation {
		return end
	}
	for end < len(l.Steps) && l.Steps[end].Kind != StateComputation {
		end++
	}
	return end
}

// parallel reports whether one of the steps is, which makes all of their run so.
func (l *Pipeline) parallel(first, end int) bool {
	for _, step := range l.Steps[first:end] {
		if step.Parallel {
			return true
		}
	}
	return false
}

// Islands joins the stages that an edge or a state's name joins; it returns the island of each stage, named by the least stage in it.
func (p *Plan) Islands(stages []Stage) []int {
	island := make([]int, len(stages))
	ofState := map[string]int{}
	for n, s := range stages {
		island[n] = n
		if n > 0 && stages[n-1].Pipeline == s.Pipeline {
			island[n] = island[n-1]
		}
		if s.Input == Keyed {
			state := p.Pipelines[s.Pipeline].Steps[s.First].State
			if other, known := ofState[state]; known {
				join(island[:n+1], other, n)
			}
			ofState[state] = n
		}
	}
	return island
}

// join makes one island of those of two stages.
func join(island []int, a, b int) {
	from, to := max(island[a], island[b]), min(island[a], island[b])
	for n := range island {
		if island[n] == from {
			island[n] = to
		}
	}
}
