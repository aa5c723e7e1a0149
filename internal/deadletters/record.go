// Package deadletters keeps messages that user code could not process, in files of a folder: one JSON object on each line
// (docs/format/dead-letters.md). It is told what to keep and what has been replayed; it knows neither steps nor messages.
package deadletters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// Record is a dead letter as its line has it. What is not known is null there.
type Record struct {
	ID          string    `json:"id"` // a number, given by Add
	Time        time.Time `json:"time"`
	Application string    `json:"application"`
	Pipeline    string    `json:"pipeline"`
	Step        string    `json:"step"` // PIPELINE/NAME
	// FindingKey says that it was not the step but the function that finds its keys.
	FindingKey bool    `json:"finding_key,omitempty"`
	Key        *string `json:"key"`
	Message    *string `json:"message"`
	// MessageEncoding is a message.Encoding.
	MessageEncoding *string `json:"message_encoding"`
	// MessageMissing is why there is no message.
	MessageMissing string  `json:"message_missing,omitempty"`
	Error          string  `json:"error"`
	Traceback      string  `json:"traceback"`
	Source         *string `json:"source"`
	Connection     *string `json:"connection"`
	Position       *uint64 `json:"position"`

	Place
}

// Place is when something happened, as checkpoints count: it counts unless a later run went back to a checkpoint before its epoch.
type Place struct {
	Run   uint64 `json:"run"`
	Epoch uint64 `json:"epoch"`
}

// back is a return to the checkpoint of an epoch, which began a run.
type back Place

// voids reports whether what happened in a place counts no more.
func (b back) voids(p Place) bool { return p.Run < b.Run && p.Epoch > b.Epoch }

// Letter is a record, and when it was replayed.
type Letter struct {
	Record

	Replayed *time.Time `json:"replayed"` // null if it was not
}

// mark is a line that says when a record was replayed.
type mark struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	Place
}

// largestID bounds the numbers that others follow, so that there is always a next one.
const largestID = 1 << 62

// number reads the number of a record; 0 if it is none.
func number(id string) uint64 {
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil {
		return 0
	}
	return n
}

// longestText is how many bytes of an error, a traceback or a key are kept.
const longestText = 6 << 10

// line is a record's line, of at most so many bytes: the message is left out if it would be longer.
func (r *Record) line(most int) ([]byte, error) {
	r.Error, r.Traceback = cut(r.Error), cut(r.Traceback)
	if r.Key != nil {
		key := cut(*r.Key)
		r.Key = &key
	}
	data, err := line(r)
	if err != nil || len(data) <= most || r.Message == nil {
		return data, err
	}
	r.MessageMissing = fmt.Sprintf("its record would have %d bytes, and one of at most %d is kept", len(data), most)
	r.Message, r.MessageEncoding = nil, nil
	return line(r)
}

// line is a value as JSON on a line.
func line(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // it is read by people
	err := encoder.Encode(value)
	return b.Bytes(), err
}

// cut shortens a long text in its middle.
func cut(text string) string {
	if len(text) <= longestText {
		return text
	}
	head, tail := longestText/2, len(text)-longestText/2
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return fmt.Sprintf("%s\n  ... %d bytes ...\n%s", text[:head], tail-head, text[tail:])
}
