package pyhost

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pipeBytes is the size asked for of the kernel's buffer behind each pipe, so that two calls fit; what it grants will do.
	pipeBytes = 1 << 20
	// endGrace is how long the process may take to end by itself when its commands have ended.
	endGrace = 2 * time.Second
	// lastWords is how long what a process has written is read after it has ended.
	lastWords = time.Second
)

// boot makes the process's own folder the first on its path, so that no other package of the name comes before it, and hands over to the
// package.
const boot = `import sys; sys.path[0] = sys.argv[1]; from wallaroo._executor import main; main()`

// process is a running Python and the pipes to it.
type process struct {
	commands *os.File    // what the engine sends; closing it ends the process
	results  frameReader // what the process answers
	answers  *os.File    // the file behind results
	handle   *os.Process
	ended    chan struct{}  // closed when the process is gone
	err      error          // how it ended, once ended is closed
	signal   syscall.Signal // that ended it, or 0; likewise
}

// startProcess starts an interpreter with the package in its folder. The process writes to this one's standard output and, unless there is
// a log for it, standard error.
func startProcess(config Config) (*process, error) {
	commandsOut, commandsIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer commandsOut.Close()
	resultsOut, resultsIn, err := os.Pipe()
	if err != nil {
		commandsIn.Close()
		return nil, err
	}
	defer resultsIn.Close()
	for _, pipe := range []*os.File{commandsIn, resultsOut} {
		enlarge(pipe)
	}
	python := config.Interpreter
	cmd := exec.Command(python.Path, "-c", boot, config.PackagePath)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if config.Stderr != nil {
		cmd.Stderr, cmd.WaitDelay = &lines{log: config.Stderr}, lastWords
	}
	cmd.ExtraFiles = []*os.File{commandsOut, resultsIn}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &process{commands: commandsIn, answers: resultsOut, ended: make(chan struct{})}
	p.results.from = bufio.NewReaderSize(resultsOut, 256<<10)
	started := make(chan error)
	go p.hold(cmd, started)
	if err := <-started; err != nil {
		commandsIn.Close()
		resultsOut.Close()
		return nil, fmt.Errorf("start %s: %w", python.Path, err)
	}
	p.handle = cmd.Process
	return p, nil
}

// hold starts the process and waits for its end, on a thread that is kept for it: the kernel kills the process when that thread ends.
func (p *process) hold(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	end := cmd.Wait()
	p.err, p.signal = describeEnd(end), signalOf(end)
	if rest, ok := cmd.Stderr.(*lines); ok {
		rest.end()
	}
	close(p.ended)
	// What it wrote is still read, but not what a child of its own might write that holds the pipe open.
	_ = p.answers.SetReadDeadline(time.Now().Add(lastWords))
}

// signalOf is the signal that has ended a process; 0 if none has.
func signalOf(err error) syscall.Signal {
	exit, is := errors.AsType[*exec.ExitError](err)
	if !is {
		return 0
	}
	status, is := exit.Sys().(syscall.WaitStatus)
	if !is || !status.Signaled() {
		return 0
	}
	return status.Signal()
}

// describeEnd makes the way in which a process ended a sentence; nil for an exit with code 0.
func describeEnd(err error) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrWaitDelay): // with code 0, but a child of its own holds standard error open
		return nil
	case !errors.As(err, &exit):
		return err
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return fmt.Errorf("exit code %d", exit.ExitCode())
	}
	name := unix.SignalName(status.Signal())
	if status.Signal() == syscall.SIGKILL {
		return fmt.Errorf("killed by %s; if nobody did that, the system ran out of memory", name)
	}
	return fmt.Errorf("killed by %s", name)
}

// read reads the next frame, or says how the process ended. Where the deadline for reading is over, the process lives on, and the next read
// goes on where this one stopped.
func (p *process) read() (kind, []byte, error) {
	k, body, err := p.results.next()
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) && !p.hasEnded() {
		return k, body, err
	}
	var closed *os.PathError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errCut) || errors.As(err, &closed) {
		// The pipe is closed, or the process has ended: it is ending, unless it closed the descriptor itself.
		return 0, nil, p.endError()
	}
	return 0, nil, fmt.Errorf("the Python process (pid %d) sent what the protocol does not know: %w", p.handle.Pid, err)
}

// tryWrite writes as much as the pipe takes at once. Only while nothing else writes. That the process is gone is seen where it is read
// from.
func (p *process) tryWrite(frame []byte) int {
	raw, err := p.commands.SyscallConn()
	if err != nil {
		return 0
	}
	written := 0
	_ = raw.Write(func(fd uintptr) bool {
		n, err := unix.Write(int(fd), frame)
		if err == nil {
			written = n
		}
		return true
	})
	return written
}

// interrupt ends reads and writes that wait, and all that follow, until resume.
func (p *process) interrupt() {
	_ = p.answers.SetReadDeadline(past)
	_ = p.commands.SetWriteDeadline(past)
}

// resume has reads and writes wait again.
func (p *process) resume() {
	_ = p.commands.SetWriteDeadline(time.Time{})
	_ = p.answers.SetReadDeadline(time.Time{})
	if p.hasEnded() {
		_ = p.answers.SetReadDeadline(time.Now().Add(lastWords))
	}
}

// endError waits for the end of the process, for which it kills it after a while, and says how it ended.
func (p *process) endError() error {
	select {
	case <-p.ended:
	case <-time.After(endGrace):
		p.kill()
		<-p.ended
	}
	how := p.err
	if how == nil {
		how = errors.New("exit code 0")
	}
	return &EndError{Pid: p.handle.Pid, How: how, signal: p.signal}
}

// EndError is a process that has ended by itself, or by somebody else.
type EndError struct {
	Pid    int
	How    error
	signal syscall.Signal // 0 if none ended it
}

func (e *EndError) Error() string {
	return fmt.Sprintf("the Python process (pid %d) died: %v", e.Pid, e.How)
}

// Unwrap is how it ended.
func (e *EndError) Unwrap() error { return e.How }

// Killed reports whether a SIGKILL has ended it, which comes from outside.
func (e *EndError) Killed() bool { return e.signal == syscall.SIGKILL }

// Signaled reports whether any signal has ended it: it did not end itself.
func (e *EndError) Signaled() bool { return e.signal != 0 }

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) kill() { _ = p.handle.Kill() }

// close ends the process, by the end of its commands or, if it does not heed that in time or ctx is done, by force; and waits until it is
// gone. Nobody else may read: drain reads what it still writes, until there is no more, so that this does not keep it from ending.
func (p *process) close(ctx context.Context, drain func()) {
	_ = p.answers.SetReadDeadline(time.Time{})
	_ = p.commands.Close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		drain()
	}()
	select {
	case <-p.ended:
	case <-time.After(endGrace):
		p.kill()
	case <-ctx.Done():
		p.kill()
	}
	<-p.ended
	<-drained
	_ = p.answers.Close()
}

// enlarge asks for a larger kernel buffer; the default one makes both sides wait for each other more often.
func enlarge(pipe *os.File) {
	if raw, err := pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeBytes) })
	}
}

// past is a deadline that is over.
var past = time.Unix(1, 0)
