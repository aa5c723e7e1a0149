package command

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// semanticsRow is a row of the table in python/tests/semantics.py: what comes of messages for one pipeline.
type semanticsRow struct {
	Says     string
	Pipeline string
	Sends    []string // in hexadecimal
	Comes    []string
	Fails    []semanticsFailure
}

// semanticsFailure is a record of the log about a message that a step could not process.
type semanticsFailure struct {
	Step, Error, Key string
	Names            string `json:",omitempty"` // the function whose line is told
	Traceback        string `json:",omitempty"`
}

// semanticsRun is the application of that file as it runs, with a receiver for each pipeline.
type semanticsRun struct {
	*process
	table     string
	listeners []net.Listener
	sources   map[string]*net.TCPConn
	sinks     map[string]*bufio.Reader
	failed    int
}

// TestSemantics runs every row of the table that the tests of the Python package run too.
func TestSemantics(t *testing.T) {
	for name, flags := range map[string][]string{
		"one executor":              {"--executors", "1"},
		"two executors":             {"--executors", "2"},
		"with functions of its own": {"--executors", "2", "--own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := startSemantics(t, flags...)
			for _, row := range run.rows() {
				run.row(row, flags[1] == "1")
			}
			run.travel(flags[1] == "1")
			run.loadedOnce()
		})
	}
}

// TestPlansThatDiffer runs an application that is another one in each process.
func TestPlansThatDiffer(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "fickle.py", "--executors", "2")
	if code := p.exitCode(); code != 2 {
		t.Errorf("exit code %d", code)
	}
	p.stderr.await(t, `fickle\.py: two processes came to different applications: what it declares must not depend on chance or time`)
}

func startSemantics(t *testing.T, flags ...string) *semanticsRun {
	t.Helper()
	table := filepath.Join(t.TempDir(), "table.json")
	run := &semanticsRun{table: table, sources: map[string]*net.TCPConn{}, sinks: map[string]*bufio.Reader{}}
	var ins, outs []string
	for range 32 { // more than it has pipelines
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		run.listeners = append(run.listeners, listener)
		ins, outs = append(ins, ":0"), append(outs, listener.Addr().String())
	}
	flags = append(flags, "--in", strings.Join(ins, ","), "--out", strings.Join(outs, ","), "--table", table, "--log-format", "json")
	tests := filepath.Join("..", "..", "python", "tests")
	for _, name := range []string{"semantics.py", "semantics_parts.py"} { // so that go test knows that its result depends on them
		if _, err := os.Stat(filepath.Join(tests, name)); err != nil {
			t.Fatal(err)
		}
	}
	run.process = startApplication(t, "wallaroo", filepath.Join("..", "..", tests, "semantics.py"), flags...)
	return run
}

// rows reads the table that the application wrote, and opens the connections to its pipelines.
func (r *semanticsRun) rows() []semanticsRow {
	r.t.Helper()
	var ready struct{ Sources map[string]string }
	r.unmarshal([]byte(r.stderr.await(r.t, `(\{[^\n]*"msg":"ready"[^\n]*\})\n`)[1]), &ready)
	data, err := os.ReadFile(r.table)
	if err != nil {
		r.t.Fatal(err)
	}
	var table struct {
		Pipelines []string
		Rows      []semanticsRow
	}
	r.unmarshal(data, &table)
	for n, pipeline := range table.Pipelines {
		conn, err := net.Dial("tcp", ready.Sources[pipeline])
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { conn.Close() })
		r.sources[pipeline] = conn.(*net.TCPConn)
		if pipeline == "done" {
			continue // it has no sink
		}
		conn, err = r.listeners[n].Accept()
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { conn.Close() })
		r.sinks[pipeline] = bufio.NewReader(conn)
	}
	return table.Rows
}

// row sends what a row says, and demands what it says; in order, if there is one executor.
func (r *semanticsRun) row(row semanticsRow, ordered bool) {
	r.t.Helper()
	var messages []string
	for _, text := range row.Sends {
		message, err := hex.DecodeString(text)
		if err != nil {
			r.t.Fatal(err)
		}
		messages = append(messages, string(message))
	}
	send(r.t, r.sources[row.Pipeline], messages...)
	want := slices.DeleteFunc(row.Comes, func(line string) bool { return line == "" })
	for i := range want {
		want[i] = strings.TrimSuffix(want[i], "\n")
	}
	var got []string
	if len(want) > 0 {
		got = lines(r.t, r.sinks[row.Pipeline], len(want))
	}
	failures := r.failures(len(row.Fails))
	if !ordered {
		slices.Sort(got)
		slices.Sort(want)
		slices.SortFunc(failures, semanticsFailure.compare)
		slices.SortFunc(row.Fails, semanticsFailure.compare)
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("%s: %q came; want %q", row.Says, got, want)
	}
	for i, want := range row.Fails {
		got := failures[i]
		line := ", in " + want.Names + "\n"
		if got.compare(want) != 0 || !strings.Contains(got.Traceback, `semantics_parts.py", line `) || !strings.Contains(got.Traceback, line) {
			r.t.Errorf("%s:\n%+v was told; want\n%+v", row.Says, got, want)
		}
	}
}

func (f semanticsFailure) compare(other semanticsFailure) int {
	return strings.Compare(f.Step+f.Key+f.Error, other.Step+other.Key+other.Error)
}

// failures awaits so many more records of failures.
func (r *semanticsRun) failures(n int) []semanticsFailure {
	r.t.Helper()
	failed := `[^\n]*"msg":"a step failed[^\n]*\n`
	r.stderr.await(r.t, fmt.Sprintf(`(?s)(?:%s.*?){%d}`, failed, r.failed+n))
	var failures []semanticsFailure
	for line := range strings.Lines(r.stderr.String()) {
		if !strings.Contains(line, `"msg":"a step failed`) {
			continue
		}
		var f semanticsFailure
		r.unmarshal([]byte(line), &f)
		failures = append(failures, f)
	}
	if len(failures) != r.failed+n {
		r.t.Fatalf("%d failures are told; want %d", len(failures), r.failed+n)
	}
	r.failed += n
	return failures[len(failures)-n:]
}

// travel sends messages some of which cannot go to another executor, or cannot be read there, and ends the application: those fail whose
// key belongs elsewhere.
func (r *semanticsRun) travel(alone bool) {
	r.t.Helper()
	const each = 30
	kinds := []string{"goes", "cannot leave", "cannot be read"}
	var messages []string
	for n := range each {
		for _, kind := range kinds {
			messages = append(messages, fmt.Sprintf("%s %d", kind, n))
		}
	}
	send(r.t, r.sources["travel"], messages...)
	for _, conn := range r.sources {
		conn.Close()
	}
	r.signal(syscall.SIGTERM)
	rest, err := io.ReadAll(r.sinks["travel"])
	if code := r.exitCode(); err != nil || code != 0 {
		r.t.Fatalf("%v; exit code %d", err, code)
	}
	came, failed := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(rest)) {
		came[line[:strings.LastIndex(line, " ")]]++
	}
	for _, f := range r.failures(len(messages) - strings.Count(string(rest), "\n")) {
		if f.Step != "travel/arrive" || !strings.Contains(f.Traceback, ", in pack_up\n") {
			r.t.Errorf("%+v", f)
		}
		failed[strings.Trim(f.Key[:strings.LastIndex(f.Key, " ")], "'")]++
	}
	for _, kind := range kinds {
		fails := !alone && kind != "goes"
		if came[kind]+failed[kind] != each || (failed[kind] > 0) != fails {
			r.t.Errorf("%q: %d came and %d failed", kind, came[kind], failed[kind])
		}
	}
}

func (r *semanticsRun) unmarshal(data []byte, into any) {
	r.t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		r.t.Fatalf("%v in %s", err, data)
	}
}

// loadedOnce demands that what loading wrote and logged came once, though each executor loads the application.
func (r *semanticsRun) loadedOnce() {
	r.t.Helper()
	if printed := r.stdout.String(); printed != "loaded\n" {
		r.t.Errorf("standard output is %q", printed)
	}
	log := r.stderr.String()
	if strings.Count(log, `"msg":"loaded","logger"`) != 1 || strings.Count(log, `"msg":"loaded","stream"`) != 1 {
		r.t.Errorf("not once:\n%s", log)
	}
}
