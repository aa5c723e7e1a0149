package command

import (
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
)

func TestWrongUseIsToldAsSuch(t *testing.T) {
	app := filepath.Join("testdata", "apps", "words.py")
	for _, c := range []struct {
		command *cobra.Command
		tokens  []string
		want    string
	}{
		{newGraph(), []string{app, "--format", "svg"}, `--format: "svg" is not a format: want text, dot or json`},
		{newGraph(), []string{"--at", ":1", "--format", "svg"}, `--format: "svg" is not a format: want text, dot or json`},
		{newDeadLetters(), []string{"replay", "1", "x"}, `"x" is not the number of a dead letter: dead-letters lists them`},
		{newDeadLetters(), []string{"replay", "0"}, `"0" is not the number of a dead letter: dead-letters lists them`},
		{newDeadLetters(), []string{"replay"}, "no dead letter is named: dead-letters lists their numbers"},
	} {
		if out, code, text := asks(t.Context(), c.command, c.tokens...); code != exitUsage || text != c.want || out != "" {
			t.Errorf("%q: %d %s %s", c.tokens, code, text, out)
		}
	}
}
