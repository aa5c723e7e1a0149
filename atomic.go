package wallaroo

import (
	"fmt"
	"reflect"

	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
)

// keeper keeps what an entity was while an atomic step has it, and puts it back.
type keeper[S any] struct {
	flat   bool // a plain copy shares nothing with it that can change
	codec  codec.Codec[S]
	before S      // of a flat one
	bytes  []byte // of any other
}

// newKeeper makes one of entities that have bytes.
func newKeeper[S any](as form[S]) *keeper[S] {
	return &keeper[S]{flat: isFlat(reflect.TypeFor[S]()), codec: as.codec}
}

// isFlat reports whether values of a type hold nothing that two of them could share and one of them change.
func isFlat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return isFlat(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !isFlat(f.Type) {
				return false
			}
		}
		return true
	case reflect.String:
		return true
	default:
		return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
	}
}

// call calls what may change the entity. If that returns false or panics, the entity is as it was before; a panic goes on.
func (k *keeper[S]) call(r *gohost.Run, state *S, change func() bool) (done bool) {
	if err := k.keep(state); err != nil {
		r.Fail(fmt.Errorf("it is atomic, and its entity cannot be copied: %w", err))
		return false
	}
	defer func() {
		if !done {
			k.putBack(r, state)
		}
	}()
	return change()
}

func (k *keeper[S]) keep(state *S) (err error) {
	if k.flat {
		k.before = *state
		return nil
	}
	k.bytes, err = k.codec.Append(k.bytes[:0], *state)
	return err
}

func (k *keeper[S]) putBack(r *gohost.Run, state *S) {
	if k.flat {
		*state = k.before
		return
	}
	before, err := k.codec.Decode(k.bytes)
	if err != nil {
		r.Fail(fmt.Errorf("its entity cannot be put back: %w", err))
		return
	}
	*state = before
}
