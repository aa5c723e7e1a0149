package command

import (
	"regexp"
	"testing"
)

// TestACallThatDoesNotComeBackEndsTheApplication has user code hang that lets other threads of Python run, and some that does not. Before,
// many calls in one batch take longer together than one may.
func TestACallThatDoesNotComeBackEndsTheApplication(t *testing.T) {
	t.Parallel()
	for message, told := range map[string][]string{
		"sleep": {`step "words/do", key 'sleep': a call has not come back within 2s`, "--step-timeout", "hangs.py", "time.sleep(0.01)"},
		"match": {"no sign of life", "--step-timeout", `hangs.py", line 38 in do`},
	} {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			p := startApplication(t, "wallaroo", "hangs.py", "--executors", "1", "--step-timeout", "2s")
			out := p.accept()
			conn := p.dial()
			send(t, conn, "nap", "nap")
			lines(t, out, 40)
			send(t, conn, message)
			if code := p.exitCode(); code != exitFailed {
				t.Errorf("exit code %d", code)
			}
			for _, text := range told {
				p.stderr.await(t, regexp.QuoteMeta(text)) // it may be read after the end is seen
			}
		})
	}
}
