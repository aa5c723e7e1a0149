package acked

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// pair makes a connection on loopback and gives both ends.
func pair(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return conn.(*net.TCPConn), peer.(*net.TCPConn)
}

func left(t *testing.T, conn *net.TCPConn) (unacked int, lost bool) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	unacked, lost, err = Left(raw)
	if err != nil {
		t.Fatal(err)
	}
	return unacked, lost
}

func ended(t *testing.T, conn *net.TCPConn) bool {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ended, err := Over(raw)
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

// fill writes until the kernels on both sides take no more, and returns how many bytes they took.
func fill(t *testing.T, conn *net.TCPConn) int {
	t.Helper()
	total, piece := 0, make([]byte, 64<<10)
	for {
		if err := conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Write(piece)
		total += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return total
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLeftGoesWithTheAnswer(t *testing.T) {
	here, there := pair(t)
	if n, _ := left(t, here); n != 0 {
		t.Errorf("%d bytes are unacknowledged before anything was written", n)
	}
	for range 20 {
		if _, err := here.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(there, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		if _, err := there.Write([]byte("!")); err != nil { // its segment brings the acknowledgement
			t.Fatal(err)
		}
		if _, err := io.ReadFull(here, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if n, _ := left(t, here); n != 0 {
			t.Errorf("%d bytes are unacknowledged after the answer", n)
		}
	}
}

func TestLeftOfAReaderThatDoesNotRead(t *testing.T) {
	here, there := pair(t)
	written := fill(t, here)
	stuck, _ := left(t, here)
	if stuck == 0 || stuck > written {
		t.Fatalf("%d of %d bytes are unacknowledged; want some", stuck, written)
	}
	if err := here.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, _ := left(t, here); n != stuck+1 {
		t.Errorf("%d bytes are unacknowledged with the FIN; want %d", n, stuck+1)
	}
	if n, err := io.Copy(io.Discard, there); n != int64(written) || err != nil {
		t.Fatalf("the reader got %d of %d bytes, %v", n, written, err)
	}
	if err := there.Close(); err != nil { // its FIN brings the acknowledgement of ours
		t.Fatal(err)
	}
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if n, lost := left(t, here); n != 0 || lost {
		t.Errorf("%d bytes are unacknowledged after the reader closed, lost %v; want none", n, lost)
	}
	if !ended(t, here) {
		t.Error("a connection that both ends have closed is not over")
	}
}

func TestLeftAfterAReset(t *testing.T) {
	here, there := pair(t)
	fill(t, here)
	stuck, _ := left(t, here)
	if err := there.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := there.Close(); err != nil { // with unread bytes and without lingering: a reset
		t.Fatal(err)
	}
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read: %v; want a reset", err)
	}
	if n, lost := left(t, here); n != stuck || !lost {
		t.Errorf("%d bytes are unacknowledged after the reset, lost %v; want %d and true", n, lost, stuck)
	}
}

func TestLostAfterAResetBehindAnEnd(t *testing.T) {
	here, there := pair(t)
	fill(t, here)
	stuck, _ := left(t, here)
	if err := there.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("read: %v; want the end", err)
	}
	if _, lost := left(t, here); lost || ended(t, here) {
		t.Errorf("one end has closed its side, and what was written is lost: %v, the connection over: %v", lost, ended(t, here))
	}
	if err := there.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := there.Close(); err != nil {
		t.Fatal(err)
	}
	if n, lost := left(t, here); n != stuck || !lost {
		t.Errorf("%d bytes unacknowledged, lost %v after the reset; want %d and true", n, lost, stuck)
	}
}

func TestLeftAfterClose(t *testing.T) {
	here, _ := pair(t)
	raw, err := here.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := here.Close(); err != nil {
		t.Fatal(err)
	}
	if n, lost, err := Left(raw); err == nil {
		t.Errorf("a closed connection has %d unacknowledged bytes, lost %v", n, lost)
	}
	if over, err := Over(raw); err == nil {
		t.Errorf("a closed connection has a state; over: %v", over)
	}
}

// TestNothingIsLostBehindAPoliteEnd looks all the time, so that some looks meet the last acknowledgement and the end.
func TestNothingIsLostBehindAPoliteEnd(t *testing.T) {
	for range 2000 {
		here, there := pair(t)
		go func() {
			_, _ = io.Copy(io.Discard, there)
			there.Close()
		}()
		if _, err := here.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if err := here.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for n, lost := left(t, here); n > 0; n, lost = left(t, here) {
			if lost {
				t.Fatalf("%d bytes are lost, and the reader has read all", n)
			}
		}
		here.Close()
	}
}
