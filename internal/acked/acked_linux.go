// Package acked tells how much of what was written to a TCP connection its other end has acknowledged.
//
// A write that succeeds says only that this kernel has taken the bytes. Acknowledged means that the other end's kernel has them, which is
// as much as TCP can tell: whether the program there reads them, it does not say.
package acked

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Bytes is how many bytes written to a TCP connection its other end has not acknowledged, sent or not. Once this side is closed for
// writing, its FIN counts as one byte more until that is acknowledged too. After a reset, Bytes is what was unacknowledged when the reset
// came, so that it is known what the other end may not have; after the connection was closed here, it is an error.
func Bytes(conn syscall.RawConn) (unacked int, err error) {
	controlErr := conn.Control(func(fd uintptr) {
		unacked, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	if controlErr != nil {
		err = controlErr
	}
	if err != nil {
		return 0, fmt.Errorf("ask for unacknowledged bytes: %w", err)
	}
	return unacked, nil
}

// Over reports whether both sides of a TCP connection have ended, by a reset or in order, so that nothing more will be acknowledged.
// Whoever waits for acknowledgements must look here too: once the other end has closed its side, a reset that follows wakes no reader.
func Over(conn syscall.RawConn) (over bool, err error) {
	controlErr := conn.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		if info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			over = info.State == unix.BPF_TCP_CLOSE
		}
	})
	if controlErr != nil {
		err = controlErr
	}
	if err != nil {
		return false, fmt.Errorf("ask for the state of a connection: %w", err)
	}
	return over, nil
}
