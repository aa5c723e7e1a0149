package wallaroo

import (
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

// From begins a pipeline, whose name it is, with the messages of a source. Of the options only Encoding is for it.
func (a *App) From[T any](name string, source Source[T], opts ...Option) Stream[T] {
	o, bytes := gather(opts), formFor[[]byte]()
	out := &outlet[T]{step: len(a.steps), form: o.form[T]()}
	take := func(f *fusing) *decoding[T] {
		return f.once(out.step, func() any {
			return &decoding[T]{at: newPost(out.step, bytes), decode: source.Decode, out: out.fuse(f)}
		}).(*decoding[T])
	}
	added := step{
		Pipeline: name, Name: sourceName, Kind: plan.Source, Outside: &plan.Outside{Connector: source.Origin.Kind},
		origin: &source.Origin, gives: out.form.check,
		code: func(f *fusing) stageCode { return take(f) },
		entry: func(f *fusing) func(*gohost.Run, message.Letter) {
			d := take(f)
			return entering(out.step, bytes, func(r *gohost.Run, data []byte) { d.take(r, 0, data) })
		},
	}
	a.add(added)
	if err := o.wrongEncodings(reflect.TypeFor[T]()); err != nil {
		a.wrong(fmt.Errorf("%s: %w", added.ID(), err))
	}
	if o.parallel || o.state != "" || o.initial != nil || o.atomic {
		a.wrong(fmt.Errorf("%s: of the options only Encoding is for a source", added.ID()))
	}
	switch {
	case source.Origin.Wrong != nil:
		a.wrong(fmt.Errorf("%s: %w", added.ID(), source.Origin.Wrong))
	case source.Origin.Kind == "" || source.Origin.Open == nil:
		a.wrong(fmt.Errorf("%s: it is no source: use a connector's, as tcp.Listen", added.ID()))
	case source.Decode == nil:
		a.wrong(fmt.Errorf("%s: its decoder is nil", added.ID()))
	}
	return Stream[T]{app: a, pipeline: name, from: []*outlet[T]{out}}
}

// To adds a sink, which takes the messages outside.
func (s Stream[T]) To(name string, sink Sink[T]) {
	added := step{
		Pipeline: s.pipeline, Name: name, Kind: plan.Sink, After: s.after(), Outside: &plan.Outside{Connector: sink.Destination.Kind},
		destination: &sink.Destination,
	}
	number, in := s.app.add(added), s.form()
	switch {
	case sink.Destination.Wrong != nil:
		s.app.wrong(fmt.Errorf("%s: %w", added.ID(), sink.Destination.Wrong))
	case sink.Destination.Kind == "" || sink.Destination.Open == nil:
		s.app.wrong(fmt.Errorf("%s: it is no sink: use a connector's, as tcp.Dial", added.ID()))
	case sink.Encode == nil:
		s.app.wrong(fmt.Errorf("%s: its encoder is nil", added.ID()))
	}
	take := func(f *fusing) next[T] {
		return f.once(number, func() any { return encoding(newPost(number, in), f.sinks[number], sink.Encode) }).(next[T])
	}
	s.app.steps[number].entry = func(f *fusing) func(*gohost.Run, message.Letter) { return entering(number, in, take(f)) }
	s.feed(take)
}

// encoding makes what an executor does with a sink's messages.
func encoding[T any](at *post[T], sink int, encode func(T, []byte) ([]byte, error)) next[T] {
	return func(r *gohost.Run, message T) {
		at.message = message
		whole, err := encode(message, r.Encodes(&at.Post, sink))
		r.Encoded(sink, whole, err)
	}
}

// Done ends a stream: what its step gives is for nobody. A stream that has neither a step behind it nor a sink nor this is a mistake.
func (s Stream[T]) Done() {
	for _, out := range s.from {
		s.app.steps[out.step].done = true
	}
}

// decoding is what an executor does with a source's messages.
type decoding[T any] struct {
	at     *post[[]byte]
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
		d.take(r, index, bytes)
	})
}

func (d *decoding[T]) take(r *gohost.Run, index int, bytes []byte) {
	r.Index = index
	d.at.message = bytes
	r.Enter(&d.at.Post)
	decoded, err := d.decode(bytes)
	if err != nil {
		r.Fail(err)
		return
	}
	d.out(r, decoded)
}

// Flush does nothing: what comes from a source goes on at once.
func (d *decoding[T]) Flush(*gohost.Run) {}

// typeName is how a type is told to users.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }
