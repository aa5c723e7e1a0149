package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"unicode/utf8"
)

// The tags of canonical keys, as docs/format/keys.md draws them.
const (
	tagFalse   = 1
	tagTrue    = 2
	tagInteger = 3
	tagText    = 4
	tagBytes   = 5
	tagTuple   = 6
)

// ErrText is a key of text that is not UTF-8.
var ErrText = errors.New("a key of text must be UTF-8: use an array of bytes for others")

// CheckKey refuses a type that keys cannot have. They can be text, integers, bool, arrays of bytes, and structs of these, whose fields are
// all exported.
func CheckKey(t reflect.Type) error {
	switch t.Kind() {
	case reflect.String, reflect.Bool,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return nil
		}
	case reflect.Struct:
		for f := range t.Fields() {
			if !f.IsExported() {
				return fmt.Errorf("%s has the field %s, which is not exported", t, f.Name)
			}
			if err := CheckKey(f.Type); err != nil {
				return err
			}
		}
		return nil
	default:
	}
	return fmt.Errorf("a key cannot be of type %s: use text, an integer, a bool, an array of bytes, or a struct of these", t)
}

// AppendKey appends a key's canonical bytes; its type must be one that CheckKey allows. The error is ErrText.
func AppendKey(dst []byte, key any) ([]byte, error) {
	switch k := key.(type) {
	case string:
		return appendText(dst, k)
	case int:
		return appendInteger(dst, int64(k)), nil
	default:
		return appendValue(dst, reflect.ValueOf(key))
	}
}

func appendValue(dst []byte, v reflect.Value) ([]byte, error) {
	switch v.Kind() {
	case reflect.String:
		return appendText(dst, v.String())
	case reflect.Bool:
		if v.Bool() {
			return append(dst, tagTrue), nil
		}
		return append(dst, tagFalse), nil
	case reflect.Array:
		dst = append(dst, tagBytes)
		for i := range v.Len() {
			dst = append(dst, byte(v.Index(i).Uint()))
		}
		return dst, nil
	case reflect.Struct:
		return appendTuple(dst, v)
	default:
		if v.CanInt() {
			return appendInteger(dst, v.Int()), nil
		}
		return appendUnsigned(dst, v.Uint()), nil
	}
}

func appendText(dst []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return dst, ErrText
	}
	return append(append(dst, tagText), text...), nil
}

func appendTuple(dst []byte, v reflect.Value) (_ []byte, err error) {
	dst = append(dst, tagTuple)
	for _, field := range v.Fields() {
		at := len(dst)
		if dst, err = appendValue(append(dst, 0, 0, 0, 0), field); err != nil {
			return dst, err
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}

// appendInteger appends two's complement in as few bytes as hold it, sign included.
func appendInteger(dst []byte, n int64) []byte {
	size := (bits.Len64(uint64(n^n>>63)) + 8) / 8
	dst = append(dst, tagInteger)
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

func appendUnsigned(dst []byte, n uint64) []byte {
	if n>>63 == 0 {
		return appendInteger(dst, int64(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, tagInteger, 0), n)
}

// ReadKey makes a key of its canonical bytes, in a value that can be set and whose type CheckKey allows.
func ReadKey(data []byte, into reflect.Value) error {
	if len(data) == 0 {
		return errNoKey
	}
	tag, data := data[0], data[1:]
	switch kind := into.Kind(); {
	case kind == reflect.String && tag == tagText && utf8.Valid(data):
		into.SetString(string(data))
	case kind == reflect.Bool && (tag == tagFalse || tag == tagTrue) && len(data) == 0:
		into.SetBool(tag == tagTrue)
	case kind == reflect.Array && tag == tagBytes && len(data) == into.Len():
		for i, b := range data {
			into.Index(i).SetUint(uint64(b))
		}
	case kind == reflect.Struct && tag == tagTuple:
		return readTuple(data, into)
	case (into.CanInt() || into.CanUint()) && tag == tagInteger:
		return readInteger(data, into)
	default:
		return fmt.Errorf("%w of type %s: %x with tag %d", errNoKey, into.Type(), data, tag)
	}
	return nil
}

// errNoKey is bytes that are not a key's.
var errNoKey = errors.New("bytes that are no key")

func readTuple(data []byte, into reflect.Value) error {
	for _, field := range into.Fields() {
		if len(data) < 4 || uint64(len(data)-4) < uint64(binary.BigEndian.Uint32(data)) {
			return fmt.Errorf("%w of type %s: a part is cut off", errNoKey, into.Type())
		}
		size := 4 + int(binary.BigEndian.Uint32(data))
		if err := ReadKey(data[4:size], field); err != nil {
			return err
		}
		data = data[size:]
	}
	if len(data) > 0 {
		return fmt.Errorf("%w of type %s: it has more parts", errNoKey, into.Type())
	}
	return nil
}

// readInteger reads two's complement of at most 64 bits, or of 65 without a sign.
func readInteger(data []byte, into reflect.Value) error {
	var n uint64
	if len(data) > 0 && data[0]&0x80 != 0 {
		n = 1<<64 - 1
	}
	for _, b := range data {
		n = n<<8 | uint64(b)
	}
	negative := n>>63 == 1 && len(data) <= 8
	fits := 0 < len(data) && (len(data) <= 8 || len(data) == 9 && data[0] == 0)
	switch {
	case fits && into.CanUint() && !negative && !into.OverflowUint(n):
		into.SetUint(n)
	case fits && into.CanInt() && len(data) <= 8 && !into.OverflowInt(int64(n)):
		into.SetInt(int64(n))
	default:
		return fmt.Errorf("%w of type %s: the integer %x", errNoKey, into.Type(), data)
	}
	return nil
}
