// Package entity is state entities as bytes: what an executor gives out of its state and takes in, what a checkpoint holds, and what moves
// between processes. docs/format/entities.md draws them. It knows neither keys nor what an entity is, both are bytes.
package entity

import (
	"encoding/binary"
	"errors"
	"iter"
)

// Entity is the state of one key.
type Entity struct {
	// State is the number of its state in the application's plan.
	State int
	// Version is that of its type when it was written, from 0 to 65535.
	Version int
	// Key is the canonical bytes of its key (docs/format/keys.md).
	Key []byte
	// Value is what its state's encoding made of it; nil, and Removed true, for an entity that is no more.
	Value   []byte
	Removed bool
}

// headBytes is what stands before a key.
const headBytes = 2 + 2 + 4 + 4

// removed is the length of a value that is none.
const removed = 1<<32 - 1

// ErrCut is bytes that end inside an entity.
var ErrCut = errors.New("bytes that end inside an entity")

// Append appends an entity to others.
func Append(dst []byte, e *Entity) []byte {
	dst, at := Begin(dst, e.State, e.Version, e.Key)
	if e.Removed {
		binary.LittleEndian.PutUint32(dst[at-4:], removed)
		return dst
	}
	return End(append(dst, e.Value...), at)
}

// Begin appends an entity up to its value, which is appended next; then End is called with the place that is returned.
func Begin(dst []byte, state, version int, key []byte) (_ []byte, at int) {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(state))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(version))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(key)))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = append(dst, key...)
	return dst, len(dst) - len(key)
}

// End ends an entity that was begun at a place, and whose key and value stand behind it.
func End(dst []byte, at int) []byte {
	key := int(binary.LittleEndian.Uint32(dst[at-8:]))
	binary.LittleEndian.PutUint32(dst[at-4:], uint32(len(dst)-at-key))
	return dst
}

// All are entities that stand one behind another. Keys and values share their memory. An error, which is ErrCut, is the last thing it
// yields.
func All(data []byte) iter.Seq2[Entity, error] {
	return func(yield func(Entity, error) bool) {
		for len(data) > 0 {
			e, size, ok := First(data)
			if !ok {
				yield(Entity{}, ErrCut)
				return
			}
			data = data[size:]
			if !yield(e, nil) {
				return
			}
		}
	}
}

// First reads the first of some entities, and how many bytes it takes; false if they are cut. Key and value share their memory.
func First(data []byte) (e Entity, size int, ok bool) {
	if len(data) < headBytes {
		return e, 0, false
	}
	e.State, e.Version = int(binary.LittleEndian.Uint16(data)), int(binary.LittleEndian.Uint16(data[2:]))
	key, value := uint64(binary.LittleEndian.Uint32(data[4:])), uint64(binary.LittleEndian.Uint32(data[8:]))
	if e.Removed = value == removed; e.Removed {
		value = 0
	}
	if uint64(len(data)) < headBytes+key+value {
		return e, 0, false
	}
	size = headBytes + int(key+value)
	e.Key = data[headBytes : headBytes+key : headBytes+key]
	if !e.Removed {
		e.Value = data[headBytes+key : size : size]
	}
	return e, size, true
}

// Count is how many entities stand one behind another; the error is ErrCut.
func Count(data []byte) (n int, err error) {
	for _, err := range All(data) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
