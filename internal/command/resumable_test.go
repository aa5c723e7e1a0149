package command

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wallaroo-stream/wallaroo/connector"
	"github.com/wallaroo-stream/wallaroo/internal/resumable"
	"github.com/wallaroo-stream/wallaroo/internal/resumable/conversation"
	"github.com/wallaroo-stream/wallaroo/internal/status"
)

// tool is a send or a receive that runs.
type tool struct {
	cmd    *exec.Cmd
	stderr *capture
}

func startTool(t *testing.T, args ...string) *tool {
	t.Helper()
	tool := &tool{cmd: exec.Command("wallaroo", args...), stderr: newCapture()}
	tool.cmd.Stderr = tool.stderr
	tool.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	if err := tool.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tool.kill)
	return tool
}

// kill kills it, if it has not ended, and waits until it is gone.
func (p *tool) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// killedSink is a sink whose receiver is killed now and then.
type killedSink struct {
	t      *testing.T
	path   string
	chance *rand.Rand
	kills  int

	receiver *tool
	conn     *conversation.Connection
	window   *resumable.Window
	said     resumable.Said
}

// connect has a receiver, and a connection to it.
func (s *killedSink) connect() {
	s.t.Helper()
	s.receiver = startTool(s.t, "receive", "--listen", "127.0.0.1:0", "--framing", "resumable", "--output", s.path)
	conn, err := net.Dial("tcp", s.receiver.stderr.await(s.t, `listening on (\S+)\n`)[1])
	if err != nil {
		s.t.Fatal(err)
	}
	var welcome *resumable.Welcome
	hello := &resumable.SinkHello{Sink: "p/sink", Lane: "lane", Said: s.said}
	if s.conn, welcome, err = conversation.Open(s.t.Context(), conn.(*net.TCPConn), hello); err == nil {
		_, _, err = s.window.Resume(welcome)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// deliver writes what is in the window, and what is said, until the receiver has it, whatever happens to it meanwhile.
func (s *killedSink) deliver() {
	s.t.Helper()
	for has := false; !has || !s.window.Empty(); {
		if s.kills > 0 && s.chance.IntN(3) == 0 {
			s.kills--
			s.receiver.kill()
		}
		for f := s.window.Next(); f != nil; f = s.window.Next() {
			_ = s.conn.Say(f) // what fails is told below
		}
		_ = s.conn.Say(&resumable.Commit{Said: s.said})
		_ = s.conn.Flush()
		<-s.conn.News()
		ack, err := s.conn.Heard()
		if ack != nil {
			has = ack.Said == s.said
			if _, _, err := s.window.Ack(ack); err != nil {
				s.t.Fatal(err)
			}
		}
		if err != nil {
			s.conn.Close()
			s.receiver.kill()
			s.connect()
		}
	}
}

// TestAReceiverThatIsKilledWritesEachMessageOnce kills receivers while an application writes epochs, commits them, and returns to them.
func TestAReceiverThatIsKilledWritesEachMessageOnce(t *testing.T) {
	s := &killedSink{
		t: t, path: filepath.Join(t.TempDir(), "out"), chance: rand.New(rand.NewPCG(1, 2)), kills: 12,
		window: resumable.NewSinkWindow(1), said: resumable.Said{Run: 1},
	}
	s.connect()
	var want strings.Builder
	for epoch := uint64(1); epoch <= 12; epoch++ {
		var text strings.Builder
		for i := range 500 {
			message := fmt.Sprint("run ", s.said.Run, ", epoch ", epoch, ", message ", i)
			s.window.Add(epoch, connector.Batch{Sizes: []uint32{uint32(len(message))}, Payload: []byte(message)})
			text.WriteString(message + "\n")
		}
		s.window.Mark(epoch)
		s.deliver()
		if epoch%4 == 0 && s.said.Run < 3 { // the application returns to the epoch before
			s.said.Run++
			s.window.Rerun(s.said.Run)
			s.deliver()
			epoch--
			continue
		}
		s.said.Committed = epoch
		s.deliver()
		want.WriteString(text.String())
	}
	got, err := os.ReadFile(s.path)
	if err != nil || string(got) != want.String() {
		t.Errorf("the output has %d bytes, %v; want %d", len(got), err, want.Len())
	}
	if s.kills > 0 {
		t.Errorf("%d receivers were to be killed yet", s.kills)
	}
	s.conn.Close()
}

// TestASenderThatIsKilledSendsEachMessageOnce kills senders when so much is accepted, and starts them again.
func TestASenderThatIsKilledSendsEachMessageOnce(t *testing.T) {
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintln(&text, "message", i)
	}
	file := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var accepted []string
	for _, most := range []int{1, 3000, 3001, 12_345, 20_000} {
		p := startTool(t, "send", "--to", listener.Addr().String(), "--framing", "resumable", "--stream", "s", "--file", file)
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		accepted = accept(t, conn, accepted, most)
		if most == 20_000 {
			if err := p.cmd.Wait(); err != nil {
				t.Errorf("it ends by %v: %s", err, p.stderr)
			}
		}
		p.kill()
		conn.Close()
	}
	if got := strings.Join(accepted, "\n") + "\n"; got != text.String() {
		t.Errorf("%d messages are accepted; want 20000 in order", len(accepted))
	}
}

// accept is a source that has accepted messages of a stream, and accepts more until it has so many; only then it says so.
func accept(t *testing.T, conn net.Conn, accepted []string, most int) []string {
	t.Helper()
	reader := resumable.NewReader(conn, 1000)
	if err := reader.Open(); err != nil {
		t.Fatal(err)
	}
	hello, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	a, err := resumable.NewAcceptor(hello.(*resumable.StreamHello), uint64(len(accepted)))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(resumable.Append(resumable.Preamble(), &resumable.Welcome{Number: a.Accepted()}))
	for len(accepted) < most {
		f, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := a.Take(f.(*resumable.Messages))
		if err != nil {
			t.Fatal(err)
		}
		for fresh.Count() > 0 {
			one := fresh.Take(1)
			accepted = append(accepted, string(one.Payload))
		}
	}
	_, _ = conn.Write(resumable.Append(nil, &resumable.Ack{Number: a.Accepted()}))
	return accepted
}

// TestAnApplicationTakesEachMessageOnce sends to an application from senders, one of which is killed in between.
func TestAnApplicationTakesEachMessageOnce(t *testing.T) {
	p := startApplication(t, "wallaroo", "stream.py")
	results := p.accept()
	var want strings.Builder
	for i := range 5000 {
		fmt.Fprintln(&want, "line", i)
	}
	file := filepath.Join(t.TempDir(), "in.txt")
	if err := os.WriteFile(file, []byte(want.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	send := []string{"send", "--to", p.source(), "--framing", "resumable", "--stream", "lines", "--file", file}
	slow := startTool(t, append(send, "--rate", "1000")...)
	got := make([]byte, want.Len())
	first := len("line 0\nline 1\n")
	if _, err := io.ReadFull(results, got[:first]); err != nil {
		t.Fatal(err)
	}
	slow.kill()
	for range 2 {
		again := startTool(t, send...)
		if err := again.cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, again.stderr)
		}
		again.stderr.await(t, `messages were accepted before\nsent \d+ messages`)
	}
	if _, err := io.ReadFull(results, got[first:]); err != nil || string(got) != want.String() {
		t.Errorf("%d lines come, %v; want 5000 in order", strings.Count(string(got), "\n"), err)
	}
	p.signal(os.Interrupt)
	if rest, err := io.ReadAll(results); len(rest) > 0 || err != nil {
		t.Errorf("then %q comes, %v", rest, err)
	}
}

// TestAnApplicationsOutputIsKeptUntilItIsCommitted has an application whose next checkpoint is far away write to a receiver.
func TestAnApplicationsOutputIsKeptUntilItIsCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	receive := startTool(t, "receive", "--listen", "127.0.0.1:0", "--framing", "resumable", "--output", path)
	to := receive.stderr.await(t, `listening on (\S+)\n`)[1]
	p := startApplication(t, "wallaroo", "stream.py", "both", "--in", ":0", "--out", to, "--data-dir", t.TempDir(),
		"--checkpoint-interval", "1h", "--http", "127.0.0.1:0")
	send := startTool(t, "send", "--to", p.source(), "--framing", "resumable", "--stream", "lines", "--file", "resumable_test.go")
	if err := send.cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, send.stderr)
	}
	p.awaitStatus(func(s *status.Status) bool { return s.Sinks[0].Messages > 0 && s.Sinks[0].UndeliveredMessages == 0 })
	p.signal(syscall.SIGKILL)
	<-p.ended
	receive.kill()
	output, err := os.ReadFile(path)
	kept, keptErr := os.ReadFile(path + ".resume")
	if err := errors.Join(err, keptErr); err != nil || len(output) > 0 || !strings.Contains(string(kept), "package command") {
		t.Errorf("the output has %d bytes, and its record %d, %v", len(output), len(kept), err)
	}
}
