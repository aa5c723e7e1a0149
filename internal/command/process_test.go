package command

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds how long a test waits for what must come. It is long, since machines may be busy; only a failing test waits so long.
const patience = 60 * time.Second

// process is an application that runs, with its receiver in this test.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	receiver net.Listener
	stdout   *capture
	stderr   *capture
	// The ends of the pipes that feed these.
	stdoutPipe, stderrPipe *os.File

	ended chan struct{} // closed when it has ended
}

// capture keeps what is written to it, and lets others wait for a text.
type capture struct {
	mu   sync.Mutex
	cond *sync.Cond
	text strings.Builder
}

func newCapture() *capture {
	c := &capture{}
	c.cond = sync.NewCond(&c.mu)
	return c
}

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cond.Broadcast()
	return c.text.Write(b)
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// await returns the submatches of the pattern as soon as what was written has it.
func (c *capture) await(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := false
	timer := time.AfterFunc(patience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		late = true
		c.cond.Broadcast()
	})
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if found := re.FindStringSubmatch(c.text.String()); found != nil {
			return found
		}
		if late {
			t.Fatalf("%q does not come in\n%s", pattern, c.text.String())
		}
		c.cond.Wait()
	}
}

// startApplication runs an application of testdata/apps by the given program; its messages come from the address that await("msg=ready")
// tells. Flags with --in have all addresses.
func startApplication(t *testing.T, program, app string, flags ...string) *process {
	t.Helper()
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, receiver: receiver, stdout: newCapture(), stderr: newCapture(), ended: make(chan struct{})}
	path := filepath.Join("testdata", "apps", app)
	run := []string{"run", path, "--http", "off", "--executors", "1"}
	if !slices.Contains(flags, "--in") {
		run = append(run, "--in", ":0", "--out", receiver.Addr().String())
	}
	p.cmd = exec.Command(program, append(run, flags...)...)
	p.stdoutPipe, p.cmd.Stdout = p.capture(p.stdout)
	p.stderrPipe, p.cmd.Stderr = p.capture(p.stderr)
	p.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, end := range []io.Writer{p.cmd.Stdout, p.cmd.Stderr} {
		end.(*os.File).Close()
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		receiver.Close()
	})
	return p
}

// source is the address that the application's source listens at, once it does.
func (p *process) source() string {
	p.t.Helper()
	found := p.stderr.await(p.t, `level=INFO msg=ready application="[^"]*" sources="[^=]*=([^"]*)" http=|`+
		`"msg":"ready"[^\n]*"sources":{"[^"]*":"([^"]*)"`)
	return found[1] + found[2]
}

// capture makes a pipe whose other end goes to the process, and keeps what comes.
func (p *process) capture(to *capture) (ours, theirs *os.File) {
	p.t.Helper()
	ours, theirs, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(to, ours)
	}()
	p.t.Cleanup(func() {
		ours.Close()
		<-read
	})
	return ours, theirs
}

func (p *process) dial() *net.TCPConn {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.source())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// accept is what the application sends to its receiver.
func (p *process) accept() *bufio.Reader {
	p.t.Helper()
	return bufio.NewReader(p.acceptConn())
}

func (p *process) acceptConn() *net.TCPConn {
	p.t.Helper()
	conn, err := p.receiver.Accept()
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// signalUntilItEnds sends a signal over and over.
func (p *process) signalUntilItEnds(s os.Signal) {
	p.t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-again.C:
			_ = p.cmd.Process.Signal(s) // it may have ended by now
		case <-time.After(patience):
			return // exitCode tells
		}
	}
}

// exitCode waits for the end.
func (p *process) exitCode() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("it does not end; its log:\n%s", p.stderr)
		return 0
	}
}

// pythons are the process ids of the children, which are Python processes.
func (p *process) pythons() []int {
	p.t.Helper()
	return childrenOf(p.t, p.cmd.Process.Pid)
}

func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended meanwhile
		}
		for field := range strings.FieldsSeq(string(data)) {
			id, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, id)
		}
	}
	return found
}

// mostResident is the most memory that processes have had so far, in bytes, each by itself, added up.
func mostResident(t *testing.T, ids ...int) int {
	t.Helper()
	total := 0
	for _, id := range ids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(data), "VmHWM:")
		kibibytes, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		total += kibibytes << 10
	}
	return total
}

func send(t *testing.T, conn net.Conn, messages ...string) {
	t.Helper()
	var b []byte
	for _, m := range messages {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(m))), m...)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// lines reads so many lines.
func lines(t *testing.T, r *bufio.Reader, n int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d lines of %d: %v", len(got), n, err)
		}
		got = append(got, strings.TrimSuffix(line, "\n"))
	}
	return got
}

// awaitEnd returns when a process, which need not be this one's child, has ended.
func awaitEnd(t *testing.T, id int) {
	t.Helper()
	fd, err := unix.PidfdOpen(id, 0)
	if err != nil {
		if errors.Is(err, unix.ESRCH) {
			return // gone already
		}
		t.Fatal(err)
	}
	defer unix.Close(fd)
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(polled, int(patience.Milliseconds()))
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Poll(polled, int(patience.Milliseconds()))
	}
	if err != nil || n == 0 {
		t.Fatalf("process %d is still there, %v", id, err)
	}
}
