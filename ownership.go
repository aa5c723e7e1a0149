package wallaroo

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/wallaroo-stream/wallaroo/internal/gohost"
)

// errChanged is what a step has done wrong whose results change behind its back.
var errChanged = errors.New("a result was changed after it was handed on: it shares parts with state, or with what the function keeps")

// ownership checks, where it is asked for, that what steps give is theirs no more: each result goes on as a copy made of its bytes, and
// must have the same bytes still when calls are done.
type ownership struct {
	given []given
}

// given is a result that was handed on.
type given struct {
	step int
	was  []byte
	now  func() ([]byte, error)
}

// watched makes of a function that takes a step's results on one that checks them first.
func watched[T any](o *ownership, step int, as form[T], out next[T]) next[T] {
	c := as.codec
	if as.why != nil {
		return out // --check-ownership refuses such an application (App.unchecked); a rehearsal checks what it can
	}
	return func(r *gohost.Run, message T) {
		was, err := c.Append(nil, message)
		if err != nil {
			r.FailAt(step, fmt.Errorf("its result has no bytes: %w", err))
			return
		}
		other, err := c.Decode(was)
		if err != nil {
			r.FailAt(step, fmt.Errorf("its result cannot be read from its bytes: %w", err))
			return
		}
		again, err := c.Append(nil, other)
		if err != nil || !bytes.Equal(was, again) {
			r.FailAt(step, errors.New("its result comes back from its bytes as another one"))
			return
		}
		o.given = append(o.given, given{step, was, func() ([]byte, error) { return c.Append(nil, message) }})
		out(r, other)
	}
}

// watchedResults is how many of the last results are looked at again.
const watchedResults = 1024

// verify reports results that have changed, each once, when a call is done.
func (o *ownership) verify(r *gohost.Run) {
	if late := len(o.given) - watchedResults; late > 0 {
		o.given = append(o.given[:0], o.given[late:]...)
	}
	o.given = slices.DeleteFunc(o.given, func(g given) bool {
		now, err := g.now()
		changed := err != nil || !bytes.Equal(now, g.was)
		if changed {
			r.FailAt(g.step, errChanged)
		}
		return changed
	})
}
