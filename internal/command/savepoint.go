package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/control"
)

func newSavepoint() *cobra.Command {
	var flags applicationFlags
	to := ""
	command := &cobra.Command{
		Use:   "savepoint NAME",
		Short: "Have an application that runs write its state into a folder that needs nothing else",
		Long: `Have an application that runs make a checkpoint now, and write it, with all that it
needs, into a folder of its own: NAME in the folder savepoints of its data directory,
or in the folder or bucket that --to names, as the application's machine sees it. The
application goes on meanwhile. A name that is taken is refused.

wallaroo run --from-savepoint begins with it, elsewhere, or with other code, partitions
or executors, as often as you like. It is kept until you remove it. Whoever can write
there can have an application in Python that begins with it run any code.

It needs the application's token, which is in its data directory.

Signals: SIGINT and SIGTERM end the command; the savepoint goes on.

Exit codes: 0 done; 1 the application did not answer or could not do it; 2 wrong use.`,
		Example: `  wallaroo savepoint monday --data-dir data
  wallaroo savepoint before-upgrade --data-dir data --to s3://bucket/savepoints?region=eu-central-1
  wallaroo run app.py --data-dir other --from-savepoint data/savepoints/monday --trust`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("it takes one name, that of the savepoint: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if to != "" {
				place, err := bucket.Parse(to)
				if err != nil {
					return fmt.Errorf("--to: %w", err)
				}
				to = place.String() // a folder as it is seen from here
			}
			return flags.ask(command, func(ctx context.Context, a *asking) error { return a.savepoint(ctx, args[0], to) })
		},
	}
	flags.add(command, "print what the application's HTTP answers, as JSON on one line")
	flags.addToken(command)
	command.Flags().StringVar(&to, "to", "", "the `FOLDER or URL` in which to make it, instead of the data directory")
	return command
}

// savepoint has a savepoint made.
func (a *asking) savepoint(ctx context.Context, name, to string) error {
	defer a.tellWhatHinders(ctx)()
	made, err := a.client.Savepoint(ctx, name, to)
	if err != nil && ctx.Err() != nil {
		return failed(errors.New("interrupted; the savepoint goes on: the application's log tells when it is done"))
	}
	if err != nil {
		return refusal(err)
	}
	return failed(a.print(made, saved(made)))
}

func saved(s control.Savepoint) string {
	return fmt.Sprintf("savepoint %s of epoch %d: %d entities, %s, in %s\n%s\n", s.Savepoint, s.Epoch, s.Entities, size(s.Bytes),
		seconds(s.TookSeconds), s.Place)
}
