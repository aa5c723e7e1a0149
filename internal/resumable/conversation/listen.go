package conversation

import (
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

// Listen begins a conversation that the other side has opened: it says at once which framing is spoken here, so that a program of another
// one notices it before it takes anything for delivered, and reads the hello. Unsaid is what still stands before the first frame of an
// answer, also before a refusal when it fails. The error is io.EOF if the other side has gone without a word.
func Listen(conn *net.TCPConn, reader *resumable.Reader) (hello resumable.Frame, unsaid []byte, err error) {
	preamble := resumable.Preamble()
	unsaid = preamble[len(resumable.Magic):]
	if _, err := conn.Write(preamble[:len(resumable.Magic)]); err != nil {
		return nil, unsaid, gone(err)
	}
	if err := reader.Open(); err != nil {
		return nil, unsaid, gone(err)
	}
	hello, err = reader.Next()
	return hello, unsaid, err
}

// gone is the error of a connection on which nothing was heard yet. One who leaves then has not read what was said here, and so resets it.
func gone(err error) error {
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return io.EOF
	}
	return err
}
