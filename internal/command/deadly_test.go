package command

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestAMessageThatKillsItsProcessBecomesADeadLetter has one message in a line end its process, or never come back, each time that it is
// processed. The others come out all the same, with counts that go on.
func TestAMessageThatKillsItsProcessBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	for word, told := range map[string]string{
		"exit":  `the Python process \(pid \d+\) died: exit code 3"`,
		"sleep": `step \\"words/count\\", key 'sleep'`,
	} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			p := startApplication(t, "wallaroo", "deadly.py", "--executors", "2", "--step-timeout", "1s", "--data-dir", t.TempDir())
			out := p.accept()
			conn := p.dial()
			send(t, conn, "a b c", "a "+word+" b", "c a")
			p.stderr.await(t, `its message is a dead letter" step=words/count key='`+word+
				`' error="RuntimeError: its process died of it, each time: `+told)
			send(t, conn, "b last")
			counts := map[string]int{}
			for counts["last"] == 0 { // what came before a death may come again
				for _, line := range lines(t, out, 1) {
					word, count, _ := strings.Cut(line, " => ")
					counts[word], _ = strconv.Atoi(count)
				}
			}
			if want := map[string]int{"a": 3, "b": 3, "c": 2, "last": 1}; !maps.Equal(counts, want) {
				t.Errorf("counts are %v; want %v", counts, want)
			}
			p.signal(syscall.SIGTERM)
			if code := p.exitCode(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if n := len(regexp.MustCompile(`going back to the last checkpoint`).FindAllString(p.stderr.String(), -1)); n != 3 {
				t.Errorf("it went back %d times; want 3", n)
			}
		})
	}
}

// TestEqualMessagesThatKillAreSkippedEach sends one again and again behind itself, in front of the same checkpoint: each costs two deaths,
// and the first one more.
func TestEqualMessagesThatKillAreSkippedEach(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "deadly.py", "--executors", "1", "--data-dir", t.TempDir(), "--checkpoint-interval", "1h")
	out := p.accept()
	conn := p.dial()
	send(t, conn, "a exit b "+strings.Repeat("exit ", 5)+"c")
	counts := map[string]int{}
	for counts["c"] == 0 { // what came before a death may come again
		for _, line := range lines(t, out, 1) {
			word, count, _ := strings.Cut(line, " => ")
			counts[word], _ = strconv.Atoi(count)
		}
	}
	if want := map[string]int{"a": 1, "b": 1, "c": 1}; !maps.Equal(counts, want) {
		t.Errorf("counts are %v; want %v", counts, want)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := len(regexp.MustCompile(`going back to the last checkpoint`).FindAllString(p.stderr.String(), -1)); n != 13 {
		t.Errorf("it went back %d times; want 13", n)
	}
}
