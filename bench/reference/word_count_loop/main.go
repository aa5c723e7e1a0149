// Command word_count_loop is the word count as a Go program of one loop: what Wallaroo's throughput is compared with.
//
// It does by hand what the example application has Wallaroo do, with the example's own functions, which stand in words.go: one connection
// in, one out, buffers of 64 KiB, state kept for each partition key. Output is written when it fills a buffer, and whenever there is no
// more input to read. When it listens it says so on standard error, in the words of `wallaroo run`. It ends when its input ends.
//
//	word_count_loop --in 127.0.0.1:0 --out 127.0.0.1:7002
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

const (
	buffer = 64 << 10
	header = 4
)

func main() {
	in := flag.String("in", "127.0.0.1:0", "`HOST:PORT` to listen at for frames")
	out := flag.String("out", "", "`HOST:PORT` to send the counts to")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "word_count_loop:", err)
		os.Exit(1)
	}
}

// run connects, listens for one sender, and counts what it sends.
func run(in, out string) error {
	sink, err := net.Dial("tcp", out)
	if err != nil {
		return err
	}
	defer sink.Close()
	listener, err := net.Listen("tcp", in)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "level=INFO msg=ready application=\"Word Count Loop\" sources=\"loop=%s\"\n", listener.Addr())
	source, err := listener.Accept()
	if err != nil {
		return err
	}
	defer source.Close()
	listener.Close()
	raw, err := source.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	return (&loop{source: source, raw: raw, sink: sink, states: map[string]*WordTotals{}, in: make([]byte, 2*buffer)}).count()
}

// loop is what the counting keeps.
type loop struct {
	source net.Conn
	raw    syscall.RawConn
	sink   io.Writer
	states map[string]*WordTotals
	in     []byte
	rest   int // bytes at the start of in that are not a whole frame
	out    []byte
}

// count counts the words of all frames that come, until the source ends.
func (l *loop) count() error {
	for {
		n, err := l.read()
		if errors.Is(err, io.EOF) {
			return l.flush()
		}
		if err != nil {
			return err
		}
		if err := l.frames(l.rest + n); err != nil {
			return err
		}
		if len(l.out) >= buffer {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
}

// read reads what is there; if nothing is, it writes the output first, and waits.
func (l *loop) read() (int, error) {
	into := l.in[l.rest:]
	into = into[:min(len(into), buffer)]
	n, err := 0, error(nil)
	if failed := l.raw.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), into)
		return true
	}); failed != nil {
		return 0, failed
	}
	switch {
	case err == nil && n == 0:
		return 0, io.EOF
	case err == nil:
		return n, nil
	case !errors.Is(err, syscall.EAGAIN):
		return 0, err
	}
	if err := l.flush(); err != nil {
		return 0, err
	}
	return l.source.Read(into)
}

// frames counts the words of the whole frames among the first bytes of the input, and keeps the rest.
func (l *loop) frames(end int) (err error) {
	data := l.in[:end]
	for len(data) >= header {
		length := int(binary.BigEndian.Uint32(data))
		if length > len(l.in)-header {
			return fmt.Errorf("a frame of %d bytes is longer than the buffer", length)
		}
		if length > len(data)-header {
			break
		}
		text, err := decode(data[header : header+length])
		if err != nil {
			return err
		}
		for word := range split(text) {
			if l.out, err = encode(l.state(firstLetter(word)).Count(word), l.out); err != nil {
				return err
			}
			l.out = append(l.out, '\n')
		}
		data = data[header+length:]
	}
	l.rest = copy(l.in, data)
	return nil
}

func (l *loop) state(key string) *WordTotals {
	state := l.states[key]
	if state == nil {
		state = &WordTotals{}
		l.states[key] = state
	}
	return state
}

func (l *loop) flush() error {
	_, err := l.sink.Write(l.out)
	l.out = l.out[:0]
	return err
}
