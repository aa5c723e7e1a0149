package command

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestALongMessageThatFailsIsShownCut also where it is the payload of a frame, and where it is too long to be kept.
func TestALongMessageThatFailsIsShownCut(t *testing.T) {
	t.Parallel()
	payload := "\xff" + strings.Repeat("x", 1<<20)
	cut := ` error="UnicodeDecodeError:[^"]*" message=b'\\xffx{191}\.\.\. source=words/source [^\n]*\n`
	p := startApplication(t, "wallaroo", "words.py", "--max-frame", "2097152")
	p.accept()
	send(t, p.dial(), payload)
	p.stderr.await(t, `msg="a step failed; its message is dropped" step=words/source`+cut)
	data := filepath.Join(t.TempDir(), "data")
	kept := startApplication(t, "wallaroo", "words.py", "--max-frame", "2097152", "--dead-letters", "1048576", "--data-dir", data)
	kept.accept()
	send(t, kept.dial(), payload, "bad")
	kept.stderr.await(t, `msg="a step failed; its message is a dead letter" step=words/source`+cut)
	kept.stderr.await(t, `msg="a step failed; its message is a dead letter" step=words/count key='bad' error="ValueError: a bad word" `+
		`source=`)
}

func TestWhatUserCodePrintsAndLogs(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py")
	p.accept()
	send(t, p.dial(), "print")
	p.stdout.await(t, `^printed print\n$`)
	p.stderr.await(t, `level=WARN msg="logged print" logger=words\n`)
	if log := p.stderr.String(); strings.Contains(log, "not of interest") {
		t.Errorf("a record below the level came:\n%s", log)
	}
}

// TestALogInJSONIsNothingElse has the process write to standard error, by itself and by what Python says when it dies.
func TestALogInJSONIsNothingElse(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"exit", "abort"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			p := startApplication(t, "wallaroo", "words.py", "--log-format", "json")
			p.accept()
			send(t, p.dial(), "a", word, "b")
			if code := p.exitCode(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			p.stderr.await(t, `"msg":"ended by an error"[^\n]*\n`)
			told := map[string]string{} // by message
			for line := range strings.Lines(p.stderr.String()) {
				var record struct{ Msg, Error, Stream string }
				if err := json.Unmarshal([]byte(line), &record); err != nil {
					t.Errorf("%v: %s", err, line)
				}
				told[record.Msg] = record.Error + record.Stream
			}
			if last := told["ended by an error"]; !strings.Contains(last, `application "Words": the Python process (pid `) {
				t.Error(last)
			}
			if word == "abort" && (told["about to abort"] != "stderr" || told["no endFatal Python error: Aborted"] != "stderr") {
				t.Error(p.stderr)
			}
		})
	}
}
