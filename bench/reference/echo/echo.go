// Package echo is what latencies are compared with: a program that gives back what it gets and does nothing else.
package echo

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/wallaroo-stream/wallaroo/bench/program"
)

// Word is the first argument by which a program that holds this package becomes an echo; the addresses in and out of Run follow it.
const Word = "echo"

// bufferSize is how many bytes are read at a time.
const bufferSize = 64 << 10

// Command returns how to run the echo as a process of its own. The main of the executable must hand over to Run when its first argument is
// Word.
func Command(executable, out string) program.Command {
	return program.Command{Name: Word, Path: executable, Args: []string{Word, program.AnyPort, out}, EndsWithInput: true}
}

// Run connects to the address out, listens at the address in, says where on log in the words of `wallaroo run`, accepts one connection and
// writes to out what comes over it. It returns when the input ends, with nil, or when ctx ends.
func Run(ctx context.Context, in, out string, log io.Writer) error {
	var dialer net.Dialer
	sink, err := dialer.DialContext(ctx, "tcp", out)
	if err != nil {
		return fmt.Errorf("connect to the receiver: %w", err)
	}
	defer sink.Close()
	source, err := acceptOne(ctx, in, log)
	if err != nil {
		return fmt.Errorf("accept a sender: %w", err)
	}
	defer source.Close()
	defer context.AfterFunc(ctx, func() { source.Close(); sink.Close() })()
	if err := copyAll(sink, source); err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	return nil
}

func acceptOne(ctx context.Context, in string, log io.Writer) (net.Conn, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", in)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	fmt.Fprintf(log, "level=INFO msg=ready application=\"Echo\" sources=\"echo=%s\"\n", listener.Addr())
	return listener.Accept()
}

// copyAll reads and writes, unlike io.Copy, which would have the kernel move the bytes past the program: an echo that only forwards
// inside the kernel is no measure for a program that looks at them.
func copyAll(sink io.Writer, source io.Reader) error {
	buffer := make([]byte, bufferSize)
	for {
		n, err := source.Read(buffer)
		if _, err := sink.Write(buffer[:n]); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
