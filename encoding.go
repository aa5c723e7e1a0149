package wallaroo

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/wallaroo-stream/wallaroo/codec"
)

// Encoding says how values of a type become bytes at a step, and of bytes: its state, if that is of the type, and what it gives. Without
// it they are encoded as codec.For says. What Filter gives is encoded as what it takes. A stream that is merged of several is encoded as
// the first of them that can be; where steps share a state, the first says it for all.
//
// Bytes are made of messages that are kept as dead letters, of the entities of atomic steps, and of all that --check-ownership looks at.
func Encoding[T any](c codec.Codec[T]) Option {
	return optionFunc(func(o *options) { o.encodings = append(o.encodings, encoded{reflect.TypeFor[T](), c}) })
}

// encoded is an encoding that a step was given.
type encoded struct {
	of    reflect.Type
	codec any // codec.Codec of that type
}

// form is how values of a type become bytes, or why they cannot.
type form[T any] struct {
	codec codec.Codec[T]
	why   error
}

// form is how values of a type become bytes at a step with these options.
func (o options) form[T any]() form[T] {
	for _, g := range o.encodings {
		if c, fits := g.codec.(codec.Codec[T]); fits {
			return form[T]{codec: c}
		}
	}
	return formFor[T]()
}

// formFor is how they become bytes where nobody says it.
func formFor[T any]() form[T] {
	c, err := codec.For[T]()
	return form[T]{c, err}
}

// check is why values cannot become bytes; nil if they can.
func (f form[T]) check() error { return f.why }

// shape is the fields that values are written by; "" if the application makes their bytes.
func (f form[T]) shape() string {
	if c, is := f.codec.(interface{ Shape() string }); is {
		return c.Shape()
	}
	return ""
}

// form is how the messages of a stream become bytes: as those of the first of the merged streams that can.
func (s Stream[T]) form() form[T] {
	for _, out := range s.from {
		if out.form.why == nil {
			return out.form
		}
	}
	return formFor[T]()
}

// encodedAlike are the options of a step that gives messages of the stream as they are: their encoding stands behind what it was given.
func (s Stream[T]) encodedAlike(opts []Option) []Option {
	as := s.form()
	if as.why != nil {
		return opts
	}
	return append(slices.Clone(opts), Encoding(as.codec))
}

// encodes reports whether the options have an encoding of a type.
func (o options) encodes(t reflect.Type) bool {
	return slices.ContainsFunc(o.encodings, func(g encoded) bool { return g.of == t })
}

// wrongEncodings are mistakes in the encodings that a step was given, whose values are of these types.
func (o options) wrongEncodings(types ...reflect.Type) error {
	var wrong []error
	for _, g := range o.encodings {
		switch {
		case g.codec == nil:
			wrong = append(wrong, fmt.Errorf("its Encoding of %s is nil", g.of))
		case !slices.Contains(types, g.of):
			wrong = append(wrong, fmt.Errorf("its Encoding is of %s, and it has and gives %s", g.of, listed(types)))
		}
	}
	return errors.Join(wrong...)
}

// listed are the names of types.
func listed(types []reflect.Type) string {
	var names []string
	for _, t := range types {
		names = append(names, t.String())
	}
	return strings.Join(names, " and ")
}
