package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/checkpoints"
)

// totals is testdata/apps/totals.py as it runs.
type totals struct {
	*process
	http    string
	results *bufio.Reader
}

func startTotals(t *testing.T, flags ...string) *totals {
	t.Helper()
	p := startApplication(t, "wallaroo", "totals.py", append([]string{"--http", "127.0.0.1:0", "--checkpoint-interval", "1h"}, flags...)...)
	http := p.stderr.await(t, `msg=ready .* http=(\S+)`)[1]
	return &totals{p, http, p.accept()}
}

// send sends numbers 1 to n of the keys a and b as a stream from its beginning, and returns what the sender says.
func (p *totals) send(n int) string {
	p.t.Helper()
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%s %d\n", []string{"a", "b"}[i%2], i+1)
	}
	file := filepath.Join(p.t.TempDir(), "in.txt")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	send := startTool(p.t, "send", "--to", p.source(), "--framing", "resumable", "--stream", "s", "--file", file)
	if err := send.cmd.Wait(); err != nil {
		p.t.Fatalf("%v: %s", err, send.stderr)
	}
	return send.stderr.String()
}

// want demands the results that come next.
func (p *totals) want(lines ...string) {
	p.t.Helper()
	for _, want := range lines {
		if got, err := p.results.ReadString('\n'); got != want+"\n" || err != nil {
			p.t.Fatalf("%q comes, %v; want %s", got, err, want)
		}
	}
}

func (p *totals) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// ran is what a command came to.
type ran struct {
	out, err string
	code     int
}

func runTool(t *testing.T, tokens ...string) ran {
	t.Helper()
	var out, text bytes.Buffer
	cmd := exec.Command("wallaroo", tokens...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = &out, &text
	_ = cmd.Run() // its code tells
	return ran{out.String(), text.String(), cmd.ProcessState.ExitCode()}
}

// succeeds demands that a command does, and returns what it prints.
func succeeds(t *testing.T, tokens ...string) string {
	t.Helper()
	r := runTool(t, tokens...)
	if r.code != 0 || r.err != "" {
		t.Fatalf("%q: %d %s%s", tokens, r.code, r.out, r.err)
	}
	return r.out
}

// fails demands that a command fails so.
func fails(t *testing.T, code int, want string, tokens ...string) {
	t.Helper()
	if r := runTool(t, tokens...); r.code != code || !strings.Contains(r.err, want) {
		t.Errorf("%q: %d %s%s; want %d and %s", tokens, r.code, r.out, r.err, code, want)
	}
}

// runsNot demands that an application does not start as it is asked to.
func runsNot(t *testing.T, want string, flags ...string) {
	t.Helper()
	ends(t, exitUsage, want, flags...)
}

// ends demands that an application ends so before it has begun.
func ends(t *testing.T, code int, want string, flags ...string) {
	t.Helper()
	app := filepath.Join("testdata", "apps", "totals.py")
	run := []string{"run", app, "--http", "off", "--in", ":0", "--out", "127.0.0.1:1", "--executors", "1"}
	fails(t, code, want, append(run, flags...)...)
}

func jsonOf[T any](t *testing.T, tokens ...string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(succeeds(t, append(tokens, "--json")...)), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestCheckpointsAreListedInspectedAndVerified(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p := startTotals(t, "--data-dir", dir)
	fails(t, exitFailed, "there are no checkpoints", "checkpoint", "verify", dir)
	p.send(3)
	p.want("a 1", "b 2", "a 4")
	now := succeeds(t, "checkpoint", "now", "--data-dir", dir, "--at", p.http)
	if !strings.HasPrefix(now, "checkpoint of epoch ") {
		t.Error(now)
	}
	p.send(4)
	p.want("b 6")
	made := jsonOf[struct{ Epoch uint64 }](t, "checkpoint", "now", "--data-dir", dir, "--at", p.http)
	fails(t, exitFailed, "a change needs the application's token", "checkpoint", "now", "--at", p.http)

	list := jsonOf[checkpoints.List](t, "checkpoint", "list", dir)
	kept := func(c checkpoints.Checkpoint) string { return c.Kept }
	if got := each(list.Checkpoints, kept); !slices.Equal(got, []string{"last", "older"}) || list.Checkpoints[0].Epoch != made.Epoch {
		t.Errorf("%+v", list)
	}
	if text := succeeds(t, "checkpoint", "list", dir); strings.Count(text, "totals") != 2 {
		t.Error(text)
	}
	d := jsonOf[checkpoints.Detail](t, "checkpoint", "inspect", dir, "--keys", "5")
	keys := each(d.States[0].Keys, func(k checkpoints.Key) string { return k.Key })
	slices.Sort(keys)
	if d.Entities != 2 || !slices.Equal(keys, []string{`"a"`, `"b"`}) || d.Sources[0].Accepted != 4 || d.Sources[0].Streams["s"] != 4 {
		t.Errorf("%+v", d)
	}
	older := jsonOf[checkpoints.Detail](t, "checkpoint", "inspect", dir, fmt.Sprint(list.Checkpoints[1].Epoch))
	if older.Sources[0].Accepted != 3 {
		t.Errorf("%+v", older)
	}
	fails(t, exitFailed, "there is no checkpoint of epoch 999", "checkpoint", "inspect", dir, "999")
	if text := succeeds(t, "checkpoint", "verify", dir, "all"); strings.Count(text, "whole") != 2 {
		t.Error(text)
	}
	p.kill()
	damage(t, filepath.Join(dir, "checkpoints", list.Checkpoints[0].Name))
	fails(t, exitFailed, "1 of 2 checkpoints are damaged", "checkpoint", "verify", dir, "all")
	fails(t, exitFailed, "is damaged at byte ", "checkpoint", "inspect", dir)
	if text := runTool(t, "checkpoint", "verify", dir).out; !strings.Contains(text, list.Checkpoints[0].Name+" is damaged at byte ") {
		t.Error(text)
	}
	if text := succeeds(t, "checkpoint", "list", dir); !strings.Contains(text, "damaged") {
		t.Error(text)
	}
}

// TestDamageOfWhatIsKeptIsAFailure has nobody think that the application is started wrongly.
func TestDamageOfWhatIsKeptIsAFailure(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p := startTotals(t, "--data-dir", dir)
	for n := range 10 {
		p.send(n + 1) // a record for each number
	}
	p.kill()
	for _, kept := range []struct{ file, want string }{
		{filepath.Join("journal", "00000000000000000001.journal"), ".journal is damaged at byte "},
		{"history", "history is damaged, and does not say which history is kept"},
	} {
		damage(t, filepath.Join(dir, kept.file))
		ends(t, exitFailed, kept.want, "--data-dir", dir)
	}
}

// damage flips a bit of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func each[T any](list []T, of func(T) string) (all []string) {
	for _, one := range list {
		all = append(all, of(one))
	}
	return all
}

// TestASavepointBeginsOtherHistories has one begin in another data directory, and in the one that it is of.
func TestASavepointBeginsOtherHistories(t *testing.T) {
	t.Parallel()
	dir, other := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "other")
	p := startTotals(t, "--data-dir", dir)
	p.send(3)
	p.want("a 1", "b 2", "a 4")
	monday := filepath.Join(dir, "savepoints", "monday")
	text := succeeds(t, "savepoint", "monday", "--data-dir", dir, "--at", p.http)
	if !strings.Contains(text, ": 2 entities, ") || !strings.HasSuffix(text, "\n"+monday+"\n") {
		t.Error(text)
	}
	fails(t, exitFailed, "there is something already", "savepoint", "monday", "--data-dir", dir, "--at", p.http)
	fails(t, exitUsage, "cannot be the name of a savepoint", "savepoint", "../x", "--data-dir", dir, "--at", p.http)
	p.send(4)
	p.want("b 6")
	p.kill()

	from := []string{"--from-savepoint", monday, "--data-dir"}
	runsNot(t, "monday was not made from this data directory: whoever wrote it could have this application run any code",
		append(from, other)...)
	runsNot(t, "records in its journal: leave --from-savepoint away to go on with it, or give --fresh", append(from, dir)...)
	runsNot(t, "there is no checkpoint, and no savepoint", "--from-savepoint", t.TempDir(), "--data-dir", other, "--trust")
	q := startTotals(t, append(from, other, "--trust", "--partitions", "64", "--executors", "2")...)
	if said := q.send(5); !strings.Contains(said, "3 messages were accepted before") {
		t.Error(said)
	}
	q.want("b 6", "a 9")
	q.kill() // before any checkpoint
	runsNot(t, "keeps a history already, with ", append(from, other, "--trust")...)
	q = startTotals(t, "--data-dir", other)
	q.want("b 6", "a 9")
	if said := q.send(6); !strings.Contains(said, "5 messages were accepted before") {
		t.Error(said)
	}
	q.want("b 12")
	succeeds(t, "checkpoint", "now", "--data-dir", other, "--at", q.http)
	if d := jsonOf[checkpoints.Detail](t, "checkpoint", "inspect", other); d.Sources[0].Accepted != 6 || d.Sources[0].Next < 2 {
		t.Errorf("%+v", d)
	}
	q.kill()

	fresh := []string{"--data-dir", dir, "--fresh", "--trust"}
	runsNot(t, "there is no checkpoint, and no savepoint", append(fresh, "--from-savepoint", t.TempDir())...)
	runsNot(t, "checkpoints aside, with which to begin", append(fresh, "--from-savepoint", filepath.Join(dir, "checkpoints"))...)
	runsNot(t, "there is nothing to restore in", append(fresh, "--restore", t.TempDir())...)
	if aside := glob(t, dir, "set-aside-*"); len(aside) > 0 {
		t.Errorf("%v is set aside though nothing can begin", aside)
	}
	r := startTotals(t, append(from, dir, "--fresh")...) // its own needs no trust
	r.send(4)
	r.want("b 6")
	r.kill()
	r = startTotals(t, append(from, dir, "--fresh")...) // nor one of a history that its own came of
	r.send(4)
	r.want("b 6")
}

// TestALostDataDirectoryIsRestored has the state outlive its data directory, and the process that had it.
func TestALostDataDirectoryIsRestored(t *testing.T) {
	t.Parallel()
	dir, other, place := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "other"), filepath.Join(t.TempDir(), "store")
	p := startTotals(t, "--data-dir", dir, "--checkpoint-store", "file://"+place)
	p.send(3)
	p.want("a 1", "b 2", "a 4")
	succeeds(t, "checkpoint", "now", "--data-dir", dir, "--at", p.http)
	p.kill()
	p = startTotals(t, "--data-dir", dir, "--durability", "sync") // where its checkpoints lie is remembered
	p.send(4)
	p.want("b 6")
	if list := jsonOf[checkpoints.List](t, "checkpoint", "list", dir); len(list.Checkpoints) != 1 {
		t.Errorf("%+v", list)
	}

	runsNot(t, "are the checkpoints of another history than that of", "--data-dir", other, "--checkpoint-store", place)
	runsNot(t, "there is nothing to restore in", "--data-dir", other, "--restore", t.TempDir())
	q := startTotals(t, "--data-dir", other, "--restore", place)
	q.stderr.await(t, `level=WARN msg="restored without a journal: what was accepted after this checkpoint is lost`)
	if said := q.send(4); !strings.Contains(said, "3 messages were accepted before") {
		t.Error(said)
	}
	q.want("b 6")
	if err := p.dial().Close(); err != nil { // the lost one still runs
		t.Error(err)
	}
	ask := startTool(t, "checkpoint", "now", "--data-dir", dir, "--at", p.http)
	p.stderr.await(t, `another process has begun run 3 of this history`)
	ask.kill()
	if code := p.exitCode(); code != 1 {
		t.Errorf("the lost one ended with exit code %d", code)
	}
	runsNot(t, "the history was taken over, as --restore does", "--data-dir", dir)
	succeeds(t, "checkpoint", "now", "--data-dir", other, "--at", q.http)
	q.kill()
	runsNot(t, "leave --restore away to go on with it", "--data-dir", other, "--restore", place)
	runsNot(t, "are the checkpoints of a history already, and --fresh begins another one",
		"--data-dir", other, "--checkpoint-store", place, "--fresh")
	runsNot(t, "lie in file://"+place+", not in ", "--data-dir", other, "--checkpoint-store", t.TempDir())
	q = startTotals(t, "--data-dir", other)
	q.send(5)
	q.want("a 9")
}
