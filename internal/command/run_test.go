package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestWordsOfSeveralConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	out := p.accept()
	const connections, rounds = 4, 500
	var senders sync.WaitGroup
	for range connections {
		conn := p.dial()
		senders.Go(func() {
			for range rounds {
				send(t, conn, "a b c", "", "a  d")
			}
			conn.Close()
		})
	}
	counts := map[string]int{}
	for _, line := range lines(t, out, connections*rounds*5) {
		word, count, _ := strings.Cut(line, " => ")
		counts[word]++
		if count != fmt.Sprint(counts[word]) {
			t.Fatalf("%s came as number %d", line, counts[word])
		}
	}
	senders.Wait()
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 || counts["a"] != 2*connections*rounds || counts["d"] != connections*rounds {
		t.Errorf("exit code %d, counts %v", code, counts)
	}
	p.stderr.await(t, `msg=stopped accepted=6000 refused=0 processed=6000 outputs=10000 delivered=10000 failures=0`)
}

// TestSeveralExecutorsCountEachWordOnce sends words over several connections to several Python processes; some words are every
// connection's.
func TestSeveralExecutorsCountEachWordOnce(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py", "--executors", "4", "--partitions", "64")
	out := p.accept()
	if n := len(p.pythons()); n != 4 {
		t.Fatalf("%d Python processes", n)
	}
	const connections, rounds, words = 4, 200, 12
	var senders sync.WaitGroup
	for c := range connections {
		conn := p.dial()
		senders.Go(func() {
			for range rounds {
				line := "bad"
				for w := range words {
					line += fmt.Sprintf(" own%d-%d shared%d", c, w, w)
				}
				send(t, conn, line)
			}
			conn.Close()
		})
	}
	counts := map[string]int{}
	for _, line := range lines(t, out, connections*rounds*words*2) {
		word, count, _ := strings.Cut(line, " => ")
		counts[word]++
		if count != fmt.Sprint(counts[word]) {
			t.Fatalf("%s came as number %d", line, counts[word])
		}
	}
	senders.Wait()
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 || counts["shared3"] != connections*rounds || counts["own2-5"] != rounds {
		t.Errorf("exit code %d, counts %v", code, counts)
	}
	p.stderr.await(t, `msg=stopped accepted=800 refused=0 processed=800 outputs=19200 delivered=19200 failures=800`)
}

func TestABadWordOfTenLeavesNine(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	out := p.accept()
	conn := p.dial()
	send(t, conn, "a b c d bad f g h i j")
	if got := strings.Join(lines(t, out, 9), ","); got != "a => 1,b => 1,c => 1,d => 1,f => 1,g => 1,h => 1,i => 1,j => 1" {
		t.Errorf("received %s", got)
	}
	log := p.stderr.await(t, `(?s)level=ERROR[^\n]*step=words/count key='bad' error="ValueError: a bad word" message='bad' `+
		`[^\n]*position=0\n(.*ValueError: a bad word)\n`)
	ours := strings.Contains(log[1], "_executor.py") || strings.Contains(log[1], "wallaroo stage")
	if ours || !strings.Contains(log[1], `words.py", line `) {
		t.Errorf("the traceback is not the user's own:\n%s", log[1])
	}
}

func TestAPythonProcessThatDiesEndsTheApplication(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	p.accept()
	send(t, p.dial(), "a", "exit", "b")
	if code := p.exitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p.stderr.await(t, `\nwallaroo: application "Words": the Python process \(pid \d+\) died: exit code 3\n`)
}

// TestASignalToThePythonProcessDoesNotEndIt is about service managers, which signal all processes of a service.
func TestASignalToThePythonProcessDoesNotEndIt(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	out := p.accept()
	conn := p.dial()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		for _, child := range p.pythons() {
			if err := syscall.Kill(child, s); err != nil {
				t.Fatal(err)
			}
		}
		send(t, conn, "a")
		lines(t, out, 1)
	}
}

// TestAChildThatUserCodeForksDoesNotHideTheDeathOfPython although it holds open what the process had, standard error included.
func TestAChildThatUserCodeForksDoesNotHideTheDeathOfPython(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			p := startApplication(t, "wallaroo", "words.py", "--log-format", format)
			out := p.accept()
			conn := p.dial()
			send(t, conn, "fork")
			lines(t, out, 1)
			python := p.pythons()
			forked := childrenOf(t, python[0])
			if len(forked) != 1 {
				t.Fatalf("children %v", forked)
			}
			defer func() { _ = syscall.Kill(forked[0], syscall.SIGKILL) }()
			if err := syscall.Kill(python[0], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if code := p.exitCode(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			p.stderr.await(t, "killed by SIGKILL")
			log := p.stderr.String() // the child's own words to standard error may be there
			if strings.Contains(log, `msg="from the child"`) || strings.Contains(log, `"from the child","logger"`) {
				t.Error(log)
			}
		})
	}
}

func TestALongChainOfCausesIsToldInShort(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	out := p.accept()
	send(t, p.dial(), "chain a")
	if got := lines(t, out, 1); got[0] != "a => 1" {
		t.Errorf("received %s", got)
	}
	p.stderr.await(t, `error="ValueError: link 1999"`)
	if log := p.stderr.String(); strings.Contains(log, "link 1000") || !strings.Contains(log, "direct cause") {
		t.Error(log)
	}
}

// TestAReaderOfOutputThatIsGoneCostsNothing closes the other ends of standard output and error while messages flow.
func TestAReaderOfOutputThatIsGoneCostsNothing(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py", "--log-level", "debug")
	out := p.accept()
	conn := p.dial()
	p.stdoutPipe.Close()
	p.stderrPipe.Close()
	send(t, conn, strings.Repeat("print bad ", 100))
	for i, line := range lines(t, out, 100) {
		if want := fmt.Sprintf("print => %d", i+1); line != want {
			t.Fatalf("%q came; want %q", line, want)
		}
	}
	conn.Close()
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAKilledWorkerLeavesNoPython(t *testing.T) {
	for _, word := range []string{"sleep", "hold"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			p := startApplication(t, "wallaroo", "words.py")
			out := p.accept()
			conn := p.dial()
			send(t, conn, "a")
			lines(t, out, 1)
			send(t, conn, word)
			children := p.pythons()
			if len(children) != 1 {
				t.Fatalf("children %v", children)
			}
			p.signal(os.Kill)
			awaitEnd(t, children[0])
		})
	}
}

func TestASignalLetsWhatHasArrivedThrough(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			p := startApplication(t, "wallaroo", "words.py")
			out := p.accept()
			conn := p.dial()
			const messages = 20_000
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for range messages {
					send(t, conn, "a")
				}
				p.signal(s)
				_, _ = io.Copy(io.Discard, conn) // the source asks to end
				send(t, conn, "last")
				conn.Close()
			}()
			lines(t, out, messages)
			if got := lines(t, out, 1); got[0] != "last => 1" {
				t.Errorf("received %s", got)
			}
			<-sent
			if _, err := out.ReadByte(); err != io.EOF || p.exitCode() != 0 {
				t.Errorf("then %v; exit code %d", err, p.exitCode())
			}
		})
	}
}

func TestWhatIsNotDeliveredIsCounted(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py", "--drain-timeout", "100ms")
	p.accept()
	send(t, p.dial(), "a", "sleep", "b", "c")
	p.stderr.await(t, "connection opened")
	p.signal(syscall.SIGTERM)
	began := time.Now()
	if code := p.exitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	t.Logf("ended %s after the signal", time.Since(began))
	p.stderr.await(t, `wallaroo: application "Words": not all done 10s after the signal to stop: 3 messages accepted but not processed\n`)
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	p.accept()
	send(t, p.dial(), "sleep")
	p.stderr.await(t, "connection opened")
	children := p.pythons()
	p.signal(syscall.SIGTERM)
	p.stderr.await(t, "msg=\"?stopping")
	p.signalUntilItEnds(syscall.SIGTERM)
	if code := p.exitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	p.stderr.await(t, "second signal")
	for _, child := range children {
		awaitEnd(t, child)
	}
}

func TestASignalBeforeItIsReadyEndsIt(t *testing.T) {
	t.Parallel()
	words := filepath.Join("testdata", "apps", "words.py")
	cmd := exec.Command("wallaroo", "run", words, "--in", ":0", "--out", "127.0.0.1:9", "--http", "off")
	log := newCapture()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log.await(t, "receiver is away")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}

// TestAReceiverThatIsCutMissesNothing cuts a receiver that has read all there was, twenty times; what is sent meanwhile comes on the next
// connection.
func TestAReceiverThatIsCutMissesNothing(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	receiver := p.acceptConn()
	conn := p.dial()
	next := 1
	for cut := range 20 {
		if err := receiver.CloseWrite(); err != nil { // so it is known for a plain one; before, what was written comes again
			t.Fatal(err)
		}
		send(t, conn, strings.Repeat("w ", 50))
		for _, line := range lines(t, bufio.NewReader(receiver), 50) {
			if line != fmt.Sprintf("w => %d", next) {
				t.Fatalf("cut %d: %q came; want number %d", cut, line, next)
			}
			next++
		}
		_ = receiver.SetLinger(0)
		receiver.Close()
		send(t, conn, strings.Repeat("w ", 50)) // some of it may be written to the connection that is gone
		receiver = p.acceptConn()
		for _, line := range lines(t, bufio.NewReader(receiver), 50) {
			if line != fmt.Sprintf("w => %d", next) {
				t.Fatalf("after cut %d: %q came; want number %d", cut, line, next)
			}
			next++
		}
	}
}

func TestHTTPSaysWhetherItIsReady(t *testing.T) {
	t.Parallel()
	receiver, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := receiver.Addr().String()
	receiver.Close() // away at first
	words := filepath.Join("testdata", "apps", "words.py")
	cmd := exec.Command("wallaroo", "run", words, "--in", ":0", "--out", to, "--http", "127.0.0.1:0", "--log-format", "json",
		"--log-level", "debug")
	log := newCapture()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	http := "http://" + log.await(t, `"msg":"http listens","address":"([^"]+)"`)[1]
	get(t, http+"/healthz", 200, "ok\n")
	log.await(t, "receiver is away")
	get(t, http+"/readyz", 503, "connecting sink words/sink\n")
	receiver, err = net.Listen("tcp", to)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	defer receiver.Close()
	line := log.await(t, `(\{[^\n]*"msg":"ready"[^\n]*\})\n`)[1]
	var ready struct {
		Level, Application, HTTP string
		Sources                  map[string]string
	}
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		t.Fatal(err)
	}
	listens := log.await(t, `"msg":"source listens","pipeline":"words","address":"([^"]+)"}\n`)[1]
	if ready.Application != "Words" || ready.Sources["words"] != listens || "http://"+ready.HTTP != http {
		t.Error(line)
	}
	get(t, http+"/readyz", 200, "ready\n")
}

func get(t *testing.T, url string, status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || string(got) != body {
		t.Errorf("%s answered %d %q, %v; want %d %q", url, response.StatusCode, got, err, status, body)
	}
}

// TestAStalledReceiverCostsNoMemory sends until nothing more is taken, and looks at the memory of both processes; then the receiver reads
// it all.
func TestAStalledReceiverCostsNoMemory(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "wallaroo") // without the race detector, which takes memory of its own
	build := exec.Command("go", "build", "-o", program, "../../cmd/wallaroo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := startApplication(t, program, "pass.py")
	out := p.accept()
	conn := p.dial()
	const messages, size = 32 << 10, 64 << 10 // 2 GiB in all
	taken := make(chan int, messages)
	message := strings.Repeat("x", size)
	go func() {
		defer close(taken)
		for range messages {
			send(t, conn, message)
			taken <- size
		}
		conn.Close()
	}()
	if total := awaitStall(taken); total == messages*size {
		t.Error("all was taken, though nobody reads it")
	}
	if n, err := io.CopyN(io.Discard, out, messages*size); err != nil {
		t.Errorf("%d of %d bytes came: %v", n, messages*size, err)
	}
	if memory := mostResident(t, append(p.pythons(), p.cmd.Process.Pid)...); memory > 300<<20 {
		t.Errorf("%d MiB were resident", memory>>20)
	} else {
		t.Logf("%d MiB were resident at most", memory>>20)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// awaitStall returns what was taken when nothing more has been for a while.
func awaitStall(taken <-chan int) int {
	total := 0
	for {
		select {
		case n, ok := <-taken:
			if !ok {
				return total
			}
			total += n
		case <-time.After(2 * time.Second):
			return total
		}
	}
}
