package wallaroo

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
)

// Source is where messages of type T come from. Connectors make it, as tcp.Listen does.
type Source[T any] struct {
	Origin connector.Origin
	// Decode makes a message of what the connector brought, which is the function's to keep. An error is reported with PIPELINE/source,
	// counted, and costs the message. It runs in all executors, and so, as any function of a step, must not change what they share.
	Decode func(data []byte) (T, error)
}

// Sink is where messages of type T go. Connectors make it, as tcp.Dial does.
type Sink[T any] struct {
	Destination connector.Destination
	// Encode appends what a message looks like outside to dst and returns the longer slice, as encoding.TextAppender does: for a type that has
	// it, T.AppendText. An error is reported with the sink, counted, and costs the message.
	Encode func(message T, dst []byte) ([]byte, error)
}

// From begins a pipeline, whose name it is, with the messages of a source.
func (a *App) From[T any](name string, source Source[T]) Stream[T] {
	out := &outlet[T]{step: len(a.steps)}
	added := step{
		Pipeline: name, Name: "source", Kind: plan.Source, Outside: &plan.Outside{Connector: source.Origin.Kind},
		origin: &source.Origin, gives: gives[T],
		code: func(f *fusing) stageCode {
			return &decoding[T]{step: out.step, decode: source.Decode, out: out.fuse(f)}
		},
	}
	a.add(added)
	if name == "" {
		a.wrong(errors.New("a pipeline has no name: give From one"))
	}
	if source.Origin.Kind == "" || isNil(source.Decode) {
		a.wrong(fmt.Errorf("%s: it is no source, or has no decoder: use one of a connector's, as tcp.Listen", added.ID()))
	}
	if err := source.Origin.Wrong; err != nil {
		a.wrong(fmt.Errorf("%s: %w", added.ID(), err))
	}
	return Stream[T]{app: a, pipeline: name, from: []*outlet[T]{out}}
}

// To adds a sink, which takes the messages outside.
func (s Stream[T]) To(name string, sink Sink[T]) {
	added := step{
		Pipeline: s.pipeline, Name: name, Kind: plan.Sink, After: s.after(), Outside: &plan.Outside{Connector: sink.Destination.Kind},
		destination: &sink.Destination,
	}
	number := s.app.add(added)
	if sink.Destination.Kind == "" || isNil(sink.Encode) {
		s.app.wrong(fmt.Errorf("%s: it is no sink, or has no encoder: use one of a connector's, as tcp.Dial", added.ID()))
	}
	if err := sink.Destination.Wrong; err != nil {
		s.app.wrong(fmt.Errorf("%s: %w", added.ID(), err))
	}
	s.feed(func(f *fusing) next[T] {
		place := f.sinks[number]
		return func(r *gohost.Run, message T) {
			whole, err := sink.Encode(message, r.Encodes(number, place))
			r.Encoded(place, whole, err)
		}
	})
}

// decoding is what an executor does with a source's messages.
type decoding[T any] struct {
	step   int
	decode func([]byte) (T, error)
	out    next[T]
}

// Process decodes messages and takes them on.
func (d *decoding[T]) Process(r *gohost.Run, b *message.Batch) {
	r.Stamp(b.Ingest)
	payload := b.Payload
	each(r, b.Sizes, func(r *gohost.Run, index int, size *uint32) {
		bytes := payload[:*size:*size]
		payload = payload[*size:]
		r.Index = index
		r.Enter(d.step)
		decoded, err := d.decode(bytes)
		if err != nil {
			r.Fail(err)
			return
		}
		d.out(r, decoded)
	})
}

// Flush does nothing: what comes from a source goes on at once.
func (d *decoding[T]) Flush(*gohost.Run) {}

// typeName is how a type is told to users.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }
