package command

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var writeReference = flag.Bool("write", false, "write docs/commands.md instead of comparing it with what the commands say")

const referenceHead = `# Commands

What ` + "`--help`" + ` of each command says. This page is made of it: ` + "`make reference`" + ` writes it anew.
`

// reference is a section for a command and one for each command below it: its text, and its usage as its help has it.
func reference(c *cobra.Command) string {
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	level := strings.Repeat("#", max(2, strings.Count(c.CommandPath(), " ")+1))
	text := fmt.Sprintf("\n%s %s\n\n%s\n", level, c.CommandPath(), strings.TrimSpace(cmp.Or(c.Long, c.Short+".")))
	text += fmt.Sprintf("\n```text\n%s\n```\n", strings.TrimSpace(c.UsageString()))
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			text += reference(below)
		}
	}
	return text
}

// TestTheReferenceIsWhatTheCommandsSay compares docs/commands.md with the commands.
func TestTheReferenceIsWhatTheCommandsSay(t *testing.T) {
	root := newRoot()
	root.InitDefaultHelpCmd() // cobra adds both of itself when a command line is read
	root.InitDefaultCompletionCmd()
	want := referenceHead + reference(root)
	path := filepath.Join("..", "..", "docs", "commands.md")
	if *writeReference {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(data), "\n")
	for n, line := range strings.Split(want, "\n") {
		if n >= len(got) || got[n] != line {
			t.Fatalf("docs/commands.md is not what the commands say from line %d on, which is %q: make reference writes it anew", n+1, line)
		}
	}
	if string(data) != want {
		t.Error("docs/commands.md says more than the commands: make reference writes it anew")
	}
}
