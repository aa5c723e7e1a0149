package command

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/status"
)

// awaitStatus asks until a status is as it must become, and returns it.
func (p *process) awaitStatus(is func(*status.Status) bool) status.Status {
	p.t.Helper()
	at := p.http()
	late := time.Now().Add(patience)
	for {
		out, err := exec.Command("wallaroo", "status", "--at", at, "--json").CombinedOutput()
		if err != nil {
			p.t.Fatalf("%v: %s", err, out)
		}
		var s status.Status
		if err := json.Unmarshal(out, &s); err != nil {
			p.t.Fatal(err)
		}
		if is(&s) {
			return s
		}
		if time.Now().After(late) {
			p.t.Fatalf("it does not become what it must: %s", out)
		}
	}
}

// http is where it answers, which without a log of level debug is known when it is ready.
func (p *process) http() string {
	found := p.stderr.await(p.t, `msg="http listens" address=(\S+)|level=INFO msg=ready .* http=(\S+)`)
	return found[1] + found[2]
}

// keepSending sends messages until nobody takes them, or the test ends.
func (p *process) keepSending(message string) {
	conn := p.dial()
	frame := "\x00\x00\x00" + string(rune(len(message))) + message
	ended := make(chan struct{})
	p.t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	go func() {
		defer close(ended)
		for many := []byte(strings.Repeat(frame, 1000)); ; {
			if _, err := conn.Write(many); err != nil {
				return
			}
		}
	}()
}

func TestTheBottleneckIsASlowStep(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "hangs.py", "--http", "127.0.0.1:0")
	p.acceptConn()
	p.keepSending("nap")
	s := p.awaitStatus(func(s *status.Status) bool { return s.Bottleneck != nil })
	if b := s.Bottleneck; b.Kind != "step" || b.Name != "words/do" || b.Executor != 0 {
		t.Errorf("%+v", b)
	}
	for _, step := range s.Steps {
		if slow := step.Step == "words/do"; slow != (step.Busy > 0.4) {
			t.Errorf("%+v", step)
		}
	}
	source, sink := s.Sources[0], s.Sinks[0]
	if s.State != status.Running || source.Connections != 1 || source.MessagesAccepted == 0 || sink.Connection != "connected" {
		t.Errorf("%+v", s)
	}
}

func TestTheBottleneckIsASinkWhoseReceiverStalls(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "hangs.py", "--http", "127.0.0.1:0", "--sink-buffer", "1000")
	receiver := p.acceptConn() // it reads nothing
	if err := receiver.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	p.keepSending(strings.Repeat("x", 100))
	s := p.awaitStatus(func(s *status.Status) bool { return s.Bottleneck != nil && s.Bottleneck.Kind == "sink" })
	if s.Bottleneck.Name != "words/sink" || s.Sinks[0].UndeliveredMessages == 0 || s.Executors[0].OutOfCredit < 0.4 {
		t.Errorf("%+v", s)
	}
	p.receiver.Close()
	if err := receiver.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	receiver.Close()
	s = p.awaitStatus(func(s *status.Status) bool { return s.Sinks[0].Connection == "away" })
	if s.Sinks[0].Why == "" || s.State != status.Running {
		t.Errorf("%+v", s)
	}
}

// TestTheBottleneckIsTheStepThatHoldsOthers has one executor wait, at markers, for another that is slow. Each has a connection whose
// messages have keys of its own.
func TestTheBottleneckIsTheStepThatHoldsOthers(t *testing.T) {
	t.Parallel()
	chaos := "markers=20ms,credit=10,moves=0"
	p := startApplication(t, "wallaroo", "hangs.py", "--http", "127.0.0.1:0", "--executors", "2", "--chaos", chaos)
	p.acceptConn()
	p.keepSending("b")
	p.awaitStatus(func(s *status.Status) bool { return s.Sources[0].Connections == 1 })
	p.keepSending("nap")
	s := p.awaitStatus(func(s *status.Status) bool { return s.Bottleneck != nil && s.Executors[0].Held > 0.4 })
	if b := s.Bottleneck; b.Kind != "step" || b.Name != "words/do" || b.Executor != 1 {
		t.Errorf("%+v", s)
	}
}

// TestStatusTellsOfAChangeThatIsUnderWay asks for one while a receiver stalls, so that no marker comes through.
func TestStatusTellsOfAChangeThatIsUnderWay(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := startApplication(t, "wallaroo", "hangs.py", "--http", "127.0.0.1:0", "--sink-buffer", "1000", "--data-dir", data,
		"--checkpoint-interval", "1h") // one that is under way would have to be done before
	if err := p.acceptConn().SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	p.keepSending(strings.Repeat("x", 100))
	s := p.awaitStatus(func(s *status.Status) bool { return s.Executors[0].OutOfCredit > 0 })
	if s.Changing != nil {
		t.Errorf("%+v", s.Changing)
	}
	at := p.stderr.await(t, `level=INFO msg=ready .* http=(\S+)`)[1]
	asking := exec.Command("wallaroo", "executors", "2", "--at", at, "--data-dir", data)
	if err := asking.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = asking.Process.Kill()
		_ = asking.Wait()
	}()
	s = p.awaitStatus(func(s *status.Status) bool { return s.Changing != nil })
	if s.Changing.From != 1 || s.Changing.To != 2 {
		t.Errorf("%+v", s.Changing)
	}
}

func TestStatusOfAnApplicationThatIsNotLoaded(t *testing.T) {
	starting := &control.Application{Worker: "w1"}
	starting.Set(status.Starting, "loading the application")
	out, code, text := asks(t.Context(), newStatus(), "--at", answering(t, starting))
	if want := "an application that is not loaded on w1: starting for 0s (loading the application)\n"; out != want || code != 0 || text != "" {
		t.Errorf("%q %d %q", out, code, text)
	}
}

// TestStatusIsShownAnewUntilTheApplicationHasGone watches one that ends.
func TestStatusIsShownAnewUntilTheApplicationHasGone(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py", "--http", "127.0.0.1:0")
	p.acceptConn()
	at := p.stderr.await(t, `level=INFO msg=ready .* http=(\S+)`)[1]
	watching := exec.Command("wallaroo", "status", "--watch", "--at", at)
	shown, said := newCapture(), newCapture()
	watching.Stdout, watching.Stderr = shown, said
	if err := watching.Start(); err != nil {
		t.Fatal(err)
	}
	shown.await(t, `(?s)running for.*EXECUTOR.*running for.*EXECUTOR`)
	p.signal(stopSignals()[0])
	p.exitCode()
	err := watching.Wait()
	if watching.ProcessState.ExitCode() != 0 || said.String() != "the application has gone\n" {
		t.Errorf("%v %s", err, said)
	}
}
