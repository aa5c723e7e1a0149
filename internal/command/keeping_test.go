package command

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/status"
)

// victim is a process that is killed now and then.
type victim struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   *capture
	ended chan struct{} // closed when it has ended
}

func startVictim(t *testing.T, command ...string) *victim {
	t.Helper()
	v := &victim{t: t, cmd: exec.Command(command[0], command[1:]...), log: newCapture(), ended: make(chan struct{})}
	v.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	v.cmd.Stderr = theirs
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	go func() { // until all are gone that have the pipe, Python processes too
		defer ours.Close()
		_, _ = io.Copy(v.log, ours)
	}()
	go func() {
		defer close(v.ended)
		_ = v.cmd.Wait()
	}()
	t.Cleanup(v.kill)
	return v
}

// kill kills it, if it has not ended, and returns when it is gone. Its children may not be.
func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	<-v.ended
}

// lives demands that it has not ended by itself.
func (v *victim) lives() {
	v.t.Helper()
	select {
	case <-v.ended:
		v.t.Fatalf("%s ended by itself, %s:\n%s", v.cmd, v.cmd.ProcessState, v.log)
	default:
	}
}

// done demands that it ends with exit code 0, and says how many it took.
func (v *victim) done() {
	v.t.Helper()
	select {
	case <-v.ended:
	case <-time.After(2 * patience):
		v.t.Fatalf("%s does not end:\n%s", v.cmd, v.log)
	}
	if !v.cmd.ProcessState.Success() {
		v.t.Fatalf("%s ended, %s:\n%s", v.cmd, v.cmd.ProcessState, v.log)
	}
}

// keeping is an application with a data directory, its receiver and its senders, all of which may be killed.
type keeping struct {
	t        *testing.T
	chance   *rand.Rand
	language string
	files    string // the folder of the input and the output
	data     string // the data directory
	in, out  string // addresses
	inputs   [][]string
	flags    []string

	worker, receiver *victim
	senders          []*victim

	deaths int    // of Python processes since
	newest string // was the last checkpoint
}

const keptSenders = 2

func newKeeping(t *testing.T, language string, seed uint64, lines int) *keeping {
	t.Helper()
	k := &keeping{t: t, chance: rand.New(rand.NewPCG(seed, 5)), language: language, files: t.TempDir()}
	k.data = filepath.Join(k.files, "data")
	k.in, k.out = quietAddress(t), quietAddress(t)
	for s := range keptSenders {
		var input []string
		for range lines {
			line := make([]string, 8)
			for w := range line {
				line[w] = fmt.Sprintf("s%d-%d=%d", s, k.chance.IntN(150), k.chance.IntN(1000))
			}
			input = append(input, strings.Join(line, " "))
		}
		k.inputs = append(k.inputs, input)
		if err := os.WriteFile(k.input(s), []byte(strings.Join(input, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	interval := []string{"50ms", "200ms", "1s"}[k.chance.IntN(3)]
	durability := []string{"async", "sync"}[k.chance.IntN(2)]
	k.flags = []string{"--checkpoint-interval", interval, "--durability", durability}
	t.Cleanup(k.tell)
	return k
}

// tell tells what the application says and does, if the test has failed.
func (k *keeping) tell() {
	if k.t.Failed() && k.worker != nil {
		_ = k.worker.cmd.Process.Signal(syscall.SIGQUIT) // it shows its goroutines
		<-k.worker.ended
		k.t.Logf("%s\n%s", k.worker.cmd, k.worker.log)
	}
}

// quietAddresses are those that quietAddress has given.
var quietAddresses sync.Map

// quietAddress is one that nobody listens at, that no connection takes by itself, since the system gives these other ports, and that no
// other test has: who listens there may be dead for a while.
func quietAddress(t *testing.T) string {
	t.Helper()
	for {
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000)))
		if _, given := quietAddresses.LoadOrStore(at, true); given {
			continue
		}
		if listener, err := net.Listen("tcp", at); err == nil {
			listener.Close()
			return at
		}
	}
}

func (k *keeping) input(sender int) string { return filepath.Join(k.files, fmt.Sprint("in", sender)) }
func (k *keeping) output() string          { return filepath.Join(k.files, "out") }

// startWorker starts the application, on another number of executors and of partitions, with some flags of its own.
func (k *keeping) startWorker(own ...string) {
	k.t.Helper()
	command := []string{"wallaroo", "run", filepath.Join("testdata", "apps", "kept.py")}
	if k.language == "go" {
		command = []string{"kept"}
	}
	partitions := []string{"16", "64", "1024"}[k.chance.IntN(3)]
	command = append(command, "--in", k.in, "--out", k.out, "--data-dir", k.data,
		"--executors", strconv.Itoa(1+k.chance.IntN(4)), "--partitions", partitions)
	k.worker = startVictim(k.t, append(append(command, k.flags...), own...)...)
}

func (k *keeping) startReceiver() {
	k.t.Helper()
	k.receiver = startVictim(k.t, "wallaroo", "receive", "--listen", k.out, "--framing", "resumable", "--output", k.output())
}

// startSender starts a sender: one that sends so many messages a second, or as many as are taken.
func (k *keeping) startSender(n, rate int) *victim {
	k.t.Helper()
	command := []string{
		"wallaroo", "send", "--to", k.in, "--framing", "resumable", "--stream", fmt.Sprint("s", n), "--file", k.input(n), "--retry", "60s",
	}
	if rate > 0 {
		command = append(command, "--rate", strconv.Itoa(rate))
	}
	return startVictim(k.t, command...)
}

// stopWorker has the application end in order.
func (k *keeping) stopWorker() {
	k.t.Helper()
	if err := k.worker.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		k.t.Fatal(err)
	}
	k.worker.done()
}

// expectedSums are what has come of a key: after each of its words, the sum.
type sums map[string][]int

// want is what comes of the inputs.
func (k *keeping) want() sums {
	want := sums{}
	for _, input := range k.inputs {
		for _, line := range input {
			for word := range strings.FieldsSeq(line) {
				key, text, _ := strings.Cut(word, "=")
				number, _ := strconv.Atoi(text)
				sums := want[key]
				if len(sums) > 0 {
					number += sums[len(sums)-1]
				}
				want[key] = append(sums, number)
			}
		}
	}
	return want
}

// checkOutput demands that the output has each result once, those of a key in order; with repeats also such that come again, and what came
// behind them, too.
func (k *keeping) checkOutput(repeats bool) {
	k.t.Helper()
	file, err := os.Open(k.output())
	if err != nil {
		k.t.Fatal(err)
	}
	defer file.Close()
	k.check(bufio.NewScanner(file), repeats)
}

func (k *keeping) check(lines *bufio.Scanner, repeats bool) {
	k.t.Helper()
	want, came := k.want(), map[string]int{}
	for lines.Scan() {
		var key string
		var count, sum int
		if _, err := fmt.Sscanf(lines.Text(), "%s %d %d", &key, &count, &sum); err != nil {
			k.t.Fatalf("%q: %v", lines.Text(), err)
		}
		next := came[key] + 1
		if count > next || count < next && !repeats || count > len(want[key]) || sum != want[key][count-1] {
			k.t.Fatalf("%q came, number %d should come of %d", lines.Text(), next, len(want[key]))
		}
		came[key] = max(came[key], count)
	}
	for key, sums := range want {
		if came[key] != len(sums) {
			k.t.Errorf("%s came %d times; want %d", key, came[key], len(sums))
		}
	}
}

// plainReceiver keeps the lines that come on connections, one connection after another, whole lines only.
type plainReceiver struct {
	t        *testing.T
	listener net.Listener
	text     bytes.Buffer
	ended    chan struct{} // closed when the last connection has ended
}

func newPlainReceiver(t *testing.T, at string) *plainReceiver {
	t.Helper()
	listener, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	r := &plainReceiver{t: t, listener: listener, ended: make(chan struct{})}
	go r.serve()
	return r
}

func (r *plainReceiver) serve() {
	defer close(r.ended)
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		data, _ := io.ReadAll(conn) // whoever is killed cuts it off
		conn.Close()
		if string(data) == "end" {
			return
		}
		whole := bytes.LastIndexByte(data, '\n') + 1 // what came of a line that is not whole comes again
		r.text.Write(data[:whole])
	}
}

// lines are those that have come, when nothing more comes.
func (r *plainReceiver) lines() *bufio.Scanner {
	r.t.Helper()
	last, err := net.Dial("tcp", r.listener.Addr().String())
	if err == nil {
		_, err = io.WriteString(last, "end")
	}
	if err != nil {
		r.t.Fatal(err)
	}
	last.Close()
	<-r.ended
	return bufio.NewScanner(&r.text)
}

// acceptedBy is how many messages an application says that it has accepted.
func acceptedBy(t *testing.T, at string) int {
	t.Helper()
	answer, err := http.Get("http://" + at + "/api/status")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var told status.Status
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil || len(told.Sources) != 1 {
		t.Fatalf("%+v, %v", told, err)
	}
	return int(told.Sources[0].MessagesAccepted)
}

// sendPlainly sends messages, so many a second or as fast as may be, until all are sent or nobody takes them.
func sendPlainly(t *testing.T, to string, messages []string, rate int) {
	t.Helper()
	t.Helper()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	for some := range slices.Chunk(messages, 50) {
		var b []byte
		for _, m := range some {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(m))), m...)
		}
		if _, err := conn.Write(b); err != nil {
			return
		}
		if rate > 0 {
			<-time.After(time.Duration(len(some)) * time.Second / time.Duration(rate))
		}
	}
}
