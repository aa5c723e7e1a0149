package wallaroo

import (
	"fmt"
	"reflect"
	"time"

	saved "github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// meet notes that a message is about to meet an entity, for the first time in this age. If it was to be saved, it is now.
func (e *entities[K, S]) meet(one *entity[K, S]) {
	if e.age == 0 {
		return
	}
	if e.unsaved(one) {
		e.saveEarly(one)
	}
	one.changed = e.age
	e.changed[one.partition] = append(e.changed[one.partition], one)
}

// unsaved reports whether an entity is to be saved: it changed in the last age, and was not saved since.
func (e *entities[K, S]) unsaved(one *entity[K, S]) bool {
	return one.changed+1 == e.age && one.saved != e.age
}

// Mark begins another age. All of the one before is saved.
func (e *entities[K, S]) Mark() {
	e.age++
	e.saving, e.changed, e.at = e.changed, e.saving, 0
}

// aheadLook is how many entities are saved early for each whose time is taken: two looks at the clock take a tenth of that time.
const aheadLook = 16

// saveEarly saves an entity that cannot wait for Save, which gives it out.
func (e *entities[K, S]) saveEarly(one *entity[K, S]) {
	if e.earlier++; e.earlier%aheadLook == 0 {
		defer func(began time.Time) { e.ahead += aheadLook * time.Since(began) }(time.Now())
	}
	var err error
	if e.early, err = e.appendTo(e.early, one); err != nil && e.wrong == nil {
		e.wrong = err
	}
}

// Save appends those that were saved early, and so many bytes of others that are to be.
func (e *entities[K, S]) Save(to *worker.Event, bytes int) {
	if to.Stuck = e.wrong; to.Stuck != nil {
		return
	}
	if len(to.Saved) > 0 {
		to.Saved = append(to.Saved, e.early...)
	} else {
		to.Saved = e.early // without copying it
	}
	to.Ahead += e.ahead
	e.early, e.ahead = nil, 0
	limit := len(to.Saved) + bytes
	for ; e.at < len(e.saving); e.at++ {
		list := e.saving[e.at]
		for n, one := range list {
			if len(to.Saved) >= limit {
				e.saving[e.at], to.Left = list[n:], true
				return
			}
			if e.unsaved(one) {
				if to.Saved, to.Stuck = e.appendTo(to.Saved, one); to.Stuck != nil {
					return
				}
			}
		}
		e.saving[e.at] = nil
	}
}

// appender is a codec that need not copy a value to append its bytes.
type appender[S any] interface {
	AppendFrom(dst []byte, from *S) ([]byte, error)
}

// appendTo appends an entity. An error says which one has no bytes.
func (e *entities[K, S]) appendTo(dst []byte, one *entity[K, S]) (_ []byte, err error) {
	one.saved = e.age
	whole := dst
	defer func() {
		if panicked := recover(); panicked != nil {
			dst, err = whole, fmt.Errorf("panic: %v", panicked)
		}
		if err != nil {
			err = fmt.Errorf("state %q, key %s: the entity cannot be saved: %w", e.about.Name, gohost.ShowKey(one.key), err)
		}
	}()
	if e.buffer, err = partition.AppendKey(e.buffer[:0], one.key); err != nil {
		return dst, err
	}
	dst, at := saved.Begin(dst, e.number, e.about.Version, e.buffer)
	if from, can := e.form.codec.(appender[S]); can {
		dst, err = from.AppendFrom(dst, &one.state)
	} else {
		dst, err = e.form.codec.Append(dst, one.state)
	}
	if err != nil {
		return whole, err
	}
	return saved.End(dst, at), nil
}

// Restore puts in an entity that was saved.
func (e *entities[K, S]) Restore(was *saved.Entity) error {
	one := &entity[K, S]{partition: partition.Of(partition.Hash(was.Key), len(e.within))}
	err := partition.ReadKey(was.Key, reflect.ValueOf(&one.key).Elem())
	if err == nil {
		one.state, err = e.decode(was)
	}
	if err != nil {
		return fmt.Errorf("state %q, key %s: the entity cannot be restored: %w", e.about.Name, gohost.ShowKey(one.key), err)
	}
	e.keep(one)
	return nil
}

// decode makes an entity of its bytes.
func (e *entities[K, S]) decode(was *saved.Entity) (state S, err error) {
	if was.Version == e.about.Version {
		return e.form.codec.Decode(was.Value)
	}
	upgrade, can := e.about.upgrade.(func([]byte, int) (S, error))
	if !can {
		return state, fmt.Errorf("it is of version %d, and this program has version %d: give the step a Version that upgrades it",
			was.Version, e.about.Version)
	}
	if state, err = upgrade(was.Value, was.Version); err != nil {
		err = fmt.Errorf("upgrade it from version %d to %d: %w", was.Version, e.about.Version, err)
	}
	return state, err
}
