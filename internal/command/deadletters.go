package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
)

func newDeadLetters() *cobra.Command {
	var flags applicationFlags
	command := &cobra.Command{
		Use:   "dead-letters",
		Short: "List the messages that an application could not process, or send them again",
		Long: `List the messages that an application which runs could not process, the oldest first:
their numbers, when and at which step they failed, their keys, and why.

They lie in the application's data directory, as docs/format/dead-letters.md draws
them; --json prints all of each. Without a data directory none are kept.

Exit codes: 0 done; 1 the application did not answer or keeps none; 2 wrong use.`,
		Example: `  wallaroo dead-letters
  wallaroo dead-letters --json --at 127.0.0.1:5051
  wallaroo dead-letters replay 17 18 --data-dir data`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return flags.ask(command, func(ctx context.Context, a *asking) error { return failed(a.listLetters(ctx)) })
		},
	}
	flags.add(command, "print each as JSON on a line, with its message")
	command.AddCommand(newReplay())
	return command
}

func newReplay() *cobra.Command {
	var flags applicationFlags
	command := &cobra.Command{
		Use:   "replay ID...",
		Short: "Send dead letters again, each to the step that could not process it",
		Long: `Send dead letters again, one after another, each to the step that could not process
it: to the entity of its key, if the step has state. They are marked as replayed. One
that fails again becomes another dead letter.

None is sent if one of them cannot be: it is unknown, it was replayed before, its
message was not kept, or the application has its step no more.

This needs the application's token, which is in its data directory.

Signals: SIGINT and SIGTERM end the command; the application goes on with what was
asked for.

Exit codes: 0 done; 1 the application did not answer or could not do it; 2 wrong use.`,
		Example: `  wallaroo dead-letters replay 17 --data-dir data
  wallaroo dead-letters replay 17 18 19 --token-file key --at 127.0.0.1:5051`,
		Args: letterNumbers,
		RunE: func(command *cobra.Command, ids []string) error {
			return flags.ask(command, func(ctx context.Context, a *asking) error { return a.replay(ctx, ids) })
		},
	}
	flags.add(command, "print what the application's HTTP answers, as JSON on one line")
	flags.addToken(command)
	return command
}

// letterNumbers refuses arguments that are no numbers of dead letters, or none.
func letterNumbers(cmd *cobra.Command, ids []string) error {
	if len(ids) == 0 {
		return fmt.Errorf("no dead letter is named: %s lists their numbers", cmd.Parent().CommandPath())
	}
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 63); err != nil || n == 0 {
			return fmt.Errorf("%q is not the number of a dead letter: %s lists them", id, cmd.Parent().CommandPath())
		}
	}
	return nil
}

// listLetters prints all dead letters, page by page.
func (a *asking) listLetters(ctx context.Context) error {
	broken, none := 0, true
	for after, more := "", true; more; {
		page, err := a.client.DeadLetters(ctx, after)
		if err != nil {
			return err
		}
		for i := range page.DeadLetters {
			text, err := a.letter(&page.DeadLetters[i])
			if err != nil {
				return err
			}
			if _, err := io.WriteString(a.out, text); err != nil {
				return err
			}
			after, none = page.DeadLetters[i].ID, false
		}
		more, broken = page.More, broken+page.Broken
	}
	if broken > 0 {
		fmt.Fprintf(a.status, "%d lines between them are no dead letters, or damaged\n", broken)
	}
	if none && !a.json {
		fmt.Fprintln(a.out, "no dead letters")
	}
	return nil
}

// letter is a line that tells a dead letter.
func (a *asking) letter(l *deadletters.Letter) (string, error) {
	if a.json {
		text, err := json.Marshal(l)
		return string(text) + "\n", err
	}
	text := fmt.Sprintf("%s %s %s", l.ID, l.Time.UTC().Format(time.RFC3339), l.Step)
	if l.FindingKey {
		text += " key"
	}
	if l.Key != nil {
		text += ", key " + logging.Cut(*l.Key)
	}
	what, _, _ := strings.Cut(l.Error, "\n")
	text += ": " + logging.Cut(what)
	if l.Message == nil {
		text += " (its message was not kept: " + l.MessageMissing + ")"
	}
	if l.Replayed != nil {
		text += " (replayed " + l.Replayed.UTC().Format(time.RFC3339) + ")"
	}
	return text + "\n", nil
}

// replay has dead letters sent again.
func (a *asking) replay(ctx context.Context, ids []string) error {
	replayed, err := a.client.Replay(ctx, ids)
	if err != nil && ctx.Err() != nil {
		return failed(errors.New("interrupted; the application goes on with what was asked for: its dead letters tell which were replayed"))
	}
	if err != nil {
		return refusal(err)
	}
	return failed(a.print(replayed, "replayed "+strings.Join(replayed.Replayed, ", ")+"\n"))
}
