package pyhost

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// protocolVersion is the version of docs/format/python-protocol.md, where the frames below are drawn.
const protocolVersion = 1

// maxFrame bounds a frame from Python, which keeps what it sends at once to a quarter of that (_sink.LARGEST).
const maxFrame = 1 << 30

type kind byte

// What the engine sends.
const (
	kindHello kind = 1
	kindStart kind = 2
	kindBatch kind = 3
)

// What the process answers.
const (
	kindPlan       kind = 65
	kindLoadFailed kind = 66
	kindReady      kind = 67
	kindOutput     kind = 68
	kindFailure    kind = 69
	kindDone       kind = 70
	kindLog        kind = 71
	kindExchange   kind = 72
)

// The columns of a batch, and their forms.
const (
	columnPayload = 1
	columnIngest  = 2
	formSized     = 1
	formConstant  = 2
	formPacked    = 3
)

var (
	errCut     = errors.New("a frame that is cut")
	errColumns = errors.New("a batch whose columns do not hold together")
)

// appendJSON appends a frame whose body is JSON.
func appendJSON(dst []byte, k kind, value any) ([]byte, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(1+len(body)))
	return append(append(dst, byte(k)), body...), nil
}

// appendBatch appends a BATCH frame: messages for a stage, or, as Python sends them, for a sink in an OUTPUT frame.
func appendBatch(dst []byte, k kind, call uint32, target int, b *message.Batch) []byte {
	column, form := 4*len(b.Sizes)+len(b.Payload), byte(formSized)
	if b.Packed > 0 {
		form = formPacked
	}
	size := 1 + 4 + 2 + 4 + 1 + (6 + 8) + (6 + column)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(size))
	dst = append(dst, byte(k))
	dst = binary.LittleEndian.AppendUint32(dst, call)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(target))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(b.Count()))
	dst = append(dst, 2)
	dst = append(dst, columnIngest, formConstant)
	dst = binary.LittleEndian.AppendUint32(dst, 8)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(b.Ingest))
	dst = append(dst, columnPayload, form)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(column))
	for _, n := range b.Sizes {
		dst = binary.LittleEndian.AppendUint32(dst, n)
	}
	return append(dst, b.Payload...)
}

// readFrame reads one frame. The body is fresh memory and the caller's to keep.
func readFrame(r *bufio.Reader) (kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size < 1 || size > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	body := make([]byte, size-1)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, errCut
	}
	return kind(head[4]), body, nil
}

// parseBatch reads the body of a BATCH or OUTPUT frame. The payload shares the body's memory.
func parseBatch(body []byte) (call uint32, target int, b message.Batch, err error) {
	if len(body) < 11 {
		return 0, 0, b, errCut
	}
	call, target = binary.LittleEndian.Uint32(body), int(binary.LittleEndian.Uint16(body[4:]))
	count, columns := binary.LittleEndian.Uint32(body[6:]), body[10]
	body = body[11:]
	for range columns {
		if len(body) < 6 {
			return 0, 0, b, errCut
		}
		column, form, size := body[0], body[1], binary.LittleEndian.Uint32(body[2:])
		body = body[6:]
		if uint64(size) > uint64(len(body)) {
			return 0, 0, b, errCut
		}
		if err := parseColumn(&b, column, form, count, body[:size]); err != nil {
			return 0, 0, b, err
		}
		body = body[size:]
	}
	if len(body) != 0 || b.Sizes == nil && b.Packed == 0 {
		return 0, 0, b, errColumns
	}
	return call, target, b, nil
}

func parseColumn(b *message.Batch, column, form byte, count uint32, data []byte) error {
	switch {
	case column == columnPayload && form == formSized:
		return parseSized(b, count, data)
	case column == columnPayload && form == formPacked && count > 0:
		b.Packed, b.Payload = int(count), data
		return nil
	case column == columnIngest && form == formConstant && len(data) == 8:
		b.Ingest = int64(binary.LittleEndian.Uint64(data))
		return nil
	default:
		return fmt.Errorf("column %d in form %d: %w", column, form, errColumns)
	}
}

func parseSized(b *message.Batch, count uint32, data []byte) error {
	if uint64(len(data)) < 4*uint64(count) {
		return errColumns
	}
	b.Sizes, b.Payload = make([]uint32, count), data[4*count:]
	total := uint64(0)
	for i := range b.Sizes {
		b.Sizes[i] = binary.LittleEndian.Uint32(data[4*i:])
		total += uint64(b.Sizes[i])
	}
	if total != uint64(len(b.Payload)) {
		return errColumns
	}
	return nil
}

// parseExchange reads the body of an EXCHANGE frame: u16 executor, then a batch for a stage on it.
func parseExchange(body []byte) (call uint32, to worker.Target, b message.Batch, err error) {
	if len(body) < 2 {
		return 0, to, b, errCut
	}
	to.Executor = int(binary.LittleEndian.Uint16(body))
	call, to.Stage, b, err = parseBatch(body[2:])
	return call, to, b, err
}

// parseFailure reads the body of a FAILURE frame.
func parseFailure(body []byte) (call uint32, f worker.Failure, err error) {
	if len(body) < 8 {
		return 0, f, errCut
	}
	var told struct{ Step, Error, Traceback, Key string }
	if err := json.Unmarshal(body[8:], &told); err != nil {
		return 0, f, fmt.Errorf("a failure: %w", err)
	}
	f = worker.Failure{
		Index: int(binary.LittleEndian.Uint32(body[4:])),
		Step:  told.Step, Error: told.Error, Traceback: told.Traceback, Key: told.Key,
	}
	return binary.LittleEndian.Uint32(body), f, nil
}

// parseDone reads the body of a DONE frame.
func parseDone(body []byte) (call uint32, err error) {
	if len(body) != 4 {
		return 0, errCut
	}
	return binary.LittleEndian.Uint32(body), nil
}
