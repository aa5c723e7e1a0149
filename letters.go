package wallaroo

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/message"
)

// post is where the messages of a step pass on one executor. What enters the step stands there, so that it is at hand if that fails.
type post[T any] struct {
	gohost.Post
	message T
	form    form[T]
}

func newPost[T any](step int, as form[T]) *post[T] {
	p := &post[T]{form: as}
	p.Post = gohost.NewPost(step, p)
	return p
}

// Key is that of the message, which has none.
func (p *post[T]) Key() string { return "" }

// Letter is the message at hand.
func (p *post[T]) Letter(most int) message.Letter { return toLetter(p.form, p.message, most) }

// Shown is the message at hand, for people.
func (p *post[T]) Shown() string { return gohost.Show(p.message) }

// toLetter makes a letter of a message, of so many bytes at most.
func toLetter[T any](as form[T], value T, most int) message.Letter {
	if text, is := textOf(value); is && utf8.ValidString(text) {
		if len(text) > most {
			return tooLong(len(text), most)
		}
		return message.Letter{Text: text, Encoding: message.Text}
	}
	if as.why != nil {
		return message.Letter{Missing: fmt.Sprint("it has no bytes: ", as.why)}
	}
	data, err := codec.Item(as.codec).Append(nil, value)
	switch {
	case err != nil:
		return message.Letter{Missing: fmt.Sprint("it has no bytes: ", err)}
	case len(data) > most:
		return tooLong(len(data), most)
	default:
		return message.Letter{Text: base64.StdEncoding.EncodeToString(data), Encoding: message.CBOR}
	}
}

func tooLong(bytes, most int) message.Letter {
	return message.Letter{Missing: fmt.Sprintf("it has %d bytes, and at most %d are kept", bytes, most)}
}

// fromLetter makes a message of a letter.
func fromLetter[T any](as form[T], l message.Letter) (value T, err error) {
	switch {
	case l.Encoding == message.Text && setText(&value, l.Text):
		return value, nil
	case l.Encoding != message.CBOR:
		return value, fmt.Errorf("a message in %q is no %s", l.Encoding, typeName[T]())
	}
	data, err := base64.StdEncoding.DecodeString(l.Text)
	if err != nil {
		return value, fmt.Errorf("a message that is no base64: %w", err)
	}
	if as.why != nil {
		return value, as.why
	}
	if value, err = codec.Item(as.codec).Decode(data); err != nil {
		return value, fmt.Errorf("a message that is no %s: %w", typeName[T](), err)
	}
	return value, nil
}

// textOf is what a message holds whose type is text or bytes.
func textOf[T any](value T) (text string, is bool) {
	switch v := reflect.ValueOf(&value).Elem(); {
	case v.Kind() == reflect.String:
		return v.String(), true
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return string(v.Bytes()), true
	default:
		return "", false
	}
}

// setText is the other way round; false if the type is another one.
func setText[T any](value *T, text string) bool {
	switch v := reflect.ValueOf(value).Elem(); {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes([]byte(text))
	default:
		return false
	}
	return true
}

// entering makes of a function that takes a step's messages one that takes a letter.
func entering[T any](step int, as form[T], take next[T]) func(*gohost.Run, message.Letter) {
	return func(r *gohost.Run, l message.Letter) {
		value, err := readLetter(as, l)
		if err != nil {
			r.Unreadable(step, l, err)
			return
		}
		guarded(r, take, value)
	}
}

// readLetter is fromLetter where the type's own code may panic.
func readLetter[T any](as form[T], l message.Letter) (value T, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("reading the message panicked: %v", panicked)
		}
	}()
	return fromLetter(as, l)
}
