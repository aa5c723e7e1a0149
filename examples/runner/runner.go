// Package runner runs the examples in Go in their tests, over the data of the examples in Python: through sockets, on one executor and on
// several. Results are compared per key, as run_example.py does, which runs the programs themselves.
package runner

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo"
)

// Example is what goes in, one input after the other, and what comes out, in the order of the application's sinks without an address.
type Example struct {
	Folder  string // in examples/python
	Inputs  []Input
	Outputs []Output
}

// Input is a file that is sent to the source of a pipeline.
type Input struct {
	Pipeline string
	File     string
	// Lines says that each line of the file is sent in a frame. Otherwise the file has frames.
	Lines bool
	// Until is the output, its number behind 1, whose results must all have come before the next input is sent; 0 is none.
	Until int
}

// Output is what comes from a sink.
type Output struct {
	File string // what is expected, a line for each result
	// Key is a pattern that finds the key in a result; "" finds the same everywhere: all is in one order.
	Key string
	// Next reads a result, and makes a line of it as the file has it; nil is for a line. At the end it returns io.EOF.
	Next func(*bufio.Reader) (string, error)
}

// Record reads results that are records of bytes, big-endian, behind their length in 4 bytes, and has line make lines of them.
func Record[R any](line func(R) string) func(*bufio.Reader) (string, error) {
	return func(from *bufio.Reader) (string, error) {
		var length uint32
		if err := binary.Read(from, binary.BigEndian, &length); err != nil {
			return "", err
		}
		frame := make([]byte, length)
		if _, err := io.ReadFull(from, frame); err != nil {
			return "", err
		}
		var record R
		if n, err := binary.Decode(frame, binary.BigEndian, &record); err != nil || n != len(frame) {
			return "", fmt.Errorf("a frame of %d bytes, %d of which are a record: %w", len(frame), n, err)
		}
		return line(record), nil
	}
}

// Number writes a number with a point in it, as the files have it.
func Number(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// Test runs an example on 1, 2 and 4 executors.
func Test(t *testing.T, application func() *wallaroo.App, e Example) {
	t.Helper()
	for _, executors := range []int{1, 2, 4} {
		t.Run(fmt.Sprint("executors=", executors), func(t *testing.T) {
			t.Parallel()
			for number, results := range e.run(t, application(), executors) {
				output := e.Outputs[number]
				for _, difference := range differences(output.expected(t, e.Folder), results, regexp.MustCompile(output.Key)) {
					t.Errorf("%s, %s", output.File, difference)
				}
			}
		})
	}
}

// run runs the application until all inputs are through, and returns what comes from each sink.
func (e *Example) run(t *testing.T, app *wallaroo.App, executors int) [][]string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready := make(chan map[string]string, 1)
	config := wallaroo.Config{Executors: executors, Ready: func(addresses map[string]string) { ready <- addresses }}
	var receivers []*receiver
	for number := range e.Outputs {
		r := e.listen(t, number)
		receivers = append(receivers, r)
		config.Out = append(config.Out, r.address)
	}
	for range e.Inputs {
		config.In = append(config.In, "127.0.0.1:0")
	}
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, config) }()
	select {
	case addresses := <-ready:
		for _, input := range e.Inputs {
			input.send(t, e.Folder, addresses[input.Pipeline])
			if input.Until > 0 {
				receivers[input.Until-1].await(t)
			}
		}
	case err := <-ended:
		t.Fatal(err)
	}
	stop() // what has arrived is processed and delivered
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var results [][]string
	for _, r := range receivers {
		results = append(results, r.wait(t))
	}
	return results
}

func read(t *testing.T, folder, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "python", folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (o *Output) expected(t *testing.T, folder string) []string {
	t.Helper()
	return strings.Split(strings.TrimSuffix(string(read(t, folder, o.File)), "\n"), "\n")
}

// send sends the file; it has arrived when this returns.
func (i *Input) send(t *testing.T, folder, address string) {
	t.Helper()
	data := read(t, folder, i.File)
	if i.Lines {
		var frames []byte
		for line := range bytes.SplitSeq(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
			frames = append(binary.BigEndian.AppendUint32(frames, uint32(len(line))), line...)
		}
		data = frames
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil { // the source ends the connection when it has read all
		t.Fatal(err)
	}
}

// receiver takes what one sink sends.
type receiver struct {
	address string
	enough  chan struct{} // closed when as many results have come as are expected
	running sync.WaitGroup
	results []string
	err     error
}

func (e *Example) listen(t *testing.T, number int) *receiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	output := e.Outputs[number]
	next, wanted := output.Next, len(output.expected(t, e.Folder))
	if next == nil {
		next = line
	}
	r := &receiver{address: listener.Addr().String(), enough: make(chan struct{})}
	r.running.Go(func() {
		defer listener.Close()
		r.receive(listener, next, wanted)
	})
	t.Cleanup(func() { listener.Close() })
	return r
}

func (r *receiver) receive(listener net.Listener, next func(*bufio.Reader) (string, error), wanted int) {
	conn, err := listener.Accept()
	if err != nil {
		r.err = err
		return
	}
	defer conn.Close()
	from := bufio.NewReader(conn)
	for {
		result, err := next(from)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.err = err
			return
		}
		r.results = append(r.results, result)
		if len(r.results) == wanted {
			close(r.enough)
		}
	}
}

// patience is for what must come. Only what has gone wrong waits so long.
const patience = time.Minute

// await waits until all results have come that are expected.
func (r *receiver) await(t *testing.T) {
	t.Helper()
	select {
	case <-r.enough:
	case <-time.After(patience):
		t.Fatalf("not all results have come in %v", patience)
	}
}

// wait returns the results when the sink has ended.
func (r *receiver) wait(t *testing.T) []string {
	t.Helper()
	r.running.Wait()
	if r.err != nil {
		t.Error(r.err)
	}
	return r.results
}

// line reads a line.
func line(from *bufio.Reader) (string, error) {
	text, err := from.ReadString('\n')
	return strings.TrimSuffix(text, "\n"), err
}

// differences compares results with what is expected, per key, and says for each key where the first difference is.
func differences(expected, results []string, key *regexp.Regexp) []string {
	wanted, got := byKey(expected, key), byKey(results, key)
	var found []string
	for _, name := range keysOf(wanted, got) {
		if place := firstDifference(wanted[name], got[name]); place >= 0 {
			found = append(found, fmt.Sprintf("result %d of %q: expected %s, received %s",
				place+1, name, at(wanted[name], place), at(got[name], place)))
		}
	}
	return found
}

// byKey is the results of each key in their order; one without a key is its own.
func byKey(results []string, key *regexp.Regexp) map[string][]string {
	groups := map[string][]string{}
	for _, result := range results {
		name := result
		if found := key.FindStringIndex(result); found != nil {
			name = result[found[0]:found[1]]
		}
		groups[name] = append(groups[name], result)
	}
	return groups
}

func keysOf(wanted, got map[string][]string) []string {
	var names []string
	for _, of := range []map[string][]string{wanted, got} {
		for name := range of {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// firstDifference is where two lists begin to differ, or -1.
func firstDifference(a, b []string) int {
	for place := range max(len(a), len(b)) {
		if place >= len(a) || place >= len(b) || a[place] != b[place] {
			return place
		}
	}
	return -1
}

func at(results []string, place int) string {
	if place >= len(results) {
		return "none"
	}
	return results[place]
}
