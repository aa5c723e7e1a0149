package pyhost

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// MoveError is an entity that cannot move to another executor, since it cannot become bytes or be made of them.
type MoveError struct {
	State     string // its name
	Key       string // as Python writes it
	Reason    string // what was raised, in a line
	Traceback string // the user's own lines, or ""
}

func (e *MoveError) Error() string {
	text := fmt.Sprintf("state %q, key %s: the entity cannot move to another executor: %s: make the state class picklable, "+
		"or give the application serialize and deserialize", e.State, e.Key, e.Reason)
	if e.Traceback == "" {
		return text
	}
	return text + "\n" + e.Traceback
}

// appendSwitch appends a SWITCH frame.
func appendSwitch(dst []byte, s *worker.Switch) []byte {
	dst = appendHead(dst, kindSwitch, 4+2+4+6*len(s.Moves))
	dst = appendAbout(dst, s.ID, s.Island, len(s.Moves))
	for _, m := range s.Moves {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(m.Partition))
		dst = binary.LittleEndian.AppendUint16(dst, uint16(m.Owner))
	}
	return dst
}

// appendLoad appends a LOAD frame.
func appendLoad(dst []byte, l *worker.Load) []byte {
	dst = appendHead(dst, kindLoad, 4+2+4+len(l.State.Bytes))
	dst = appendAbout(dst, l.ID, l.Island, l.State.Partition)
	return append(dst, l.State.Bytes...)
}

// appendOpen appends an OPEN frame.
func appendOpen(dst []byte, o *worker.Open) []byte {
	dst = appendHead(dst, kindOpen, 4+2+4+4*len(o.Partitions))
	dst = appendAbout(dst, o.ID, o.Stage, len(o.Partitions))
	for _, p := range o.Partitions {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(p))
	}
	return dst
}

// appendAbout appends what the bodies of these calls begin with.
func appendAbout(dst []byte, call uint32, about, number int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, call)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(about))
	return binary.LittleEndian.AppendUint32(dst, uint32(number))
}

// appendProbe appends a PROBE frame.
func appendProbe(dst []byte, call uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendHead(dst, kindProbe, 4), call)
}

// parseState reads the body of a STATE frame. The state shares the body's memory.
func parseState(body []byte) (call uint32, s worker.State, err error) {
	if len(body) < 12 {
		return 0, s, errCut
	}
	s = worker.State{
		Partition: int(binary.LittleEndian.Uint32(body[4:])), Entities: int(binary.LittleEndian.Uint32(body[8:])), Bytes: body[8:],
	}
	return binary.LittleEndian.Uint32(body), s, nil
}

// stuck reads the body of a MOVE_FAILED or an IMMOVABLE frame.
func stuck(body []byte) (call uint32, stuck, err error) {
	if len(body) < 4 {
		return 0, nil, errCut
	}
	var told struct{ State, Key, Error, Traceback string }
	if err := json.Unmarshal(body[4:], &told); err != nil {
		return 0, nil, fmt.Errorf("a move that failed: %w", err)
	}
	stuck = &MoveError{State: told.State, Key: told.Key, Reason: told.Error, Traceback: told.Traceback}
	return binary.LittleEndian.Uint32(body), stuck, nil
}
