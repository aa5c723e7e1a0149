package wallaroo

import (
	"fmt"
	"iter"
	"reflect"

	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// Keyed is a stream whose messages have keys: what is added to it has a state of its own for each key. Messages with equal keys meet it one
// at a time and in their order, wherever they come from.
type Keyed[K comparable, T any] struct {
	stream Stream[T]
	key    func(T) K
}

// KeyBy gives each message a key: text, an integer, a bool, an array of bytes, or a struct of these.
func (s Stream[T]) KeyBy[K comparable](key func(T) K) Keyed[K, T] {
	return Keyed[K, T]{stream: s, key: key}
}

// State names the state of a step. Steps that name one share it: they meet the same entity for a key, also from different pipelines. The
// types of their keys and entities must be the same. A step that does not say it has a state of its own name.
func State(name string) Option { return optionFunc(func(o *options) { o.state = name }) }

// Initial makes the entity of a key that comes for the first time; without it that is the zero value. Where steps share a state, the first
// says it for all.
func Initial[K comparable, S any](initial func(key K) S) Option {
	return optionFunc(func(o *options) { o.initial = initial })
}

// StatefulMap adds a step that makes one message of each by the entity of its key, which it may change. A method of the state's type does:
// (*Count).Add.
func (k Keyed[K, T]) StatefulMap[S, U any](name string, f func(state *S, message T) U, opts ...Option) Stream[U] {
	return k.meet(name, f, opts, func(out next[U]) func(*gohost.Run, *S, T) {
		return func(r *gohost.Run, state *S, message T) { out(r, f(state, message)) }
	})
}

// StatefulFlatMap adds a step that makes any number of messages of each by the entity of its key, which it may change. The sequence is
// taken whole before any of it goes on.
func (k Keyed[K, T]) StatefulFlatMap[S, U any](name string, f func(state *S, message T) iter.Seq[U], opts ...Option) Stream[U] {
	return k.meet(name, f, opts, func(out next[U]) func(*gohost.Run, *S, T) {
		many := several[U]{out: out}
		return func(r *gohost.Run, state *S, message T) { many.take(r, f(state, message)) }
	})
}

// meet adds a step with state; fuse makes what is done with an entity and a message.
func (k Keyed[K, T]) meet[S, U any](name string, f any, opts []Option, fuse func(next[U]) func(*gohost.Run, *S, T)) Stream[U] {
	s, o := k.stream, gather(opts)
	added := step{
		Pipeline: s.pipeline, Name: name, Kind: plan.StateComputation, After: s.after(), State: o.state, Key: nameOf(k.key), gives: gives[U],
	}
	if added.State == "" {
		added.State = added.ID()
	}
	number, out := len(s.app.steps), &outlet[U]{}
	out.step = number
	added.code = func(f *fusing) stageCode {
		return f.once(number, func() any {
			table := f.state(added.State).(*entities[K, S])
			return newMeeting(f, number, table, k.key, fuse(out.fuse(f)))
		}).(stageCode)
	}
	s.app.add(added)
	k.check(added, f, o)
	declare[K, S](s.app, added, o)
	s.feed(func(f *fusing) next[T] { return added.code(f).(*meeting[K, S, T]).route })
	return Stream[U]{app: s.app, pipeline: s.pipeline, from: []*outlet[U]{out}}
}

// check reports what is wrong with the step itself.
func (k Keyed[K, T]) check(added step, f any, o options) {
	app := k.stream.app
	if isNil(f) {
		app.wrong(fmt.Errorf("%s: it has no function", added.ID()))
	}
	if isNil(k.key) {
		app.wrong(fmt.Errorf("%s key: KeyBy has no function", added.ID()))
	}
	if err := partition.CheckKey(reflect.TypeFor[K]()); err != nil {
		app.wrong(fmt.Errorf("%s key: %w", added.ID(), err))
	}
	if _, err := codec.For[T](); err != nil {
		app.wrong(fmt.Errorf("%s: its messages may go to another executor, and cannot: %w", added.ID(), err))
	}
	if o.parallel {
		app.wrong(fmt.Errorf("%s: Parallel is for steps without state: the key says where this one runs", added.ID()))
	}
}

// declare takes note of a state, or finds out whether it is the one that another step named.
func declare[K comparable, S any](a *App, added step, o options) {
	types := fmt.Sprintf("keys of type %s and entities of type %s", typeName[K](), typeName[S]())
	known := a.states[added.State]
	if known != nil {
		if known.types != types {
			a.wrong(fmt.Errorf("%s: state %q has %s, and at %s %s", added.ID(), added.State, types, known.step, known.types))
		}
		if o.initial != nil {
			a.wrong(fmt.Errorf("%s: Initial for state %q is said at the first step that has it, %s", added.ID(), added.State, known.step))
		}
		return
	}
	if _, err := codec.For[S](); err != nil {
		a.wrong(fmt.Errorf("%s: state %q cannot move or be saved: %w", added.ID(), added.State, err))
	}
	initial, fits := o.initial.(func(K) S)
	if o.initial != nil && !fits {
		a.wrong(fmt.Errorf("%s: Initial is a %T; this state takes a %T", added.ID(), o.initial, initial))
	}
	a.states[added.State] = &stateInfo{
		Name: added.State, Class: typeName[S](), Keyed: true, step: added.ID(), types: types,
		table: func(f *fusing) stateTable { return newEntities(f.executor.Partitions(), initial) },
	}
}
