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
	kept.stderr.await(t, `msg="a step failed; its message could not be kept in its dead letter" step=words/source`+
		strings.TrimSuffix(cut, `\n`)+` message_missing="it has 1048586 bytes, and at most [^\n]*" dead_letter=1\n`)
	kept.stderr.await(t, `msg="a step failed; its message is a dead letter" step=words/count key='bad' error="ValueError: a bad word" `+
		`source=`)
}

// TestAMessageThatIsNotAtHandIsMissedInTheLog fails where results are looked at, when their messages are gone.
func TestAMessageThatIsNotAtHandIsMissedInTheLog(t *testing.T) {
	t.Parallel()
	missing := ` step=words/sink error=[^\n]* source=[^\n]* message_missing="what an encoder returned is looked at later, [^"]*"`
	for what, flags := range map[string][]string{
		`"a step failed; its message could not be kept in its dead letter"` + missing + ` dead_letter=1\n`: {"--data-dir", t.TempDir()},
		`"a step failed; its message is dropped"` + missing + `\n`:                                         nil,
	} {
		p := startApplication(t, "wallaroo", "words.py", flags...)
		p.accept()
		send(t, p.dial(), "untold")
		p.stderr.await(t, "msg="+what)
	}
}

// TestALongErrorIsCut in the log, in the user's own lines and where dead letters are listed.
func TestALongErrorIsCut(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p, at := startOf(t, "words.py", data)
	p.accept()
	send(t, p.dial(), "rubbish"+strings.Repeat("x", 5000))
	p.stderr.await(t, ` key='rubbishx+\.\.\. error="ValueError: rubbishx{481}\\n  \.\.\. 4019 characters \.\.\.\\nx{500}" `+
		`[^\n]*dead_letter=1\n(    [^\n]*\n)+    ValueError: rubbishx{481} \.\.\. \d+ characters \.\.\. x{500}\n`)
	out, code, text := asks(t.Context(), newDeadLetters(), "--at", at)
	if code != 0 || len(out) > 1500 {
		t.Errorf("exit code %d, %s: %s", code, text, out)
	}
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
