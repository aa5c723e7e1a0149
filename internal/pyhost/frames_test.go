package pyhost

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/entity"
	"github.com/wallaroo-stream/wallaroo/internal/message"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// golden is a frame of docs/format/python-protocol.golden.json, which the tests of the Python package read too.
type golden struct {
	Name     string
	Hex      string
	Kind     kind
	Body     string
	Call     uint32
	Target   int
	Payloads []string
	Pieces   []struct {
		Messages int
		Hex      string
	}
	Ingest    int64
	Executor  int
	Partition int
	Index     int
	Failure   struct {
		Step, Error, Traceback, Key, Message string

		FindingKey bool   `json:"finding_key"`
		Encoding   string `json:"message_encoding"`
		Missing    string `json:"message_missing"`
	}
	Replay struct {
		Step     int
		Ingest   int64
		Message  string
		Encoding string `json:"message_encoding"`
	}
	Entered    [][3]int
	Island     int
	Moves      [][2]int
	Partitions []int
	Entities   string
	Care       worker.Care
	Noted      worker.Noted
	Count      int
	Size       int
	Left       bool
	Ahead      int // microseconds
	Stuck      struct{ State, Key, Cannot, Error, Instead, Traceback string }
	Hung       struct{ Step, Key, Traceback string }
}

func goldens(tb testing.TB) map[string]golden {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "format", "python-protocol.golden.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var list []golden
	if err := json.Unmarshal(data, &list); err != nil {
		tb.Fatal(err)
	}
	byName := map[string]golden{}
	for _, g := range list {
		byName[g.Name] = g
	}
	return byName
}

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func (g *golden) batch(tb testing.TB) message.Batch {
	tb.Helper()
	b := message.Batch{Payload: []byte{}, Ingest: g.Ingest}
	for _, p := range g.Pieces {
		b.Pack(p.Messages, unhex(tb, p.Hex))
	}
	if g.Pieces == nil {
		b.Sizes = []uint32{}
	}
	for _, p := range g.Payloads {
		b.Append(unhex(tb, p))
	}
	return b
}

func (g *golden) moves() []partition.Move {
	var moves []partition.Move
	for _, m := range g.Moves {
		moves = append(moves, partition.Move{Partition: m[0], Owner: m[1]})
	}
	return moves
}

// command is the frame as the engine writes it; nil if only the process does.
func (g *golden) command(tb testing.TB) []byte {
	tb.Helper()
	switch g.Kind {
	case kindStart:
		frame, err := appendJSON(nil, kindStart, struct{}{})
		if err != nil {
			tb.Fatal(err)
		}
		return frame
	case kindBatch, kindSettle:
		return appendCall(nil, &worker.Call{ID: g.Call, Stage: g.Target, Settles: g.Kind == kindSettle, Batch: g.batch(tb)})
	case kindOutput:
		b := g.batch(tb)
		return appendBatch(nil, kindOutput, g.Call, g.Target, &b)
	case kindSwitch:
		return appendSwitch(nil, &worker.Switch{ID: g.Call, Island: g.Island, Moves: g.moves()})
	case kindLoad:
		state := worker.State{Partition: g.Partition, Bytes: unhex(tb, g.Entities)}
		return appendLoad(nil, &worker.Load{ID: g.Call, Island: g.Island, State: state})
	case kindOpen:
		return appendOpen(nil, &worker.Open{ID: g.Call, Stage: g.Target, Partitions: g.Partitions})
	case kindProbe:
		return appendProbe(nil, g.Call)
	case kindReplay:
		letter := message.Letter{Text: g.Replay.Message, Encoding: message.Encoding(g.Replay.Encoding)}
		return appendReplay(nil, g.Call, &worker.Replay{Step: g.Replay.Step, Letter: letter}, g.Replay.Ingest)
	case kindMark:
		return appendMark(nil, g.Call, g.Island)
	case kindSave:
		return appendSave(nil, g.Call, g.Size)
	case kindRestore:
		return appendRestore(nil, g.Call, g.Count, unhex(tb, g.Entities))
	case kindCare:
		frame, err := appendCare(nil, g.Call, g.Care)
		if err != nil {
			tb.Fatal(err)
		}
		return frame
	default:
		return nil
	}
}

func TestCommandsAreAsDrawn(t *testing.T) {
	commands := 0
	for name, want := range goldens(t) {
		if got := want.command(t); got != nil {
			commands++
			if hex.EncodeToString(got) != want.Hex {
				t.Errorf("%s = %x; want %s", name, got, want.Hex)
			}
		}
	}
	if commands < 13 {
		t.Errorf("only %d commands are drawn", commands)
	}
}

// TestWhatIsNotedIsKept reads a note, of which the worker is told nothing before it asks.
func TestWhatIsNotedIsKept(t *testing.T) {
	want := goldens(t)["noted"]
	host := &Host{}
	if host.Noted() != nil {
		t.Error("something is noted before anything came")
	}
	k, body, err := (&frameReader{from: bufio.NewReader(bytes.NewReader(unhex(t, want.Hex)))}).next()
	if err != nil {
		t.Fatal(err)
	}
	e, err := host.event(k, body)
	if noted := host.Noted(); e != nil || err != nil || noted == nil || *noted != want.Noted {
		t.Errorf("%v, %v; noted is %+v; want %+v", e, err, noted, want.Noted)
	}
}

// answer is the event that a frame of the process must be; nil if it is none.
func (g *golden) answer(tb testing.TB) *worker.Event {
	tb.Helper()
	e := &worker.Event{Call: g.Call}
	switch g.Kind {
	case kindOutput:
		e.To, e.Output = worker.Target{Sink: drawnSinks()[g.Target]}, g.batch(tb)
	case kindExchange:
		e.To, e.Output = worker.Target{Kind: worker.ToExecutor, Stage: g.Target, Executor: g.Executor}, g.batch(tb)
	case kindQueued:
		e.To, e.Output = worker.Target{Kind: worker.ToQueue, Stage: g.Target, Partition: g.Partition}, g.batch(tb)
	case kindFailure:
		w := g.Failure
		e.Failure = &worker.Failure{
			Index: g.Index, Step: w.Step, FindingKey: w.FindingKey, Error: w.Error, Traceback: w.Traceback, Key: w.Key,
			Letter: message.Letter{Text: w.Message, Encoding: message.Encoding(w.Encoding), Missing: w.Missing},
		}
	case kindState:
		e.State = &worker.State{Partition: g.Partition, Entities: g.Count, Bytes: unhex(tb, g.Entities)}
	case kindSaved:
		e.Saved, e.Left, e.Ahead = unhex(tb, g.Entities), g.Left, time.Duration(g.Ahead)*time.Microsecond
	case kindDone:
		e.Done = true
		for _, row := range g.Entered {
			e.Entered = append(e.Entered, worker.Entered{Step: row[0], Messages: row[1], Seen: row[2]})
		}
	default:
		return nil
	}
	return e
}

// drawnSinks are the sinks of the pipelines that the drawn frames are of: those in the order of these, backwards.
func drawnSinks() []int {
	sinks := make([]int, 1<<16)
	for pipeline := range sinks {
		sinks[pipeline] = len(sinks) - 1 - pipeline
	}
	return sinks
}

func TestAnswersAreAsDrawn(t *testing.T) {
	host := &Host{log: slog.New(slog.DiscardHandler), sinks: drawnSinks()}
	for name, want := range goldens(t) {
		k, body, err := (&frameReader{from: bufio.NewReader(bytes.NewReader(unhex(t, want.Hex)))}).next()
		if err != nil || k != want.Kind {
			t.Fatalf("%s: kind %d, %v; want %d", name, k, err, want.Kind)
		}
		if answer := want.answer(t); answer != nil {
			if got, err := host.event(k, body); err != nil || !reflect.DeepEqual(got, answer) {
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, answer)
			}
			continue
		}
		switch k {
		case kindBatch, kindSettle:
			call, target, b, err := parseBatch(body)
			if err != nil || call != want.Call || target != want.Target || !reflect.DeepEqual(b, want.batch(t)) {
				t.Errorf("%s: call %d, target %d, %+v, %v", name, call, target, b, err)
			}
		case kindStuck, kindImmovable:
			event, err := host.event(k, body)
			if k == kindImmovable && err == nil {
				err = event.Stuck
			}
			failed, _ := errors.AsType[*EntityError](err)
			s := want.Stuck
			if failed == nil || *failed != (EntityError{s.State, s.Key, s.Cannot, s.Error, s.Instead, s.Traceback}) {
				t.Errorf("%s: %v", name, err)
			}
		case kindHung:
			hung, _ := errors.AsType[*HungError](parseHung(body, time.Minute))
			h := want.Hung
			if hung == nil || *hung != (HungError{Step: h.Step, Key: h.Key, Within: time.Minute, Traceback: h.Traceback}) {
				t.Errorf("%s: %+v", name, hung)
			}
		case kindReady, kindStart, kindAlive:
			if string(body) != want.Body {
				t.Errorf("%s: body %q; want %q", name, body, want.Body)
			}
		}
	}
}

// interrupted is bytes of which each read brings one, after a deadline that is over.
type interrupted struct {
	data []byte
	over bool
}

func (i *interrupted) Read(p []byte) (int, error) {
	if i.over = !i.over; i.over {
		return 0, os.ErrDeadlineExceeded
	}
	if len(i.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:1], i.data)
	i.data = i.data[n:]
	return n, nil
}

func TestAFrameIsReadOnWhereAReadWasInterrupted(t *testing.T) {
	var names []string
	var data []byte
	cases := goldens(t)
	for name, g := range cases {
		names, data = append(names, name), append(data, unhex(t, g.Hex)...)
	}
	r := frameReader{from: bufio.NewReaderSize(&interrupted{data: append(data, 5, 0)}, 16)}
	next := func() (k kind, body []byte, err error) {
		for {
			if k, body, err = r.next(); !errors.Is(err, os.ErrDeadlineExceeded) {
				return k, body, err
			}
		}
	}
	for _, name := range names {
		want := cases[name]
		if k, body, err := next(); err != nil || k != want.Kind || hex.EncodeToString(body) != want.Hex[10:] {
			t.Fatalf("%s: kind %d, %x, %v", name, k, body, err)
		}
	}
	if _, _, err := next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a frame that is cut: %v", err)
	}
}

// FuzzFrames reads whatever comes: it must end in a value that holds together or in an error.
func FuzzFrames(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(unhex(f, g.Hex))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 && (data[3] != 0 || data[2] > 16) {
			return // a frame that promises much is only memory
		}
		k, body, err := (&frameReader{from: bufio.NewReader(bytes.NewReader(data))}).next()
		if err != nil {
			return
		}
		if k == kindBatch || k == kindSettle {
			checkBatch(t, body)
			return
		}
		host := &Host{log: slog.New(slog.DiscardHandler)}
		e, err := host.event(k, body)
		if err != nil || e == nil {
			return
		}
		switch e.To.Kind {
		case worker.ToExecutor:
			checkBatch(t, body[2:])
		case worker.ToQueue:
			checkBatch(t, body[4:])
		case worker.ToSink:
			if k == kindOutput {
				checkBatch(t, body)
			}
			checkEntities(t, k, body, e)
		}
	})
}

// checkEntities checks that entities that can be read are as many as was said, and come back as they were when they are written again.
func checkEntities(t *testing.T, k kind, body []byte, e *worker.Event) {
	t.Helper()
	var data, told []byte
	switch {
	case k == kindSaved:
		data, told = e.Saved, body[9:]
	case e.State != nil:
		data, told = e.State.Bytes, body[8:]
	default:
		return
	}
	again := binary.LittleEndian.AppendUint32(nil, uint32(0))
	count := 0
	for each, err := range entity.All(data) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		again = entity.Append(again, &each)
	}
	binary.LittleEndian.PutUint32(again, uint32(count))
	if !bytes.Equal(again, told) {
		t.Fatalf("%x came back as %x", told, again)
	}
}

// checkBatch checks that what can be read holds together, and comes back as it was when it is written again.
func checkBatch(t *testing.T, body []byte) {
	t.Helper()
	_, target, b, err := parseBatch(body)
	if err != nil {
		return
	}
	total := 0
	for _, size := range b.Sizes {
		total += int(size)
	}
	for _, piece := range b.Pieces {
		total += piece.Bytes
	}
	if total != len(b.Payload) {
		t.Fatalf("sizes of %d bytes for a payload of %d", total, len(b.Payload))
	}
	again, _, same, err := parseBatch(appendBatch(nil, kindBatch, 7, target, &b)[5:])
	equal := slices.Equal(same.Sizes, b.Sizes) && slices.Equal(same.Pieces, b.Pieces) &&
		bytes.Equal(same.Payload, b.Payload) && same.Ingest == b.Ingest
	if err != nil || again != 7 || !equal {
		t.Fatalf("%+v came back as %+v, %v", b, same, err)
	}
}
