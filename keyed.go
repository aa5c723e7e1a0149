package wallaroo

import (
	"fmt"
	"iter"
	"reflect"

	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/message"
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

// Version says of which version the type of a step's entities is, from 1 to 65535, and how one is made of the bytes of another version; 0
// is that of entities whose application did not say. upgrade is called where state is taken in that was saved by another version of the
// program; without it, such state is an error at start. Where steps share a state, the first says it for all.
//
// State of the same version whose type has lost a field since, or has it under another name, is refused at start; one that is new is zero.
func Version[S any](version int, upgrade func(data []byte, written int) (S, error)) Option {
	v := &versioning{version: version}
	if upgrade != nil {
		v.upgrade = upgrade
	}
	return optionFunc(func(o *options) { o.version = v })
}

// versioning is what Version says.
type versioning struct {
	version int
	upgrade any // func([]byte, int) (S, error); nil if there is none
}

// mostVersion is the largest number of a version.
const mostVersion = 1<<16 - 1

// check is why the versioning cannot be that of entities of a type.
func (v *versioning) check[S any]() error {
	if v.version < 1 || v.version > mostVersion {
		return fmt.Errorf("Version is %d: it goes from 1 to %d", v.version, mostVersion)
	}
	if _, fits := v.upgrade.(func([]byte, int) (S, error)); v.upgrade != nil && !fits {
		var want func([]byte, int) (S, error)
		return fmt.Errorf("Version has a %T; the entities of the state ask for a %T", v.upgrade, want)
	}
	return nil
}

// Atomic has a step put its entity back as it was before a message that it fails at. Without it, what the step had changed by then stays.
// It costs a copy of the entity for each message: of one that holds numbers and text alone hardly anything, of any other its encoding.
func Atomic() Option { return optionFunc(func(o *options) { o.atomic = true }) }

// StatefulMap adds a step that makes one message of each by the entity of its key, which it may change. A method of the state's type does:
// (*Count).Add.
func (k Keyed[K, T]) StatefulMap[S, U any](name string, f func(state *S, message T) U, opts ...Option) Stream[U] {
	return k.meet(name, f, opts, func(kept *keeper[S], out next[U]) func(*gohost.Run, *S, T) {
		if kept == nil {
			return func(r *gohost.Run, state *S, message T) { out(r, f(state, message)) }
		}
		return func(r *gohost.Run, state *S, message T) {
			var result U
			if kept.call(r, state, func() bool { result = f(state, message); return true }) {
				out(r, result)
			}
		}
	})
}

// StatefulFlatMap adds a step that makes any number of messages of each by the entity of its key, which it may change; nil is none. The
// sequence is taken whole before any of it goes on.
func (k Keyed[K, T]) StatefulFlatMap[S, U any](name string, f func(state *S, message T) iter.Seq[U], opts ...Option) Stream[U] {
	return k.meet(name, f, opts, func(kept *keeper[S], out next[U]) func(*gohost.Run, *S, T) {
		many := several[U]{out: out}
		if kept == nil {
			return func(r *gohost.Run, state *S, message T) { many.take(r, f(state, message)) }
		}
		return func(r *gohost.Run, state *S, message T) {
			if kept.call(r, state, func() bool { return many.keep(r, f(state, message)) }) {
				many.give(r)
			}
		}
	})
}

// meet adds a step with state; fuse makes what is done with an entity and a message.
func (k Keyed[K, T]) meet[S, U any](
	name string, f any, opts []Option, fuse func(kept *keeper[S], out next[U]) func(*gohost.Run, *S, T),
) Stream[U] {
	s, o := k.stream, gather(opts)
	number := len(s.app.steps)
	in, out := s.form(), &outlet[U]{step: number, form: o.form[U]()}
	added := step{
		Pipeline: s.pipeline, Name: name, Kind: plan.StateComputation, After: s.after(), State: o.state, Key: nameOf(k.key),
		gives: out.form.check,
	}
	if added.State == "" {
		added.State = added.ID()
	}
	take := func(f *fusing) *meeting[K, S, T] {
		return f.once(number, func() any {
			var kept *keeper[S]
			if o.atomic {
				kept = newKeeper(f.app.states[added.State].form.(form[S]))
			}
			table := f.state(added.State).(*entities[K, S])
			return newMeeting(f, number, in, table, k.key, fuse(kept, out.fuse(f)))
		}).(*meeting[K, S, T])
	}
	added.code = func(f *fusing) stageCode { return take(f) }
	added.entry = func(f *fusing) func(*gohost.Run, message.Letter) { return entering(number, in, take(f).route) }
	s.app.add(added)
	k.check(added, f, o)
	if err := o.wrongEncodings(reflect.TypeFor[S](), reflect.TypeFor[U]()); err != nil {
		s.app.wrong(fmt.Errorf("%s: %w", added.ID(), err))
	}
	declare[K, S](s.app, added, o)
	s.feed(func(f *fusing) next[T] { return take(f).route })
	return Stream[U]{app: s.app, pipeline: s.pipeline, from: []*outlet[U]{out}}
}

// check reports what is wrong with the step itself.
func (k Keyed[K, T]) check(added step, f any, o options) {
	app := k.stream.app
	if k.key == nil {
		app.wrong(fmt.Errorf("%s: the function of KeyBy is nil", added.ID()))
	}
	if isNil(f) {
		app.wrong(fmt.Errorf("%s: its function is nil", added.ID()))
	}
	if err := partition.CheckKey(reflect.TypeFor[K]()); err != nil {
		app.wrong(fmt.Errorf("%s key: %w", added.ID(), err))
	}
	if err := k.stream.form().check(); err != nil {
		app.wrong(fmt.Errorf("%s: its messages must have bytes, to go to another machine and to be kept as dead letters: give %s an Encoding, "+
			"or the type AppendBinary and UnmarshalBinary: %w", added.ID(), k.stream.givers(), err))
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
		if o.encodes(reflect.TypeFor[S]()) {
			a.wrong(fmt.Errorf("%s: the Encoding of state %q is said at the first step that has it, %s", added.ID(), added.State, known.step))
		}
		if o.version != nil {
			a.wrong(fmt.Errorf("%s: the Version of state %q is said at the first step that has it, %s", added.ID(), added.State, known.step))
		}
		if o.initial != nil {
			a.wrong(fmt.Errorf("%s: Initial for state %q is said at the first step that has it, %s", added.ID(), added.State, known.step))
		}
		return
	}
	if err := o.form[S]().check(); err != nil {
		a.wrong(fmt.Errorf("%s: state %q cannot move or be saved: %w", added.ID(), added.State, err))
	}
	initial, fits := o.initial.(func(K) S)
	switch {
	case o.initial == nil:
	case !fits:
		a.wrong(fmt.Errorf("%s: Initial has a %T; the keys and entities of the state ask for a %T", added.ID(), o.initial, initial))
	case initial == nil:
		a.wrong(fmt.Errorf("%s: the function of Initial is nil", added.ID()))
	}
	if o.version != nil {
		if err := o.version.check[S](); err != nil {
			a.wrong(fmt.Errorf("%s: %w", added.ID(), err))
			o.version = nil
		}
	}
	about := &stateInfo{Name: added.State, Class: typeName[S](), Keyed: true, step: added.ID(), types: types, form: o.form[S]()}
	about.Shape = o.form[S]().shape()
	if o.version != nil {
		about.Version, about.upgrade = o.version.version, o.version.upgrade
	}
	about.table = func(f *fusing) stateTable { return newEntities(f, about, initial) }
	a.states[added.State] = about
}
