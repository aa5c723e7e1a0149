package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
)

// places are where messages of letters.py fail, and the steps that are told then; one that fails nowhere has "ok".
var places = map[string]string{
	"decode": "numbers/source", "parse": "numbers/parse", "key": "numbers/meet", "poison": "numbers/meet", "state": "numbers/meet",
	"several": "numbers/meet again", "last": "numbers/last", "encode": "numbers/sink",
}

// lettersOf are all dead letters of an application that runs.
func lettersOf(t *testing.T, at string) []deadletters.Letter {
	t.Helper()
	out, code, text := asks(t.Context(), newDeadLetters(), "--json", "--at", at)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, text)
	}
	var letters []deadletters.Letter
	for line := range strings.Lines(out) {
		var l deadletters.Letter
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		letters = append(letters, l)
	}
	return letters
}

// startLetters runs letters.py, and returns where its HTTP answers.
func startLetters(t *testing.T, data string, flags ...string) (p *process, at string) {
	t.Helper()
	return startOf(t, "letters.py", data, flags...)
}

// startOf runs an application that keeps dead letters, and returns where its HTTP answers.
func startOf(t *testing.T, app, data string, flags ...string) (p *process, at string) {
	t.Helper()
	at = net.JoinHostPort("127.0.0.1", freePort(t))
	return startApplication(t, "wallaroo", app, append(flags, "--http", at, "--data-dir", data, "--log-level", "warn")...), at
}

// awaitMetric returns when a counter has come to a value.
func awaitMetric(t *testing.T, at, name string, least int) {
	t.Helper()
	timeout := time.After(patience)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		n := metric(t, at, name)
		if n >= least {
			return
		}
		select {
		case <-look.C:
		case <-timeout:
			t.Fatalf("%s is %d; want %d", name, n, least)
		}
	}
}

func metric(t *testing.T, at, name string) int {
	t.Helper()
	answer, err := http.Get("http://" + at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+name+" ")
	value, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseFloat(value, 64)
	if err != nil && value != "" {
		t.Fatal(err)
	}
	return int(n)
}

// TestProcessedAndDeadLetteredIsAccepted has messages fail anywhere at random, over several connections, on executors between which
// partitions move all the time: each message has either one result or one dead letter, and that is of the step at which it failed.
func TestProcessedAndDeadLetteredIsAccepted(t *testing.T) {
	t.Parallel()
	const connections, each = 3, 700
	p, at := startLetters(t, t.TempDir(), "--executors", "3", "--chaos", "markers=10ms,credit=1,moves=0.4,seed=5")
	out := p.accept()
	failing, results := map[string]string{}, map[string]bool{}
	for c := range connections {
		chance := rand.New(rand.NewPCG(7, uint64(c)))
		var messages []string
		for n := range each {
			number, place := strconv.Itoa(10_000*(c+1)+n), "ok"
			if names := sortedPlaces(); chance.IntN(3) == 0 {
				place = names[chance.IntN(len(names))]
				failing[number] = place
			} else {
				results[number] = true
			}
			messages = append(messages, number+" "+place)
		}
		conn := p.dial()
		go func() {
			send(t, conn, messages...)
			conn.Close()
		}()
	}
	for _, number := range lines(t, out, len(results)) {
		if !results[number] {
			t.Fatalf("%s came, and again or against what was sent", number)
		}
		delete(results, number)
	}
	awaitMetric(t, at, "wallaroo_dead_letters_written_total", len(failing))
	for _, l := range lettersOf(t, at) {
		place, number, _ := strings.Cut(strings.TrimPrefix(l.Error, "ValueError: "), " ")
		if failing[number] != place || l.Step != places[place] || l.FindingKey != (place == "key") {
			t.Errorf("%s of %s", l.Error, l.Step)
		}
		delete(failing, number)
		want := "base64-pickle"
		if place == "decode" || place == "parse" {
			want = "text"
		}
		switch {
		case l.Message == nil || *l.MessageEncoding != want:
			t.Errorf("%s: message in %v: %s", l.Error, l.MessageEncoding, l.MessageMissing)
		case want == "text" && *l.Message != number+" "+place:
			t.Errorf("%s: message %q", l.Error, *l.Message)
		}
	}
	if len(failing) > 0 || len(results) > 0 {
		t.Errorf("%d messages have neither a result nor a dead letter", len(failing)+len(results))
	}
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
}

func sortedPlaces() []string {
	var names []string
	for place := range places {
		names = append(names, place)
	}
	slices.Sort(names)
	return names
}

// TestDeadLettersAreReplayedAtTheirStep mends state and replays what failed for it, while partitions move; what fails for another reason
// fails again, as another dead letter.
func TestDeadLettersAreReplayedAtTheirStep(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, at := startLetters(t, data, "--executors", "3", "--chaos", "markers=10ms,credit=1,moves=0.4,seed=6")
	out := p.accept()
	conn := p.dial()
	const keys = 20
	var want, ids []string
	for n := range keys {
		number := strconv.Itoa(1000 + n)
		want = append(want, number)
		send(t, conn, number+" poison", strconv.Itoa(5000+n)+" last")
	}
	awaitMetric(t, at, "wallaroo_dead_letters_written_total", 2*keys)
	for _, l := range lettersOf(t, at) {
		ids = append(ids, l.ID)
	}
	for n := range keys {
		send(t, conn, strconv.Itoa(1000+n)+" mend")
	}
	send(t, conn, "9999 ok") // behind the mending of its connection, but not of other keys
	lines(t, out, 1)
	awaitMetric(t, at, `wallaroo_step_messages_total{step="numbers/meet"}`, 3*keys+1)
	printed, code, text := asks(t.Context(), newDeadLetters(), append([]string{"replay", "--at", at, "--data-dir", data}, ids...)...)
	if code != 0 || printed != "replayed "+strings.Join(ids, ", ")+"\n" {
		t.Fatalf("%d %s%s", code, printed, text)
	}
	got := lines(t, out, keys)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("results %v; want %v", got, want)
	}
	awaitMetric(t, at, "wallaroo_dead_letters_replayed_total", 2*keys)
	awaitMetric(t, at, "wallaroo_dead_letters_written_total", 3*keys)
	for n, l := range lettersOf(t, at) {
		if replayed := n < 2*keys; replayed != (l.Replayed != nil) || !replayed && l.Step != "numbers/last" {
			t.Errorf("letter %s of %s was replayed at %v", l.ID, l.Step, l.Replayed)
		}
	}
	for _, c := range []struct{ ids, want string }{
		{"1", "dead letter 1 was replayed at "},
		{"41 99", "there is no dead letter 99"},
		{"41 41", "dead letter 41 is named twice"},
	} {
		words := append([]string{"replay", "--at", at, "--data-dir", data}, strings.Fields(c.ids)...)
		_, code, text := asks(t.Context(), newDeadLetters(), words...)
		if code != exitFailed || !strings.Contains(text, c.want) {
			t.Errorf("replay %s: %d %s", c.ids, code, text)
		}
	}
	if l := lettersOf(t, at)[2*keys]; l.Replayed != nil {
		t.Error("one was sent though another could not be")
	}
}

// TestAKilledWorkerLeavesWholeDeadLetters kills a worker while it writes, several times over, and looks at its files.
func TestAKilledWorkerLeavesWholeDeadLetters(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	before := 0
	for range 4 {
		p, at := startLetters(t, data)
		p.accept()
		conn := p.dial()
		flooding := make(chan struct{})
		go func() {
			defer close(flooding)
			message := "\x00\x00\x00\x0a" + "1234 parse"
			for {
				if _, err := io.WriteString(conn, strings.Repeat(message, 100)); err != nil {
					return
				}
			}
		}()
		awaitMetric(t, at, "wallaroo_dead_letters_written_total", 200)
		p.signal(syscall.SIGKILL)
		<-p.ended
		<-flooding
		ids := wholeLines(t, filepath.Join(data, "dead-letters", "1.jsonl"))
		if len(ids) < before+200 {
			t.Fatalf("%d dead letters, and before there were %d", len(ids), before)
		}
		for n, id := range ids {
			if id != fmt.Sprint(n+1) {
				t.Fatalf("dead letter %d is %s", n+1, id)
			}
		}
		before = len(ids)
	}
}

// wholeLines are the numbers in a file of dead letters, of which only the last line may be a part of one.
func wholeLines(t *testing.T, path string) (ids []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			continue
		}
		var l deadletters.Record
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Message == nil || *l.Message != "1234 parse" {
			t.Fatalf("%q: %v", line, err)
		}
		ids = append(ids, l.ID)
	}
	return ids
}

// TestTheFirstFailureEndsTheApplication tells the step, the key and the traceback, and what had arrived is processed.
func TestTheFirstFailureEndsTheApplication(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, _ := startLetters(t, data, "--on-error", "stop")
	out := p.accept()
	conn := p.dial()
	send(t, conn, "1000 ok", "1001 state", "1002 ok", "1003 last")
	conn.Close()
	if got := strings.Join(lines(t, out, 2), " "); got != "1000 1002" {
		t.Errorf("results %s", got)
	}
	if code := p.exitCode(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	p.stderr.await(t, `(?s)\nwallaroo: application "Letters": it ends by a failure of step "numbers/meet", key '01': ValueError: state 1001\n`+
		`Traceback .*letters.py", line \d+, in meet\n.*ValueError: state 1001\n$`)
	if _, last, _ := strings.Cut(p.stderr.String(), "\nwallaroo:"); strings.Contains(last, "last 1003") {
		t.Errorf("another failure ended it:\n%s", last)
	}
	if _, err := out.ReadByte(); err != io.EOF {
		t.Errorf("then %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(data, "dead-letters", "*.jsonl")); len(files) != 1 || lineCount(t, files[0]) != 2 {
		t.Errorf("dead letters in %v", files)
	}
}

func lineCount(t *testing.T, path string) (n int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		n++
	}
	return n
}

// TestALetterThatCannotBeWrittenIsTold takes the folder away, and puts it back.
func TestALetterThatCannotBeWrittenIsTold(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	folder := filepath.Join(data, "dead-letters")
	p, at := startLetters(t, data)
	p.accept()
	conn := p.dial()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	send(t, conn, "1000 parse")
	p.stderr.await(t, `level=ERROR msg="a step failed; its message is dropped, since no dead letter could be written" step=numbers/parse `+
		`[^\n]*message=[^\n]*1000 parse[^\n]*why="open [^\n]*/dead-letters/1.jsonl: no such file or directory"`)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	send(t, conn, "1001 parse")
	p.stderr.await(t, `level=ERROR msg="a step failed; its message is a dead letter" step=numbers/parse [^\n]*dead_letter=1\n`)
	for name, want := range map[string]int{`dropped_total{reason="error"}`: 1, `dropped_total{reason="room"}`: 0, "written_total": 1} {
		if n := metric(t, at, "wallaroo_dead_letters_"+name); n != want {
			t.Errorf("%s is %d; want %d", name, n, want)
		}
	}
}

// TestATornDeadLetterIsCutOffAtTheNextStart leaves half of one, as a crash may.
func TestATornDeadLetterIsCutOffAtTheNextStart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	folder := filepath.Join(data, "dead-letters")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "7.jsonl"), []byte(`{"id":"7"}`+"\n"+`{"id":"8","ti`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, at := startLetters(t, data)
	p.accept()
	p.stderr.await(t, `level=WARN msg="a part of a dead letter, which a crash had left, was cut off" bytes=13\n`)
	send(t, p.dial(), "1000 parse")
	awaitMetric(t, at, "wallaroo_dead_letters_written_total", 1)
	if letters := lettersOf(t, at); len(letters) != 2 || letters[1].ID != "8" || letters[1].Step != "numbers/parse" {
		t.Errorf("%+v", letters)
	}
}
