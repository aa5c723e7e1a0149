package s3test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// patience bounds how long a test waits for an application.
const patience = time.Minute

// program builds the command line, once for each test that runs it.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wallaroo")
	build := exec.Command("go", "build", "-o", path, "./cmd/wallaroo")
	build.Dir = project
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return path
}

// application is internal/command/testdata/apps/totals.py as it runs.
type application struct {
	t            *testing.T
	program      string
	source, http string
	log          *bufio.Scanner
	results      *bufio.Reader
	process      *os.Process
}

func start(t *testing.T, program string, flags ...string) *application {
	t.Helper()
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	ctx, end := context.WithTimeout(t.Context(), patience)
	t.Cleanup(end)
	cmd := exec.CommandContext(ctx, program, append([]string{
		"run", filepath.Join(project, "internal", "command", "testdata", "apps", "totals.py"), "--in", "127.0.0.1:0",
		"--out", receiver.Addr().String(), "--http", "127.0.0.1:0", "--executors", "1", "--checkpoint-interval", "1h",
	}, flags...)...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &application{t: t, program: program, log: bufio.NewScanner(log), process: cmd.Process}
	t.Cleanup(func() {
		a.kill()
		_ = cmd.Wait()
	})
	found := a.await(`msg=ready .* sources="numbers=([^"]*)" http=(\S+)`)
	a.source, a.http = found[1], found[2]
	conn, err := receiver.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	a.results = bufio.NewReader(conn)
	return a
}

func (a *application) kill() { _ = a.process.Kill() }

// await reads the log until a line has the pattern.
func (a *application) await(pattern string) []string {
	a.t.Helper()
	form, all := regexp.MustCompile(pattern), ""
	for a.log.Scan() {
		if found := form.FindStringSubmatch(a.log.Text()); found != nil {
			return found
		}
		all += a.log.Text() + "\n"
	}
	a.t.Fatalf("%s does not come in\n%s", pattern, all)
	return nil
}

// run runs another command, which must succeed.
func (a *application) run(tokens ...string) string {
	a.t.Helper()
	text, err := exec.CommandContext(a.t.Context(), a.program, tokens...).CombinedOutput()
	if err != nil {
		a.t.Fatalf("%q: %v: %s", tokens, err, text)
	}
	return string(text)
}

// send sends 1 to n, of the key a, as a stream, and demands the totals from one of them on.
func (a *application) send(n, from int) {
	a.t.Helper()
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "a %d\n", i+1)
	}
	file := filepath.Join(a.t.TempDir(), "in.txt")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.run("send", "--to", a.source, "--framing", "resumable", "--stream", "s", "--file", file)
	for i := from; i <= n; i++ {
		want := fmt.Sprintf("a %d\n", i*(i+1)/2)
		if got, err := a.results.ReadString('\n'); got != want || err != nil {
			a.t.Fatalf("%q comes, %v; want %q", got, err, want)
		}
	}
}

func TestAnApplicationHasItsCheckpointsInS3(t *testing.T) {
	at := newBucket(t)
	dir, other, third := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "other"), filepath.Join(t.TempDir(), "third")
	wallaroo := program(t)
	a := start(t, wallaroo, "--data-dir", dir, "--checkpoint-store", at)
	a.send(3, 1)
	a.run("checkpoint", "now", "--data-dir", dir, "--at", a.http)
	a.send(4, 4)
	a.kill()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}

	b := start(t, wallaroo, "--data-dir", other, "--restore", at)
	b.send(5, 4)
	elsewhere := strings.Replace(at, "some/prefix", "savepoints", 1)
	b.run("savepoint", "one", "--data-dir", other, "--at", b.http, "--to", elsewhere)
	if text := b.run("checkpoint", "verify", other, "all"); strings.Count(text, "whole") != 2 {
		t.Error(text)
	}
	b.kill()
	one := strings.Replace(at, "some/prefix", "savepoints/one", 1)
	if text := b.run("checkpoint", "inspect", one, "--keys", "1"); !strings.Contains(text, `"s" 5`) || !strings.Contains(text, `"a"`) {
		t.Error(text)
	}
	c := start(t, wallaroo, "--data-dir", third, "--from-savepoint", one, "--trust")
	c.send(6, 6)
}

// TestAnApplicationGoesOnWhileS3IsAway takes the service away between two checkpoints.
func TestAnApplicationGoesOnWhileS3IsAway(t *testing.T) {
	gateway, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var away atomic.Bool
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(gateway)
		r.Out.Host = r.In.Host // which is signed
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		through.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	at := strings.Replace(newBucket(t), endpoint, proxy.URL, 1)
	dir := filepath.Join(t.TempDir(), "data")
	a := start(t, program(t), "--data-dir", dir, "--checkpoint-store", at)
	a.send(3, 1)
	away.Store(true)
	done := make(chan string, 1)
	go func() {
		text, err := exec.CommandContext(t.Context(), a.program, "checkpoint", "now", "--data-dir", dir, "--at", a.http).CombinedOutput()
		done <- fmt.Sprint(string(text), err)
	}()
	a.await(`level=ERROR .*the service does not answer: look at the endpoint`)
	a.send(5, 4)
	away.Store(false)
	if text := <-done; !strings.Contains(text, "checkpoint of epoch 1: ") {
		t.Error(text)
	}
	a.run("checkpoint", "verify", dir)
}
