package wallaroo

import (
	"iter"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/gohost"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// entity is the state of one key.
type entity[K comparable, S any] struct {
	key       K
	partition int
	changed   uint64 // the age in which a message met it last
	saved     uint64 // the age in which it was saved last
	state     S
}

// entities are those of a state whose partitions are here.
//
// Time is cut into ages by Mark. What messages met in the last age is to be saved, by Save or, if a message comes first, by that: what is
// saved is the state at the Mark. An entity costs a message one comparison for it.
type entities[K comparable, S any] struct {
	about   *stateInfo
	number  int // of the state in the plan
	form    form[S]
	initial func(K) S // nil for the zero value
	byKey   map[K]*entity[K, S]
	within  [][]*entity[K, S] // by partition
	buffer  []byte

	age     uint64            // from firstAge on; 0 if nothing is to be saved ever
	changed [][]*entity[K, S] // by partition: those that a message met in this age
	saving  [][]*entity[K, S] // by partition: those that a message met in the age before, and which Save has not come to
	at      int               // the partition that Save is at
	early   []byte            // of these, those that could not wait for it; Save gives the memory away
	earlier int               // entities that were saved early, ever
	ahead   time.Duration     // that it took to save those in early, about
	wrong   error             // why one of them could not be saved
}

func newEntities[K comparable, S any](f *fusing, about *stateInfo, initial func(K) S) *entities[K, S] {
	partitions := f.executor.Partitions()
	e := &entities[K, S]{
		about: about, number: f.executor.StateNumber(about.Name), form: about.form.(form[S]), initial: initial, byKey: map[K]*entity[K, S]{},
		within: make([][]*entity[K, S], partitions), changed: make([][]*entity[K, S], partitions), saving: make([][]*entity[K, S], partitions),
		at: partitions,
	}
	if f.executor.Saves() {
		e.age = firstAge
	}
	return e
}

// partitionOf is the partition of a key.
func (e *entities[K, S]) partitionOf(key K) (int, error) {
	canonical, err := partition.AppendKey(e.buffer[:0], key)
	e.buffer = canonical
	if err != nil {
		return 0, err
	}
	return partition.Of(partition.Hash(canonical), len(e.within)), nil
}

// add makes the entity of a key that comes for the first time.
func (e *entities[K, S]) add(key K, p int) *entity[K, S] {
	made := &entity[K, S]{key: key, partition: p}
	if e.initial != nil {
		made.state = e.initial(key)
	}
	e.keep(made)
	return made
}

func (e *entities[K, S]) keep(one *entity[K, S]) {
	e.byKey[one.key] = one
	e.within[one.partition] = append(e.within[one.partition], one)
}

// All are the keys, by partition, and pointers to the states.
func (e *entities[K, S]) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		for _, list := range e.within {
			for _, one := range list {
				if !yield(one.key, &one.state) {
					return
				}
			}
		}
	}
}

// firstAge leaves room for the ages of entities that no message has met here.
const firstAge = 2

// moved is entities of one partition on their way; those that changed since the last Mark are among all.
type moved[K comparable, S any] struct{ all, changed []*entity[K, S] }

// TakeOut removes the entities of a partition.
func (e *entities[K, S]) TakeOut(p int) (leaving any, count int) {
	for _, one := range e.saving[p] {
		if e.unsaved(one) {
			e.saveEarly(one)
		}
	}
	m := moved[K, S]{e.within[p], e.changed[p]}
	e.within[p], e.changed[p], e.saving[p] = nil, nil, nil
	for _, one := range m.all {
		delete(e.byKey, one.key)
	}
	return m, len(m.all)
}

// PutIn takes in entities of one partition.
func (e *entities[K, S]) PutIn(coming any) {
	m := coming.(moved[K, S])
	for _, one := range m.all {
		one.changed, one.saved = 0, 0 // ages are counted by each executor
		e.keep(one)
	}
	for _, one := range m.changed {
		one.changed = e.age
		e.changed[one.partition] = append(e.changed[one.partition], one)
	}
}

// handAt is how many messages for another executor are kept until they are handed on, within one call.
const handAt = 1024

// meeting is what an executor does at a step with state.
type meeting[K comparable, S, T any] struct {
	executor  *gohost.Executor
	form      form[T]
	finds     gohost.Post // where the key is found
	meets     gohost.Post
	stage     int
	table     *entities[K, S]
	key       func(T) K
	act       func(*gohost.Run, *S, T)
	message   T                     // at hand
	last      K                     // its key, where it meets state
	elsewhere []records[K, T]       // by executor
	waiting   map[int]records[K, T] // by partition
}

func newMeeting[K comparable, S, T any](
	f *fusing, step int, as form[T], table *entities[K, S], key func(T) K, act func(*gohost.Run, *S, T),
) *meeting[K, S, T] {
	m := &meeting[K, S, T]{
		executor: f.executor, form: as, stage: f.stages[step], table: table, key: key, act: act, waiting: map[int]records[K, T]{},
	}
	m.finds, m.meets = gohost.NewFinder(step, m), gohost.NewPost(step, m)
	return m
}

// Key is that of the message at hand, for reports.
func (m *meeting[K, S, T]) Key() string {
	return gohost.ShowKey(m.last)
}

// Letter is the message at hand.
func (m *meeting[K, S, T]) Letter(most int) message.Letter { return toLetter(m.form, m.message, most) }

// Shown is the message at hand, for people.
func (m *meeting[K, S, T]) Shown() string { return gohost.Show(m.message) }

// route takes a message that came by a call to its key's entity, wherever that is.
func (m *meeting[K, S, T]) route(r *gohost.Run, value T) {
	m.message = value
	r.Finds(&m.finds)
	key := m.key(value)
	if one := m.table.byKey[key]; one != nil && !m.executor.AnyShut(m.stage) {
		m.process(r, one, value)
		return
	}
	m.place(r, key, value)
}

// place takes a message to where it belongs.
func (m *meeting[K, S, T]) place(r *gohost.Run, key K, value T) {
	r.Finds(&m.finds)
	p, err := m.table.partitionOf(key)
	if err != nil {
		r.Fail(err)
		return
	}
	switch at := m.executor.Place(r, m.stage, p); {
	case !at.Here:
		for at.Executor >= len(m.elsewhere) {
			m.elsewhere = append(m.elsewhere, nil)
		}
		m.elsewhere[at.Executor] = append(m.elsewhere[at.Executor], record[K, T]{key, value})
		if len(m.elsewhere[at.Executor]) == handAt {
			m.flushTo(r, at.Executor)
		}
	case at.Waits:
		m.waiting[p] = append(m.waiting[p], record[K, T]{key, value})
	default:
		one := m.table.byKey[key]
		if one == nil {
			m.last = key
			r.Enter(&m.meets)
			one = m.table.add(key, p)
			m.table.meet(one)
			m.act(r, &one.state, value)
			return
		}
		m.process(r, one, value)
	}
}

func (m *meeting[K, S, T]) process(r *gohost.Run, one *entity[K, S], value T) {
	if one.changed != m.table.age {
		m.table.meet(one)
	}
	m.last = one.key
	r.Enter(&m.meets)
	m.act(r, &one.state, value)
}

// Process takes in messages that came from other executors, or out of queues.
func (m *meeting[K, S, T]) Process(r *gohost.Run, b *message.Batch) {
	r.Stamp(b.Ingest)
	each(r, b.Values.(records[K, T]), func(r *gohost.Run, index int, came *record[K, T]) {
		r.Index = index
		m.message = came.value
		if one := m.table.byKey[came.key]; one != nil && !m.executor.AnyShut(m.stage) {
			m.process(r, one, came.value)
			return
		}
		m.place(r, came.key, came.value)
	})
}

// Flush hands on what is other executors', and what has to wait.
func (m *meeting[K, S, T]) Flush(r *gohost.Run) {
	for executor := range m.elsewhere {
		m.flushTo(r, executor)
	}
	for p, values := range m.waiting {
		r.Hand(worker.Target{Kind: worker.ToQueue, Stage: m.stage, Partition: p}, values)
		delete(m.waiting, p)
	}
}

func (m *meeting[K, S, T]) flushTo(r *gohost.Run, executor int) {
	if values := m.elsewhere[executor]; len(values) > 0 {
		r.Hand(worker.Target{Kind: worker.ToExecutor, Stage: m.stage, Executor: executor}, values)
		m.elsewhere[executor] = nil
	}
}

// record is a message on its way to its key's entity.
type record[K comparable, T any] struct {
	key   K
	value T
}

// records are a message.Values.
type records[K comparable, T any] []record[K, T]

// Count is the number of messages.
func (l records[K, T]) Count() int { return len(l) }

// Bytes is what they take, without what they point to.
func (l records[K, T]) Bytes() int { return len(l) * sizeOf[record[K, T]]() }

// Cut parts them before message n.
func (l records[K, T]) Cut(n int) (before, behind message.Values) { return l[:n:n], l[n:] }

// Join puts others behind them.
func (l records[K, T]) Join(others []message.Values) message.Values {
	all := slices.Clone(l)
	for _, other := range others {
		all = append(all, other.(records[K, T])...)
	}
	return all
}
