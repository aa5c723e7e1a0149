package program

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

const (
	startLimit = 30 * time.Second // for a program to get ready
	endLimit   = 15 * time.Second // for it to end before it is killed; a worker may take ten to drain
	abortLimit = 2 * time.Second  // the same when nobody waits for what it still has
)

// A Program is a program that has started and said where it listens. Its owner must end it with Finish, Abort or by ending the context that
// it was started with.
type Program struct {
	command   Command
	process   *exec.Cmd
	output    *output
	startedIn time.Duration
	ended     chan struct{} // closed when the process is gone and err is set
	err       error
}

// ExitError says how a program ended that had to run on or to end well.
type ExitError struct {
	Name   string // of the program
	Code   int    // its exit code; -1 if a signal ended it
	Output string // the last lines it wrote to standard error, each with its newline
	Err    error  // what the operating system says
}

// Error returns the exit and the last output in several lines.
func (e *ExitError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("%s ended (%v) and said nothing", e.Name, e.Err)
	}
	return fmt.Sprintf("%s ended (%v); its last words:\n%s", e.Name, e.Err, e.Output)
}

// Unwrap returns what the operating system says.
func (e *ExitError) Unwrap() error {
	return e.Err
}

// Start starts a program and returns when it is ready: when it has written its ready line to standard error. If it ends before that the
// error is an *ExitError; if it says nothing for 30 seconds it is stopped. When ctx ends the program gets SIGTERM, and is killed if that
// does not help.
func Start(ctx context.Context, command Command) (*Program, error) {
	p := &Program{command: command, output: newOutput(command.Log), ended: make(chan struct{})}
	p.process = exec.CommandContext(ctx, command.Path, command.Args...)
	p.process.Stderr = p.output
	// In a process group of its own an interrupt at the terminal reaches it only through us, and once.
	p.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.process.Cancel = p.terminate
	p.process.WaitDelay = endLimit
	began := time.Now()
	if err := p.process.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Name, err)
	}
	go p.wait()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-p.output.ready:
		p.startedIn = time.Since(began)
		return p, nil
	case <-limit.C:
		p.Abort()
		return nil, fmt.Errorf("%s has not said that it is ready within %v; its last words:\n%s", command.Name, startLimit, p.output.tail())
	case <-p.ended:
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, p.exit()
	}
}

// PID returns the number of the program's process.
func (p *Program) PID() int {
	return p.process.Process.Pid
}

// Address returns where the program listens.
func (p *Program) Address() string {
	return p.output.address
}

// HTTPAddress returns where the program answers HTTP, or "" if it does not.
func (p *Program) HTTPAddress() string {
	return p.output.http
}

// StartedIn returns how long it took from the start of the process to its ready line.
func (p *Program) StartedIn() time.Duration {
	return p.startedIn
}

// While returns a context that ends when the program ends, with the *ExitError as its cause. The caller calls release when the program may
// end.
func (p *Program) While(ctx context.Context) (during context.Context, release func()) {
	during, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.ended:
			end(p.exit())
		case <-during.Done():
		}
	}()
	return during, func() { end(nil) }
}

// Finish ends the program after its input has ended: by waiting, if it ends with its input, or else by SIGTERM. It returns nil if the
// exit code is 0, and otherwise an *ExitError. A program that does not end within 15 seconds is killed.
func (p *Program) Finish() error {
	if !p.command.EndsWithInput {
		_ = p.terminate() // It fails if the program has ended already, which await tells.
	}
	return p.await(endLimit)
}

// Abort ends the program by SIGTERM, and kills it if that does not help within two seconds.
func (p *Program) Abort() {
	_ = p.terminate() // Nobody asks any more how it ended, or whether before.
	_ = p.await(abortLimit)
}

// Kill ends the program as a crash does, by SIGKILL, and returns when it is gone. Its children are not killed.
func (p *Program) Kill() {
	_ = p.process.Process.Kill() // It fails if the program has ended already.
	<-p.ended
}

// await waits for the end and brings it about when it has not come within a limit.
func (p *Program) await(limit time.Duration) error {
	kill := time.AfterFunc(limit, func() { _ = p.process.Process.Kill() })
	defer kill.Stop()
	<-p.ended
	if p.err != nil {
		return p.exit()
	}
	return nil
}

func (p *Program) terminate() error {
	return p.process.Process.Signal(syscall.SIGTERM)
}

func (p *Program) wait() {
	p.err = p.process.Wait()
	close(p.ended)
}

// exit describes the end of the program, which has come.
func (p *Program) exit() *ExitError {
	err := p.err
	if err == nil {
		err = errors.New("exit status 0")
	}
	return &ExitError{Name: p.command.Name, Code: p.process.ProcessState.ExitCode(), Output: p.output.tail(), Err: err}
}
