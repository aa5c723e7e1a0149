package command

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/status"
)

// startKept starts an application that keeps what it does in a folder, and checkpoints often.
func startKept(t *testing.T, data string, flags ...string) *process {
	t.Helper()
	return startApplication(t, "wallaroo", "keeps.py", append([]string{
		"--http", "127.0.0.1:0", "--log-level", "debug", "--data-dir", data, "--checkpoint-interval", "50ms",
	}, flags...)...)
}

// isCovered reports whether nothing would be replayed.
func isCovered(s *status.Status) bool {
	return s.Kept.Checkpoint != nil && s.Kept.Journal.SinceCheckpoint == 0 && s.Kept.Open == nil
}

// answers is what HTTP answers to a path.
func (p *process) answers(path string) (code int, text string) {
	p.t.Helper()
	answer, err := http.Get("http://" + p.http() + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// TestRestoringIsTold kills an application, and has the next one wait while it takes in the state.
func TestRestoringIsTold(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := startKept(t, data)
	out := p.accept()
	if s := p.awaitStatus(func(*status.Status) bool { return true }); s.Kept == nil || s.Kept.DataDir != data || s.Kept.Run != 1 {
		t.Errorf("%+v", s.Kept)
	}
	send(t, p.dial(), "a", "b", "a")
	lines(t, out, 3)
	s := p.awaitStatus(isCovered)
	if c := s.Kept.Checkpoint; c.ChangedEntities != 2 || c.WrittenBytes == 0 || c.StateEntities != 2 || c.Took == nil || c.Took.Slowest == "" {
		t.Errorf("%+v", c)
	}
	p.signal(syscall.SIGKILL)
	p.exitCode()

	gate := filepath.Join(data, "gate")
	p = startKept(t, data, "--gate", gate)
	out = p.accept()
	s = p.awaitStatus(func(s *status.Status) bool { return s.State == status.Restoring })
	if r := s.Restoring; r == nil || r.Entities != 0 || r.OfEntities != 2 || s.Kept.Checkpoint.StateEntities != 2 || s.Kept.Run != 2 {
		t.Errorf("%+v %+v", s.Restoring, s.Kept)
	}
	why := "restoring state: 0 of about 2 entities"
	if code, text := p.answers("/readyz"); code != http.StatusServiceUnavailable || !strings.HasPrefix(text, why) || s.Why != why {
		t.Errorf("%d %q %q", code, text, s.Why)
	}
	if _, text := p.answers("/metrics"); !strings.Contains(text, "\nwallaroo_restoring_ratio{part=\"state\"} 0\n") {
		t.Errorf("no progress in %s", text)
	}
	p.stderr.await(t, `level=INFO msg="restoring goes on" entities="0 of 2" bytes=0 journal_records="0 of 0"`)
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.stderr.await(t, `(?s)level=INFO msg=restoring epoch=\d+ entities_at_most=2 journal_records=0\n.*`+
		`level=INFO msg=restored epoch=\d+ entities=2 `)
	send(t, p.dial(), "a")
	if got := lines(t, out, 1); got[0] != "a => 3" {
		t.Errorf("%q", got)
	}
	s = p.awaitStatus(isCovered)
	if code, text := p.answers("/readyz"); code != http.StatusOK || text != "ready\n" {
		t.Errorf("%d %q", code, text)
	}
	if s.State != status.Running || s.Restoring != nil || s.Sources[0].MessagesAccepted != 4 || s.Sources[0].BytesAccepted != 4 {
		t.Errorf("%+v", s)
	}
}

// TestACheckpointWaitsForASinkThatIsAway ends an application whose receiver has gone, and that cannot make its last checkpoint.
func TestACheckpointWaitsForASinkThatIsAway(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := startKept(t, data)
	receiver := p.acceptConn()
	conn := p.dial()
	p.receiver.Close()
	if err := receiver.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	receiver.Close()
	p.awaitStatus(func(s *status.Status) bool { return s.Sinks[0].Connection == "away" })
	send(t, conn, "a", "b")
	s := p.awaitStatus(func(s *status.Status) bool {
		return s.Kept.Open != nil && slices.Equal(s.Kept.Open.WaitsFor, []string{"sink words/sink"})
	})
	if s.Kept.Open.Part != "saving" || s.State != status.Running {
		t.Errorf("%+v", s.Kept.Open)
	}
	if code, _ := p.answers("/readyz"); code != http.StatusOK {
		t.Errorf("not ready while a sink is away: %d", code)
	}
	savepoint := startTool(t, "savepoint", "monday", "--data-dir", data, "--at", p.http())
	savepoint.stderr.await(t, `waiting: the checkpoint is saving for .*: sink words/sink\n`)
	savepoint.kill()
	p.stderr.await(t, `level=WARN msg="a checkpoint is late" epoch=\d+ for=1\ds part=saving waits_for="sink words/sink"\n`)
	conn.Close()
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p.stderr.await(t, `level=WARN msg="not all was done in time; nothing is lost: the next start goes on from the last checkpoint" `+
		`within=10s epoch=0 journal_records=\d unprocessed=0 undelivered=2\n`)
	p = startKept(t, data)
	if got := lines(t, p.accept(), 2); !slices.Equal(got, []string{"a => 1", "b => 1"}) {
		t.Errorf("%q", got)
	}
}

// TestNothingIsAcceptedWithoutRoom demands more room than any disk has.
func TestNothingIsAcceptedWithoutRoom(t *testing.T) {
	t.Parallel()
	p := startKept(t, t.TempDir(), "--journal-free", "1125899906842624")
	p.accept()
	conn := p.dial()
	send(t, conn, "a")
	s := p.awaitStatus(func(s *status.Status) bool { return s.Kept.NoRoom != nil && s.Kept.NoRoom.Attempts > 1 })
	if !strings.Contains(s.Kept.NoRoom.Why, "1125899906842624 must be") || s.Sources[0].MessagesAccepted != 0 {
		t.Errorf("%+v", s)
	}
	p.stderr.await(t, `level=WARN msg="no more is accepted until there is room for the journal" why="too little room is left on the disk: `)
	if code, text := p.answers("/readyz"); code != 503 || !strings.HasPrefix(text, "no more is accepted until there is room, for ") {
		t.Errorf("/readyz: %d %s", code, text)
	}
	if _, text := p.answers("/metrics"); !strings.Contains(text, "\nwallaroo_journal_has_room 0\n") {
		t.Errorf("there is room in %s", text)
	}
}

// TestACheckpointThatCannotBeWrittenIsTold takes the folder of checkpoints away, and puts it back.
func TestACheckpointThatCannotBeWrittenIsTold(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := startKept(t, data)
	out := p.accept()
	conn := p.dial()
	send(t, conn, "a")
	lines(t, out, 1)
	s := p.awaitStatus(isCovered)
	epoch, folder := s.Kept.Checkpoint.Epoch, filepath.Join(data, "checkpoints")
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	send(t, conn, "a")
	lines(t, out, 1)
	s = p.awaitStatus(func(s *status.Status) bool {
		return s.Kept.Open != nil && s.Kept.Open.Trouble != nil && s.Kept.Open.Trouble.Attempts > 1
	})
	if s.Kept.Checkpoint.Epoch != epoch || s.Kept.Open.Epoch <= epoch || s.Kept.Open.Trouble.Why == "" || s.State != status.Running {
		t.Errorf("%+v", s.Kept)
	}
	p.stderr.await(t, `level=ERROR msg="a checkpoint cannot be written; the last one stands, and it is tried again" epoch=\d+ error=`)
	ask := startTool(t, "checkpoint", "now", "--data-dir", data, "--at", p.http())
	ask.stderr.await(t, `waiting: the checkpoint cannot be written, and it is tried again: .*checkpoints`)
	ask.kill()
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	s = p.awaitStatus(isCovered)
	if s.Kept.Checkpoint.Epoch <= epoch || metric(t, p.http(), "wallaroo_checkpoint_failures_total") == 0 {
		t.Errorf("%+v", s.Kept.Checkpoint)
	}
	p.stderr.await(t, `level=INFO msg="the checkpoint is written" epoch=\d+ took=`)
}

// TestStateIsToldAsAtMost since an entity that changes often counts several times until what has gathered is folded.
func TestStateIsToldAsAtMost(t *testing.T) {
	t.Parallel()
	text := toldCheckpoint(&status.Checkpoint{Epoch: 7, ChangedEntities: 2, StateEntities: 17119})
	if !strings.Contains(text, "of 2 entities written; state has at most ") || !strings.HasSuffix(text, ", 17119 entities") {
		t.Error(text)
	}
}

func TestThatTheNextCheckpointIsPutOffIsTold(t *testing.T) {
	t.Parallel()
	until := time.Now().Add(14*time.Second + 400*time.Millisecond)
	text := toldCheckpoint(&status.Checkpoint{Epoch: 7, Took: &status.Took{ExecutorSeconds: 0.7, NextPutOff: &until}})
	if !strings.HasSuffix(text, "; the next is put off for 14s, since it kept an executor from messages for 700 ms") {
		t.Error(text)
	}
	until = time.Now()
	text = toldCheckpoint(&status.Checkpoint{Epoch: 7, Took: &status.Took{ExecutorSeconds: 0.7, NextPutOff: &until}})
	if strings.Contains(text, "put off") {
		t.Error(text)
	}
}
