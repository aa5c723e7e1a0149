// Package codec makes bytes of values and values of bytes: of messages and of state that leave the process that made them.
//
// For is what the engine uses where nobody says otherwise: a type's own AppendBinary and UnmarshalBinary if it has both, else CBOR (RFC
// 8949), by the exported fields of structs. It refuses types that would come back as something else.
package codec

import (
	"encoding"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"github.com/wallaroo-stream/wallaroo/internal/invariant"
)

// Codec makes bytes of values of type T, and values of bytes. It is for any number of goroutines.
type Codec[T any] interface {
	// Append appends the bytes of a value.
	Append(dst []byte, value T) ([]byte, error)
	// Decode makes the value of bytes that Append made, which it does not keep.
	Decode(data []byte) (T, error)
}

// For is the codec of a type, or everything in the type that cannot travel, with the way to it.
func For[T any]() (Codec[T], error) {
	t := reflect.TypeFor[T]()
	if err := check(t); err != nil {
		return nil, err
	}
	if binary(t) == both {
		return own[T]{}, nil
	}
	return CBOR[T](), nil
}

// Item is a codec whose bytes are always one item of CBOR: those that another codec than CBOR's makes are a byte string.
func Item[T any](c Codec[T]) Codec[T] {
	if _, is := c.(byCBOR[T]); is {
		return c
	}
	return wrapped[T]{c}
}

// CBOR is the codec that makes CBOR of values: maps are sorted, so that equal values have equal bytes; times have nanoseconds.
func CBOR[T any]() Codec[T] { return byCBOR[T]{} }

type byCBOR[T any] struct{}

func (byCBOR[T]) Append(dst []byte, value T) ([]byte, error) {
	data, err := toCBOR.Marshal(value)
	return append(dst, data...), err
}

func (byCBOR[T]) Decode(data []byte) (value T, err error) {
	err = fromCBOR.Unmarshal(data, &value)
	return value, err
}

// The two modes of CBOR.
var (
	toCBOR = invariant.Must(cbor.EncOptions{
		Sort: cbor.SortCoreDeterministic, Time: cbor.TimeRFC3339NanoUTC, TimeTag: cbor.EncTagRequired,
	}.EncMode())
	fromCBOR = invariant.Must(cbor.DecOptions{
		MaxNestedLevels: 1024, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30,
		UTF8: cbor.UTF8DecodeInvalid, // Go's text may be any bytes
	}.DecMode())
)

// own is the codec of a type that has methods for it.
type own[T any] struct{}

func (o own[T]) Append(dst []byte, value T) ([]byte, error) { return o.AppendFrom(dst, &value) }

// AppendFrom appends the bytes of a value that need not be copied.
func (own[T]) AppendFrom(dst []byte, from *T) ([]byte, error) {
	if a, ok := any(from).(encoding.BinaryAppender); ok {
		return a.AppendBinary(dst)
	}
	if a, ok := any(*from).(encoding.BinaryAppender); ok {
		return a.AppendBinary(dst)
	}
	m, ok := any(from).(encoding.BinaryMarshaler)
	if !ok {
		m = any(*from).(encoding.BinaryMarshaler)
	}
	data, err := m.MarshalBinary()
	return append(dst, data...), err
}

func (own[T]) Decode(data []byte) (value T, err error) {
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Pointer {
		value = reflect.New(t.Elem()).Interface().(T)
		return value, any(value).(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
	}
	err = any(&value).(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
	return value, err
}

// wrapped is a codec whose bytes are a byte string of CBOR.
type wrapped[T any] struct{ inner Codec[T] }

func (w wrapped[T]) Append(dst []byte, value T) ([]byte, error) {
	data, err := w.inner.Append(nil, value)
	if err != nil {
		return dst, err
	}
	return CBOR[[]byte]().Append(dst, data)
}

func (w wrapped[T]) Decode(data []byte) (value T, err error) {
	bytes, err := CBOR[[]byte]().Decode(data)
	if err != nil {
		return value, err
	}
	return w.inner.Decode(bytes)
}
