package pyhost

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// EntityError is an entity that cannot become bytes, as it must to move and to be saved, or be made of them again.
type EntityError struct {
	State     string // its name
	Key       string // as Python writes it
	Cannot    string // what it cannot, as in "become bytes"
	Reason    string // what was raised, in a line
	Instead   string // what to do
	Traceback string // the user's own lines, or ""
}

func (e *EntityError) Error() string {
	text := fmt.Sprintf("state %q, key %s: the entity cannot %s: %s: %s", e.State, e.Key, e.Cannot, e.Reason, e.Instead)
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

// appendMark appends a MARK frame.
func appendMark(dst []byte, call uint32, island int) []byte {
	dst = binary.LittleEndian.AppendUint32(appendHead(dst, kindMark, 4+2), call)
	return binary.LittleEndian.AppendUint16(dst, uint16(island))
}

// appendSave appends a SAVE frame.
func appendSave(dst []byte, call uint32, bytes int) []byte {
	dst = binary.LittleEndian.AppendUint32(appendHead(dst, kindSave, 4+4), call)
	return binary.LittleEndian.AppendUint32(dst, uint32(min(max(bytes, 0), maxFrame)))
}

// appendRestore appends a RESTORE frame of so many entities.
func appendRestore(dst []byte, call uint32, count int, entities []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(appendHead(dst, kindRestore, 4+4+len(entities)), call)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(count))
	return append(dst, entities...)
}

// appendCare appends a CARE frame.
func appendCare(dst []byte, call uint32, c worker.Care) ([]byte, error) {
	c.Skips = append([]worker.Skip{}, c.Skips...) // never null
	body, err := json.Marshal(c)
	if err != nil {
		return dst, err
	}
	dst = binary.LittleEndian.AppendUint32(appendHead(dst, kindCare, 4+len(body)), call)
	return append(dst, body...), nil
}

// parseState reads the body of a STATE frame. The state shares the body's memory.
func parseState(body []byte) (call uint32, s worker.State, err error) {
	if len(body) < 8 {
		return 0, s, errCut
	}
	s.Partition = int(binary.LittleEndian.Uint32(body[4:]))
	s.Entities, s.Bytes, err = parseEntities(body[8:])
	return binary.LittleEndian.Uint32(body), s, err
}

// parseSaved reads the body of a SAVED frame into an event. The entities share the body's memory, and are not nil.
func parseSaved(body []byte, e *worker.Event) (err error) {
	if len(body) < 9 || body[4] > 1 {
		return errCut
	}
	e.Call, e.Left = binary.LittleEndian.Uint32(body), body[4] == 1
	e.Ahead = time.Duration(binary.LittleEndian.Uint32(body[5:])) * time.Microsecond
	_, e.Saved, err = parseEntities(body[9:])
	return err
}

// parseEntities reads how many entities there are, and checks that they stand behind it.
func parseEntities(data []byte) (int, []byte, error) {
	if len(data) < 4 {
		return 0, nil, errCut
	}
	told, data := binary.LittleEndian.Uint32(data), data[4:]
	count, err := entity.Count(data)
	if err == nil && uint64(count) != uint64(told) {
		err = fmt.Errorf("%d entities that are said to be %d", count, told)
	}
	return count, data, err
}

// stuck reads the body of a STUCK or an IMMOVABLE frame.
func stuck(body []byte) (call uint32, stuck, err error) {
	if len(body) < 4 {
		return 0, nil, errCut
	}
	var told struct{ State, Key, Cannot, Error, Instead, Traceback string }
	if err := json.Unmarshal(body[4:], &told); err != nil {
		return 0, nil, fmt.Errorf("an entity that is stuck: %w", err)
	}
	stuck = &EntityError{
		State: told.State, Key: told.Key, Cannot: told.Cannot, Reason: told.Error, Instead: told.Instead, Traceback: told.Traceback,
	}
	return binary.LittleEndian.Uint32(body), stuck, nil
}
