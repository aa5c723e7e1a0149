package connector_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/connector"
)

// fileLines is a source whose messages are the lines of a file. Opening it is what a connector's package offers to its users, as
// tcp.Listen is.
func fileLines[T any](path string, decode func(line []byte) (T, error)) wallaroo.Source[T] {
	origin := connector.Origin{
		Kind: "file",
		Open: func(s connector.Setup) (connector.Source, error) { return &fileSource{Setup: s, path: path}, nil },
	}
	if path == "" {
		origin.Wrong = errors.New("fileLines: the file has no name")
	}
	return wallaroo.Source[T]{Origin: origin, Decode: decode}
}

// fileSource is the source of one run. It is one connection, so that the lines keep their order.
type fileSource struct {
	connector.Setup
	path string
	file *os.File
}

// ID is the source's identity.
func (f *fileSource) ID() string { return f.Setup.ID }

// Listen opens the file, so that one that is not there is told before anything runs.
func (f *fileSource) Listen() (string, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return "", &connector.ListenError{Source: f.Setup.ID, Err: err}
	}
	f.file = file
	return f.path, nil
}

// Close closes the file.
func (f *fileSource) Close() {
	if f.file != nil {
		_ = f.file.Close() // it was read
	}
}

// batchBytes is how much is read before it is handed on.
const batchBytes = 64 << 10

// Run hands the lines on, and waits until it may end.
func (f *fileSource) Run(ctx, stop context.Context, inlet connector.Inlet) error {
	defer f.Close()
	to := inlet.Connect(f.path)
	defer to.Close()
	lines := bufio.NewScanner(f.file)
	lines.Buffer(nil, f.MaxMessage)
	more := true
	for more && stop.Err() == nil {
		batch := connector.Batch{Ingest: time.Now().UnixNano()}
		for len(batch.Payload) < batchBytes {
			if more = lines.Scan(); !more {
				break
			}
			batch.Append(lines.Bytes())
		}
		if batch.Count() == 0 {
			break
		}
		if err := to.Send(ctx, batch); err != nil { // it waits as long as what is behind stands still
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("source %q: %s: %w", f.Setup.ID, f.path, err)
	}
	<-stop.Done()
	return nil
}

// toWriter is a sink that writes messages, as they are encoded, to a writer.
func toWriter[T any](w io.Writer, encode func(message T, dst []byte) ([]byte, error)) wallaroo.Sink[T] {
	return wallaroo.Sink[T]{
		Destination: connector.Destination{
			Kind: "writer",
			Open: func(s connector.Setup) (connector.Sink, error) { return &writerSink{Setup: s, to: w}, nil },
		},
		Encode: encode,
	}
}

// writerSink is the sink of one run.
type writerSink struct {
	connector.Setup
	to io.Writer
}

// ID is the sink's identity.
func (w *writerSink) ID() string { return w.Setup.ID }

// Connect does nothing: a writer is there.
func (w *writerSink) Connect(context.Context) error { return nil }

// Close does nothing: the writer is the user's.
func (w *writerSink) Close() {}

// Run writes what comes.
func (w *writerSink) Run(ctx context.Context, outlet connector.Outlet) error {
	for {
		for batch, ok := outlet.Take(); ok; batch, ok = outlet.Take() {
			if _, err := w.to.Write(batch.Payload); err != nil {
				return fmt.Errorf("sink %q: %w", w.Setup.ID, err)
			}
			outlet.Delivered(batch.Count(), len(batch.Payload))
		}
		if outlet.Closed() {
			return nil
		}
		select {
		case <-outlet.Items():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Example runs an application from a file to a writer.
func Example() {
	path := filepath.Join(os.TempDir(), fmt.Sprint("wallaroo-example-", os.Getpid()))
	if err := os.WriteFile(path, []byte("hello\nworld\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.Remove(path) }()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	app := wallaroo.New("Shout")
	app.From("lines", fileLines(path, func(line []byte) (string, error) { return string(line), nil })).
		Map("shout", strings.ToUpper).
		To("out", toWriter(lastLine{"WORLD\n", stop}, func(text string, dst []byte) ([]byte, error) { return append(dst, text+"\n"...), nil }))
	if err := app.Run(ctx, wallaroo.Config{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// HELLO
	// WORLD
}

// lastLine writes to standard output, and calls a function behind a last line.
type lastLine struct {
	text string
	done func()
}

func (l lastLine) Write(data []byte) (int, error) {
	if strings.HasSuffix(string(data), l.text) {
		defer l.done()
	}
	return fmt.Print(string(data))
}
