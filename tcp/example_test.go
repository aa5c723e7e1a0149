package tcp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/tcp"
)

func decodeText(data []byte) (string, error) { return string(data), nil }

func encodeText(text string, dst []byte) ([]byte, error) { return append(dst, text...), nil }

// exchange runs an application, sends bytes to its source, and prints the bytes that its sink sends: so many, and no more.
func exchange(app *wallaroo.App, bytes string, count int) {
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer receiver.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ready, ended := make(chan string), make(chan error)
	go func() {
		ended <- app.Run(ctx, wallaroo.Config{
			In: []string{"127.0.0.1:0"}, Out: []string{receiver.Addr().String()}, Executors: 1,
			Ready: func(addresses map[string]string) { ready <- addresses["texts"] },
		})
	}()
	results, err := receiver.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	sender, err := net.Dial("tcp", <-ready)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = io.WriteString(sender, bytes)
	came := make([]byte, count)
	_, readErr := io.ReadFull(results, came)
	fmt.Printf("%q\n", came)
	closeErr := sender.Close()
	stop()
	rest, restErr := io.ReadAll(results)
	if err := errors.Join(err, readErr, closeErr, restErr, <-ended); err != nil || len(rest) > 0 {
		fmt.Printf("%q, %v\n", rest, err)
	}
}

// A source whose frames have their length before them, in 4 bytes, and messages that are numbers.
func ExampleListen() {
	number := func(data []byte) (int, error) { return strconv.Atoi(string(data)) }
	app := wallaroo.New("Double")
	app.From("texts", tcp.Listen("", tcp.Frames(4, binary.BigEndian), number)).
		Map("double", func(n int) string { return strconv.Itoa(2 * n) }).
		To("out", tcp.Dial("", tcp.Lines(), encodeText))
	exchange(app, "\x00\x00\x00\x0221\x00\x00\x00\x017", len("42\n14\n"))
	// Output: "42\n14\n"
}

// A sink of numbers as they lie in memory, each in 2 bytes, behind its length in one.
func ExampleDial() {
	encode := func(length int, dst []byte) ([]byte, error) {
		return binary.LittleEndian.AppendUint16(dst, uint16(length)), nil
	}
	app := wallaroo.New("Lengths")
	app.From("texts", tcp.Listen("", tcp.Lines(), decodeText)).
		Map("length", func(text string) int { return len(text) }).
		To("out", tcp.Dial("", tcp.Frames(1, binary.LittleEndian), encode))
	exchange(app, "hello\n\n", 6)
	// Output: "\x02\x05\x00\x02\x00\x00"
}

func ExampleFrames() {
	app := wallaroo.New("Frames")
	app.From("texts", tcp.Listen("", tcp.Frames(2, binary.LittleEndian), decodeText)).
		To("out", tcp.Dial("", tcp.Frames(4, binary.BigEndian), encodeText))
	exchange(app, "\x02\x00hi", 6)
	// Output: "\x00\x00\x00\x02hi"
}

func ExampleLines() {
	app := wallaroo.New("Lines")
	app.From("texts", tcp.Listen("", tcp.Lines(), decodeText)).
		Map("quote", strconv.Quote).
		To("out", tcp.Dial("", tcp.Lines(), encodeText))
	exchange(app, "one\ntwo\n", len("'one'\n'two'\n"))
	// Output: "\"one\"\n\"two\"\n"
}

func ExampleRaw() {
	app := wallaroo.New("Raw")
	app.From("texts", tcp.Listen("", tcp.Lines(), decodeText)).
		To("out", tcp.Dial("", tcp.Raw(), encodeText))
	exchange(app, "one\ntwo\n", len("onetwo"))
	// Output: "onetwo"
}

// Each message of a stream is taken once, and the receiver has each result once. Such a sink needs a data directory.
func ExampleResumable_bothSides() {
	app := wallaroo.New("Once")
	app.From("texts", tcp.Listen("", tcp.Resumable(), decodeText)).
		Map("shout", strings.ToUpper).
		To("out", tcp.Dial("", tcp.Resumable(), encodeText))
	wallaroo.Main(app)
}

// A source that takes each message of a stream once: the one that comes again, on whatever connection, is dropped.
func ExampleResumable() {
	app := wallaroo.New("Once")
	app.From("texts", tcp.Listen("", tcp.Resumable(), decodeText)).
		To("out", tcp.Dial("", tcp.Lines(), encodeText))
	sent := resumable.Append(resumable.Preamble(), &resumable.StreamHello{Stream: "greetings", First: 1})
	for _, text := range []string{"hello", "hello"} {
		greeting := connector.Batch{Sizes: []uint32{uint32(len(text))}, Payload: []byte(text)}
		sent = resumable.Append(sent, &resumable.Messages{Number: 1, Batch: greeting})
	}
	exchange(app, string(sent), len("hello\n"))
	// Output: "hello\n"
}
