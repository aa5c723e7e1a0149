package resumable

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ForeignError is a stream of bytes that does not begin as this framing does.
type ForeignError struct{ Began string } // as many bytes as it takes to see that

// Error says how it begins.
func (f *ForeignError) Error() string {
	return fmt.Sprintf("it does not speak the framing resumable: what it says begins with %q", f.Began)
}

// TooLongError is a frame that is longer than is taken.
type TooLongError struct {
	Length     uint32
	MaxMessage int
}

// Error says what may be done about it.
func (t *TooLongError) Error() string {
	return fmt.Sprintf("a frame of %d bytes holds a message that is longer than the limit of %d bytes", t.Length, t.MaxMessage)
}

// Begins reports whether what a stranger says begins as this framing does.
func Begins(said []byte) bool { return bytes.HasPrefix(said, []byte(Magic)) }

// Reader reads what the other side of a connection says. It is for one goroutine.
type Reader struct {
	from       *bufio.Reader
	maxMessage int
}

// NewReader makes a reader of frames with messages of at most so many bytes.
func NewReader(from io.Reader, maxMessage int) *Reader {
	return &Reader{from: bufio.NewReaderSize(from, frameBytes), maxMessage: maxMessage}
}

// Open reads the preamble. It fails by a *ForeignError as soon as what comes is none.
func (r *Reader) Open() error {
	for n := 1; n <= len(Magic); n++ {
		began, err := r.from.Peek(n)
		if err != nil && n > 1 && errors.Is(err, io.EOF) {
			return &ForeignError{Began: string(began)}
		}
		if err != nil {
			return err
		}
		if began[n-1] != Magic[n-1] {
			began, _ = r.from.Peek(min(r.from.Buffered(), len(Magic)))
			return &ForeignError{Began: string(began)}
		}
	}
	if _, err := r.from.Discard(len(Magic)); err != nil {
		return err
	}
	var version [2]byte
	if _, err := io.ReadFull(r.from, version[:]); err != nil {
		return whole(err)
	}
	if v := binary.LittleEndian.Uint16(version[:]); v < Version {
		return fmt.Errorf("it speaks version %d of the framing resumable, which is older than %d: take programs of one version", v, Version)
	}
	return nil
}

// whole is the error of a read that had to bring something.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Next reads a frame, whose memory is the caller's. The error is io.EOF where the other side has ended between two frames, *TooLongError,
// one of a frame that is none, or what broke the reading.
func (r *Reader) Next() (Frame, error) {
	head, err := r.from.Peek(4)
	if len(head) == 0 && err != nil {
		return nil, err
	}
	if err != nil {
		return nil, whole(err)
	}
	length := binary.LittleEndian.Uint32(head)
	if uint64(length) > uint64(max(frameBytes, r.maxMessage)+overhead) {
		return nil, &TooLongError{Length: length, MaxMessage: r.maxMessage}
	}
	if _, err := r.from.Discard(len(head)); err != nil {
		return nil, err
	}
	body, err := r.body(int(length))
	if err != nil {
		return nil, whole(err)
	}
	f, err := Decode(body)
	if m, is := f.(*Messages); is && err == nil {
		for _, size := range m.Batch.Sizes {
			if uint64(size) > uint64(r.maxMessage) {
				return nil, &TooLongError{Length: length, MaxMessage: r.maxMessage}
			}
		}
	}
	return f, err
}

// body reads so many bytes; a long one's memory grows as they come, not as its length promises them.
func (r *Reader) body(length int) ([]byte, error) {
	if length <= 2*frameBytes {
		body := make([]byte, length)
		_, err := io.ReadFull(r.from, body)
		return body, err
	}
	var body bytes.Buffer
	_, err := io.CopyN(&body, r.from, int64(length))
	return body.Bytes(), err
}

// AtHand reports whether more was read than the frames that Next has returned.
func (r *Reader) AtHand() bool { return r.from.Buffered() > 0 }
