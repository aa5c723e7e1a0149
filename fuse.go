package wallaroo

import (
	"fmt"
	"iter"
	"unsafe"

	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// fusing is the making of one executor's functions.
type fusing struct {
	executor *gohost.Executor
	stages   map[int]int // by step: the stage whose entry it is
	sinks    map[int]int // by step: the number of the sink
	made     map[int]any // by step: what takes its messages
	states   map[string]stateTable
	app      *App
	// ownership watches what steps hand on; nil unless it is asked for.
	ownership *ownership
}

// stageCode and stateTable are what gohost asks for; the types of messages, keys and entities are inside.
type (
	stageCode  = gohost.Code
	stateTable = gohost.State
)

// fuse makes an executor's functions.
func (a *App) fuse(p *plan.Plan, stages []plan.Stage, x *gohost.Executor) gohost.Program {
	f := &fusing{
		executor: x, stages: map[int]int{}, sinks: map[int]int{}, made: map[int]any{}, states: map[string]stateTable{}, app: a,
	}
	for n, s := range stages {
		f.stages[s.Entry] = n
	}
	for n, step := range p.Of(plan.Sink) {
		f.sinks[step] = n
	}
	program := gohost.Program{States: f.states}
	if x.ChecksOwnership() {
		f.ownership = &ownership{}
		program.Verify = f.ownership.verify
	}
	for _, s := range stages {
		program.Codes = append(program.Codes, a.steps[s.Entry].code(f))
	}
	for i := range a.steps {
		program.Entries = append(program.Entries, a.steps[i].entry(f))
	}
	return program
}

// once makes what a step has on this executor, if it is not made yet.
func (f *fusing) once(step int, fuse func() any) any {
	if f.made[step] == nil {
		f.made[step] = fuse()
	}
	return f.made[step]
}

// state is the table of a state.
func (f *fusing) state(name string) stateTable {
	if f.states[name] == nil {
		f.states[name] = f.app.states[name].table(f)
	}
	return f.states[name]
}

// fuse makes the function that hands a step's results on.
func (o *outlet[T]) fuse(f *fusing) next[T] {
	out := o.branches(f)
	if f.ownership != nil {
		return watched(f.ownership, o.step, o.form, out)
	}
	return out
}

// branches makes the function that hands results to all who take them.
func (o *outlet[T]) branches(f *fusing) next[T] {
	var all []next[T]
	for _, fuse := range o.next {
		all = append(all, fuse(f))
	}
	switch len(all) {
	case 0:
		return func(*gohost.Run, T) {}
	case 1:
		return all[0]
	}
	first, rest := all[:len(all)-1], all[len(all)-1]
	return func(r *gohost.Run, message T) {
		for _, branch := range first {
			guarded(r, branch, message)
		}
		rest(r, message)
	}
}

// guarded takes a message along one branch; a panic there costs the others nothing.
func guarded[T any](r *gohost.Run, branch next[T], message T) {
	defer func() {
		if panicked := recover(); panicked != nil {
			r.Recovered(panicked)
		}
	}()
	branch(r, message)
}

// each takes messages on, one after another. A panic costs the one at hand. A function that is deferred costs more than most steps, so
// there is one for as many messages as go well.
func each[T any](r *gohost.Run, messages []T, take func(*gohost.Run, int, *T)) {
	for at := 0; at < len(messages); {
		at = some(r, messages, at, take)
	}
}

// some takes messages on from a place, and returns the place behind the last one taken.
func some[T any](r *gohost.Run, messages []T, at int, take func(*gohost.Run, int, *T)) (behind int) {
	defer func() {
		if panicked := recover(); panicked != nil {
			r.Recovered(panicked)
		}
	}()
	for behind = at; behind < len(messages); {
		behind++
		take(r, behind-1, &messages[behind-1])
	}
	return behind
}

// several takes what one message becomes: whole, and then on.
type several[U any] struct {
	out  next[U]
	kept []U
}

func (s *several[U]) take(r *gohost.Run, results iter.Seq[U]) {
	if s.keep(r, results) {
		s.give(r)
	}
}

// keep takes all of it; false if it is too much, which is told.
func (s *several[U]) keep(r *gohost.Run, results iter.Seq[U]) bool {
	s.kept = s.kept[:0]
	if results == nil {
		return true
	}
	for result := range results {
		if len(s.kept) == r.MostResults() {
			r.Fail(fmt.Errorf("more than %d results for one message: --max-call-output allows no more", len(s.kept)))
			return false
		}
		s.kept = append(s.kept, result)
	}
	return true
}

// give hands on what was kept.
func (s *several[U]) give(r *gohost.Run) {
	each(r, s.kept, func(r *gohost.Run, _ int, result *U) { s.out(r, *result) })
	clear(s.kept)
}

// sizeOf is how many bytes a value takes, without what it points to.
func sizeOf[T any]() int {
	var zero T
	return int(unsafe.Sizeof(zero))
}
