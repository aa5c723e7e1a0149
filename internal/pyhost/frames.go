package pyhost

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/wallaroo-stream/wallaroo/internal/invariant"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// protocolVersion is the version of docs/format/python-protocol.md, where the frames below are drawn.
const protocolVersion = 3

const (
	// maxFrame bounds a frame from Python, which keeps entities of a partition below that (_encoding.LARGEST).
	maxFrame = 1 << 30
	// maxLimit bounds what Part.MaxBytes may be: a frame of results holds what came of one message and some more.
	maxLimit = maxFrame / 4
)

type kind byte

// What the engine sends.
const (
	kindHello   kind = 1
	kindStart   kind = 2
	kindBatch   kind = 3
	kindSwitch  kind = 4
	kindLoad    kind = 5
	kindOpen    kind = 6
	kindSettle  kind = 7
	kindProbe   kind = 8
	kindReplay  kind = 9
	kindMark    kind = 10
	kindSave    kind = 11
	kindRestore kind = 12
	kindCare    kind = 13
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
	kindState      kind = 73
	kindStuck      kind = 74
	kindQueued     kind = 75
	kindImmovable  kind = 76
	kindAlive      kind = 77
	kindHung       kind = 78
	kindSaved      kind = 79
	kindNoted      kind = 80
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
	return append(appendHead(dst, k, len(body)), body...), nil
}

// appendCall appends a BATCH or SETTLE frame: messages for a stage.
func appendCall(dst []byte, c *worker.Call) []byte {
	if c.Settles {
		return appendBatch(dst, kindSettle, c.ID, c.Stage, &c.Batch)
	}
	return appendBatch(dst, kindBatch, c.ID, c.Stage, &c.Batch)
}

// appendBatch appends a frame whose body is a batch, for a stage or, as Python sends them, for a sink.
func appendBatch(dst []byte, k kind, call uint32, target int, b *message.Batch) []byte {
	column, form := 4*len(b.Sizes)+len(b.Payload), byte(formSized)
	if len(b.Pieces) > 0 {
		column, form = 4+8*len(b.Pieces)+len(b.Payload), formPacked
	}
	dst = appendHead(dst, k, 4+2+4+1+(6+8)+(6+column))
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
	if form == formPacked {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b.Pieces)))
	}
	for _, p := range b.Pieces {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(p.Messages))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(p.Bytes))
	}
	return append(dst, b.Payload...)
}

// appendReplay appends a REPLAY frame: a message that enters at a step.
func appendReplay(dst []byte, call uint32, r *worker.Replay, ingest int64) []byte {
	body, err := json.Marshal(struct {
		Step     int              `json:"step"`
		Ingest   int64            `json:"ingest"`
		Message  string           `json:"message"`
		Encoding message.Encoding `json:"message_encoding"`
	}{r.Step, ingest, r.Letter.Text, r.Letter.Encoding})
	dst = appendHead(dst, kindReplay, 4+len(body))
	dst = binary.LittleEndian.AppendUint32(dst, call)
	return append(dst, invariant.Must(body, err)...)
}

// appendHead appends the head of a frame whose body has a size.
func appendHead(dst []byte, k kind, body int) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(1+body)), byte(k))
}

// frameReader reads frames. A read that is interrupted, also inside a frame, may be tried again and goes on where it stopped.
type frameReader struct {
	from *bufio.Reader
	head [5]byte
	body []byte // of the frame that has begun; nil until its head is whole
	have int    // bytes of the head, or of the body once there is one
}

// next reads one frame. The body is fresh memory and the caller's to keep.
func (r *frameReader) next() (kind, []byte, error) {
	if r.body == nil {
		if err := r.fill(r.head[:]); err != nil {
			return 0, nil, err
		}
		size := binary.LittleEndian.Uint32(r.head[:])
		if size < 1 || size > maxFrame {
			return 0, nil, fmt.Errorf("a frame of %d bytes", size)
		}
		r.body, r.have = make([]byte, size-1), 0
	}
	if err := r.fill(r.body); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errCut, err)
	}
	body := r.body
	r.body, r.have = nil, 0
	return kind(r.head[4]), body, nil
}

// fill reads what is missing of a part of a frame.
func (r *frameReader) fill(part []byte) error {
	n, err := io.ReadFull(r.from, part[r.have:])
	r.have += n
	if errors.Is(err, io.EOF) && r.have > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// more reports whether another frame has begun to come.
func (r *frameReader) more() bool { return r.from.Buffered() > 0 }

// parseBatch reads a body that is a batch. The payload shares the body's memory.
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
	if len(body) != 0 || (b.Sizes == nil) == (b.Pieces == nil) {
		return 0, 0, b, errColumns
	}
	return call, target, b, nil
}

func parseColumn(b *message.Batch, column, form byte, count uint32, data []byte) error {
	switch {
	case column == columnPayload && form == formSized:
		return parseSized(b, count, data)
	case column == columnPayload && form == formPacked && count > 0:
		return parsePacked(b, count, data)
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

func parsePacked(b *message.Batch, count uint32, data []byte) error {
	if len(data) < 4 {
		return errColumns
	}
	number := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(len(data)) < 8*uint64(number) {
		return errColumns
	}
	b.Pieces, b.Payload = make([]message.Piece, number), data[8*number:]
	messages, total := uint64(0), uint64(0)
	for i := range b.Pieces {
		b.Pieces[i].Messages = int(binary.LittleEndian.Uint32(data[8*i:]))
		b.Pieces[i].Bytes = int(binary.LittleEndian.Uint32(data[8*i+4:]))
		messages += uint64(b.Pieces[i].Messages)
		total += uint64(b.Pieces[i].Bytes)
	}
	if messages != uint64(count) || total != uint64(len(b.Payload)) {
		return errColumns
	}
	return nil
}

// parseExchange reads the body of an EXCHANGE frame: u16 executor, then a batch for a stage on it.
func parseExchange(body []byte) (call uint32, to worker.Target, b message.Batch, err error) {
	to.Kind = worker.ToExecutor
	if len(body) < 2 {
		return 0, to, b, errCut
	}
	to.Executor = int(binary.LittleEndian.Uint16(body))
	call, to.Stage, b, err = parseBatch(body[2:])
	return call, to, b, err
}

// parseQueued reads the body of a QUEUED frame: u32 partition, then a batch for a stage.
func parseQueued(body []byte) (call uint32, to worker.Target, b message.Batch, err error) {
	to.Kind = worker.ToQueue
	if len(body) < 4 {
		return 0, to, b, errCut
	}
	to.Partition = int(binary.LittleEndian.Uint32(body))
	call, to.Stage, b, err = parseBatch(body[4:])
	return call, to, b, err
}

// parseFailure reads the body of a FAILURE frame.
func parseFailure(body []byte) (call uint32, f worker.Failure, err error) {
	if len(body) < 8 {
		return 0, f, errCut
	}
	var told struct {
		Step, Error, Traceback, Key, Message, Shown string

		FindingKey bool             `json:"finding_key"`
		Encoding   message.Encoding `json:"message_encoding"`
		Missing    string           `json:"message_missing"`
	}
	if err := json.Unmarshal(body[8:], &told); err != nil {
		return 0, f, fmt.Errorf("a failure: %w", err)
	}
	f = worker.Failure{
		Index: int(binary.LittleEndian.Uint32(body[4:])),
		Step:  told.Step, FindingKey: told.FindingKey, Error: told.Error, Traceback: told.Traceback, Key: told.Key,
		Shown:  told.Shown,
		Letter: message.Letter{Text: told.Message, Encoding: told.Encoding, Missing: told.Missing},
	}
	return binary.LittleEndian.Uint32(body), f, nil
}

// parseDone reads the body of a DONE frame.
func parseDone(body []byte) (call uint32, entered []worker.Entered, err error) {
	const row = 10
	if len(body) < 6 || len(body) != 6+row*int(binary.LittleEndian.Uint16(body[4:])) {
		return 0, nil, errCut
	}
	for counts := body[6:]; len(counts) > 0; counts = counts[row:] {
		entered = append(entered, worker.Entered{
			Step:     int(binary.LittleEndian.Uint16(counts)),
			Messages: int(binary.LittleEndian.Uint32(counts[2:])),
			Seen:     int(binary.LittleEndian.Uint32(counts[6:])),
		})
	}
	return binary.LittleEndian.Uint32(body), entered, nil
}
