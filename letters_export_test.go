package wallaroo

import (
	"context"
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// RunInChaos is Run while partitions move all the time and edges have a credit of one message.
func (a *App) RunInChaos(ctx context.Context, c Config, seed uint64) error {
	o, err := a.options(c)
	if err != nil {
		return err
	}
	o.Chaos, o.Credit = &worker.Chaos{Markers: 2 * time.Millisecond, Moves: 0.4, Seed: seed}, 1
	return application.Run(context.WithoutCancel(ctx), ctx, *o)
}

// ThroughLetter makes a letter of a message, of so many bytes at most, and a message of that: how it was written, and why it was not.
func ThroughLetter[T any](value T, most int) (again T, encoding message.Encoding, err error) {
	return throughLetter(formFor[T](), value, most)
}

// ThroughLetterBy is ThroughLetter by a codec.
func ThroughLetterBy[T any](c codec.Codec[T], value T, most int) (again T, encoding message.Encoding, err error) {
	return throughLetter(form[T]{codec: c}, value, most)
}

func throughLetter[T any](as form[T], value T, most int) (again T, encoding message.Encoding, err error) {
	l := toLetter(as, value, most)
	if l.Missing != "" {
		return again, l.Encoding, fmt.Errorf("missing: %s", l.Missing)
	}
	again, err = readLetter(as, l)
	return again, l.Encoding, err
}

// NameOf is the name of a function as graphs show it.
func NameOf(f any) string { return nameOf(f) }

// ReadLetter makes a message of a letter.
func ReadLetter[T any](l message.Letter) (T, error) { return readLetter(formFor[T](), l) }
