package conversation

import (
	"io"
	"net"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/resumable"
)

// Refuse says why nothing more is taken, and ends the connection. Before it stands what of the preamble is unsaid. It reads on for a
// moment, since what is unread when a connection is closed takes away what was said last.
func Refuse(conn *net.TCPConn, unsaid []byte, refusal *resumable.RefusalError) {
	_ = conn.SetDeadline(time.Now().Add(lastWords)) // a connection that is broken needs no refusal
	if _, err := conn.Write(resumable.Append(unsaid, refusal)); err == nil && conn.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
	_ = conn.Close()
}

// lastWords is how long a connection that was refused is still read.
const lastWords = 500 * time.Millisecond
