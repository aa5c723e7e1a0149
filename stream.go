package wallaroo

import (
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// Stream is the messages that come of a step, all of type T. Every use of it gets all of them: a stream to which two steps are added goes
// to both.
//
// What a step gives may be handed to the next as it is, without a copy: a function must not change what it was given or has given,
// nor give parts of a state that can change.
type Stream[T any] struct {
	app      *App
	pipeline string
	from     []*outlet[T] // of the steps whose results it is
}

// outlet is where a step's results go.
type outlet[T any] struct {
	step int
	form form[T]
	next []func(*fusing) next[T] // makes the function of each step that takes them
}

// next takes a message on.
type next[T any] func(r *gohost.Run, message T)

// Option says something more of a step.
type Option interface{ apply(*options) }

type options struct {
	parallel bool
	state    string
	initial  any // func(K) S
	atomic   bool
	version  *versioning

	encodings []encoded
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// Parallel lets a step's messages be processed out of their order, by any executor: a step that takes long and has no state uses all cores
// even if all messages come by one connection. Order is kept per key from the next step with state on.
func Parallel() Option { return optionFunc(func(o *options) { o.parallel = true }) }

func gather(list []Option) (o options) {
	for _, option := range list {
		option.apply(&o)
	}
	return o
}

// Map adds a step that makes one message of each.
func (s Stream[T]) Map[U any](name string, f func(T) U, opts ...Option) Stream[U] {
	return s.compute(name, f, opts, func(at *post[T], out next[U]) next[T] {
		return func(r *gohost.Run, message T) {
			at.message = message
			r.Enter(&at.Post)
			out(r, f(message))
		}
	})
}

// TryMap adds a step that makes one message of each, or fails: an error is reported with the step, counted, and costs the message.
func (s Stream[T]) TryMap[U any](name string, f func(T) (U, error), opts ...Option) Stream[U] {
	return s.compute(name, f, opts, func(at *post[T], out next[U]) next[T] {
		return func(r *gohost.Run, message T) {
			at.message = message
			r.Enter(&at.Post)
			result, err := f(message)
			if err != nil {
				r.Fail(err)
				return
			}
			out(r, result)
		}
	})
}

// FlatMap adds a step that makes any number of messages of each; nil is none. The sequence is taken whole before any of it goes on: if it
// panics midway, nothing of it does.
func (s Stream[T]) FlatMap[U any](name string, f func(T) iter.Seq[U], opts ...Option) Stream[U] {
	return s.compute(name, f, opts, func(at *post[T], out next[U]) next[T] {
		many := several[U]{out: out}
		return func(r *gohost.Run, message T) {
			at.message = message
			r.Enter(&at.Post)
			many.take(r, f(message))
		}
	})
}

// Filter adds a step that lets those messages through for which keep is true. They are encoded as those of the stream that it filters,
// unless it has an Encoding of its own.
func (s Stream[T]) Filter(name string, keep func(T) bool, opts ...Option) Stream[T] {
	return s.compute(name, keep, s.encodedAlike(opts), func(at *post[T], out next[T]) next[T] {
		return func(r *gohost.Run, message T) {
			at.message = message
			r.Enter(&at.Post)
			if keep(message) {
				out(r, message)
			}
		}
	})
}

// Merge is the messages of several streams of one type. Those of each keep their order; between them there is none. What is added to it
// belongs to the pipeline of the first.
func (s Stream[T]) Merge(others ...Stream[T]) Stream[T] {
	merged := Stream[T]{app: s.app, pipeline: s.pipeline, from: slices.Clone(s.from)}
	for _, other := range others {
		if other.app != s.app {
			s.app.wrong(fmt.Errorf("pipeline %q: a stream of another application is merged into it", s.pipeline))
			continue
		}
		for _, out := range other.from {
			if !slices.Contains(merged.from, out) {
				merged.from = append(merged.from, out)
			}
		}
	}
	return merged
}

// compute adds a computation; fuse makes its function for an executor, where its messages pass at a post.
func (s Stream[T]) compute[U any](name string, f any, opts []Option, fuse func(at *post[T], out next[U]) next[T]) Stream[U] {
	o, number := gather(opts), len(s.app.steps)
	in, out := s.form(), &outlet[U]{step: number, form: o.form[U]()}
	take := func(f *fusing) next[T] {
		return f.once(number, func() any { return fuse(newPost(number, in), out.fuse(f)) }).(next[T])
	}
	s.app.add(step{
		Pipeline: s.pipeline, Name: name, Kind: plan.Computation, After: s.after(), Parallel: o.parallel, gives: out.form.check,
		entry: func(f *fusing) func(*gohost.Run, message.Letter) { return entering(number, in, take(f)) },
	})
	if isNil(f) {
		s.app.wrong(fmt.Errorf("%s: its function is nil", s.app.steps[number].ID()))
	}
	if o.state != "" || o.initial != nil || o.atomic {
		s.app.wrong(fmt.Errorf("%s: State, Initial and Atomic are for steps with state", s.app.steps[number].ID()))
	}
	if err := o.wrongEncodings(reflect.TypeFor[U]()); err != nil {
		s.app.wrong(fmt.Errorf("%s: %w", s.app.steps[number].ID(), err))
	}
	s.feed(take)
	return Stream[U]{app: s.app, pipeline: s.pipeline, from: []*outlet[U]{out}}
}

// after are the steps whose results the stream is.
func (s Stream[T]) after() []int {
	var steps []int
	for _, out := range s.from {
		steps = append(steps, out.step)
	}
	slices.Sort(steps)
	return steps
}

// givers names the steps whose results the stream is.
func (s Stream[T]) givers() string {
	var names []string
	for _, step := range s.after() {
		names = append(names, s.app.steps[step].ID())
	}
	return strings.Join(names, " or ")
}

// feed has a step take the stream's messages.
func (s Stream[T]) feed(fuse func(*fusing) next[T]) {
	for _, out := range s.from {
		out.next = append(out.next, fuse)
	}
}

// isNil reports whether a function is.
func isNil(f any) bool { return f == nil || reflect.ValueOf(f).IsNil() }

// literal is in the names that the compiler makes up for function literals: main.application.func3, main.application.func3.1.
var literal = regexp.MustCompile(`^[^.]+\..*\.func[0-9]+(\.[0-9]+)*$`)

// nameOf is the name of a function, as it stands in lists: without its package's path. A literal has none, and is called what it is.
func nameOf(f any) string {
	if isNil(f) {
		return ""
	}
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	name = name[strings.LastIndexByte(name, '/')+1:]
	if literal.MatchString(name) {
		return "a function literal"
	}
	return name
}
