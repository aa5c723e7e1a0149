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

// Left is how many bytes written to a TCP connection its other end has not acknowledged, sent or not, and whether it never will: the
// connection is over. Once this side is closed for writing, its FIN counts as one byte more until that is acknowledged too. After a reset,
// Left is what was unacknowledged when the reset came, so that it is known what the other end may not have; after the connection was closed
// here, it is an error.
//
// Whoever waits for acknowledgements must look at lost too: once the other end has closed its side, a reset that follows wakes no reader.
func Left(conn syscall.RawConn) (unacked int, lost bool, err error) {
	err = ask(conn, "unacknowledged bytes", func(fd int) error {
		if unacked, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ); err != nil || unacked == 0 {
			return err
		}
		if lost, err = over(fd); err != nil || !lost {
			return err
		}
		// The last acknowledgement and the end may have come between the two questions. Now nothing comes any more.
		unacked, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		lost = unacked > 0
		return err
	})
	return unacked, lost, err
}

// Over reports whether both sides of a TCP connection have ended, by a reset or in order, so that nothing more will be acknowledged. It is
// an error after the connection was closed here.
func Over(conn syscall.RawConn) (ended bool, err error) {
	err = ask(conn, "the state of a connection", func(fd int) error {
		ended, err = over(fd)
		return err
	})
	return ended, err
}

func over(fd int) (bool, error) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && info.State == unix.BPF_TCP_CLOSE, err
}

func ask(conn syscall.RawConn, what string, question func(fd int) error) error {
	var err error
	if controlErr := conn.Control(func(fd uintptr) { err = question(int(fd)) }); controlErr != nil {
		err = controlErr
	}
	if err != nil {
		return fmt.Errorf("ask for %s: %w", what, err)
	}
	return nil
}
