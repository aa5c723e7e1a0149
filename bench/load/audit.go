package load

import (
	"errors"
	"time"
)

// What can be wrong with what a Receiver gets. The error that is returned wraps one of these and says where it was met.
var (
	ErrMalformed = errors.New("not a result")
	ErrUnknown   = errors.New("a result that nothing sent can have")
	ErrGap       = errors.New("a result is missing")
	ErrRepeat    = errors.New("a result came again")
	ErrDisorder  = errors.New("a result came after a later one")
	ErrOwners    = errors.New("a key went from process to process more than once")
)

// An Audit knows what must come from a program under load and judges what comes. It belongs to the Receiver it is given to.
type Audit interface {
	// take judges the whole results that data begins with, which came on a connection (numbered from 0) at a moment. It returns how many
	// bytes and how many results they are. The bytes are the caller's again when it returns.
	take(connection int, data []byte, arrived time.Time) (bytes, results int, err error)

	// record begins to record how long after they were due the results of a schedule's frames come, without each connection's first.
	record(schedule Schedule, skip int) *Latency

	// results returns how many results so many frames on each connection of the sender have.
	results(frames int) int

	// complete returns an error if other results have come than those of so many frames.
	complete(frames int) error
}
