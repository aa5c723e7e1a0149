package codec

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// halves says which methods a type has to make bytes of it, and it of bytes.
type halves int

const (
	neither halves = iota
	one            // so that it would be written in one way and read in another
	both
)

var (
	appender    = reflect.TypeFor[encoding.BinaryAppender]()
	marshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	unmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	toItem      = reflect.TypeFor[cbor.Marshaler]()
	fromItem    = reflect.TypeFor[cbor.Unmarshaler]()
)

// binary says what a type has of encoding's methods.
func binary(t reflect.Type) halves { return has(t, unmarshaler, appender, marshaler) }

// within says what a type has of those that CBOR calls for a value inside another.
func within(t reflect.Type) halves { return has(t, unmarshaler, marshaler) }

// has says whether a type, or a pointer to it, reads in that way and writes in one of the others.
func has(t, reads reflect.Type, writes ...reflect.Type) halves {
	implements := func(i reflect.Type) bool { return t.Implements(i) || reflect.PointerTo(t).Implements(i) }
	can, found := implements(reads), false
	for _, w := range writes {
		found = found || implements(w)
	}
	switch {
	case can && found:
		return both
	case can || found:
		return one
	default:
		return neither
	}
}

// check reports everything in a type that would not come back as it was.
func check(t reflect.Type) error {
	if binary(t) == both {
		return nil
	}
	w := walk{seen: map[reflect.Type]bool{}}
	w.visit(t, t.String())
	return errors.Join(w.wrong...)
}

type walk struct {
	seen  map[reflect.Type]bool
	wrong []error
}

func (w *walk) refuse(path, why string) { w.wrong = append(w.wrong, fmt.Errorf("%s %s", path, why)) }

// visit looks at a type that is found by a path.
func (w *walk) visit(t reflect.Type, path string) {
	if w.seen[t] {
		return
	}
	w.seen[t] = true
	switch binaryOf, items := within(t), has(t, fromItem, toItem); {
	case binaryOf == both || items == both:
		return
	case binaryOf == one || binary(t) == both:
		w.refuse(path, "has only one of MarshalBinary, which a value inside another needs, and UnmarshalBinary: give it both or none")
		return
	case binary(t) == one:
		w.refuse(path, "has AppendBinary and no UnmarshalBinary: give it both or none")
		return
	case items == one:
		w.refuse(path, "has only one of MarshalCBOR and UnmarshalCBOR: give it both or none")
		return
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Uintptr, reflect.Complex64, reflect.Complex128:
		w.refuse(path, fmt.Sprintf("is a %s, which has no bytes", t.Kind()))
	case reflect.Interface:
		w.refuse(path, "is an interface: what it holds would come back as another type")
	case reflect.Pointer, reflect.Slice, reflect.Array:
		w.visit(t.Elem(), path)
	case reflect.Map:
		w.visit(t.Key(), path+" (key)")
		w.visit(t.Elem(), path+" (value)")
	case reflect.Struct:
		w.fields(t, path)
	default: // numbers, text and bool
	}
}

// fields visits those of a struct that CBOR writes, and refuses those that it would leave out unasked.
func (w *walk) fields(t reflect.Type, path string) {
	for f := range t.Fields() {
		switch name, _ := tagOf(f); {
		case name == "-" || f.Name == "_":
		case !f.IsExported() && !f.Anonymous:
			w.refuse(path+"."+f.Name, "is not exported, and would be lost: export it, tag it `cbor:\"-\"` if it may be, or give the type "+
				"AppendBinary and UnmarshalBinary")
		default:
			w.visit(f.Type, path+"."+f.Name)
		}
	}
}
