package load

import (
	"bytes"
	"fmt"
	"time"
)

// echoes audits the frames of a tape that come back as they were sent.
type echoes struct {
	tape    *Tape
	next    int
	latency *Latency
}

// Echoes returns an audit of an echo, which must give back the frames of the tape, each once and in order, over one connection.
func Echoes(tape *Tape) Audit {
	return &echoes{tape: tape}
}

func (e *echoes) take(connection int, data []byte, arrived time.Time) (taken, frames int, err error) {
	if connection != 0 {
		return 0, 0, fmt.Errorf("%w: an echo on a second connection", ErrUnknown)
	}
	for {
		frame := e.tape.frame(e.next)
		if len(data)-taken < len(frame) {
			return taken, frames, nil
		}
		if !bytes.Equal(data[taken:taken+len(frame)], frame) {
			return taken, frames, fmt.Errorf("%w: the echo of frame %d is another than the frame", ErrMalformed, e.next)
		}
		if e.latency != nil {
			e.latency.record(0, e.next, arrived)
		}
		taken += len(frame)
		e.next++
		frames++
	}
}

func (e *echoes) record(schedule Schedule, skip int) *Latency {
	e.latency = newLatency(schedule, skip)
	return e.latency
}

func (e *echoes) results(frames int) int {
	return frames
}

func (e *echoes) complete(frames int) error {
	switch {
	case e.next < frames:
		return fmt.Errorf("%w: the echo of frame %d, of %d that had to come", ErrGap, e.next, frames)
	case e.next > frames:
		return fmt.Errorf("%w: the echo of frame %d, of %d that were sent", ErrUnknown, e.next-1, frames)
	}
	return nil
}
