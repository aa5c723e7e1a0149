package sockets

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

// TestAnIdleSinkSeesThatAReceiverWhichClosedItsSideHasEnded has nothing to write, and nothing to read any more, when the reset comes: the
// answer of a kernel that is asked for a receiver that was killed a while ago.
func TestAnIdleSinkSeesThatAReceiverWhichClosedItsSideHasEnded(t *testing.T) {
	s := startSystem(t, connector.Setup{}, framing.U32BE)
	receiver := s.accept().(*net.TCPConn)
	if err := receiver.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	s.await("level=INFO", "the sink's receiver has closed its side", "sink=p/sink")
	sender := s.dial(<-s.address)
	mustWrite(t, sender, framed("a"))
	if got := make([]byte, 2); !readsA(receiver, got) {
		t.Fatalf("a receiver that closed its side only got %q", got)
	}
	reset(receiver)
	s.await("the sink's connection broke")
	again := s.accept()
	sender.Close()
	s.await("connection closed", "messages=1")
	if got := s.finish(again); got != "" && got != "a\n" { // it may have been acknowledged, or not looked for yet
		t.Errorf("received %q on the next connection", got)
	}
}

func readsA(conn net.Conn, got []byte) bool {
	n, err := conn.Read(got)
	return err == nil && string(got[:n]) == "a\n"
}

func TestASinkHasItsKernelAskForTheReceiver(t *testing.T) {
	s := startSystem(t, connector.Setup{}, framing.U32BE)
	receiver := s.accept()
	raw, err := (<-s.dialled).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var idle int
	var failed error
	err = raw.Control(func(fd uintptr) { idle, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_KEEPIDLE) })
	if err != nil || failed != nil || idle != int(keepAlive.Idle.Seconds()) {
		t.Errorf("asked after %d s without data, %v, %v", idle, err, failed)
	}
	<-s.address
	s.finish(receiver)
}
