package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/wallaroo-stream/wallaroo/internal/control"
)

func newExecutors() *cobra.Command {
	var flags applicationFlags
	command := &cobra.Command{
		Use:   "executors [N]",
		Short: "Change the number of executors of an application that runs, or show it",
		Long: `Change the number of executors of an application that runs, while messages flow.

Executors that come start first; then partitions of the keys move, a few at a
time, and their state with them; executors that own nothing any more leave. It
waits until that is done, and tells how long a partition that moved had to wait
at most. The application's log tells of the change, too.

Without N it shows how many executors there are, and what waits in each.

A change needs the application's token, which is in its data directory.

Signals: SIGINT and SIGTERM end the command; the change goes on.

Exit codes: 0 done; 1 the application did not answer, could not do it or is still
doing it; 2 wrong use.`,
		Example: `  wallaroo executors 2 --data-dir data
  wallaroo executors 4 --token-file key --at 127.0.0.1:5051 --json
  wallaroo executors`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s: there is one number, that of executors", strings.Join(args, " "))
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			executors, err := executorsWanted(args)
			if err != nil {
				return err
			}
			return flags.ask(command, func(ctx context.Context, a *asking) error { return a.run(ctx, executors) })
		},
	}
	flags.add(command, "print what the application's HTTP answers, as JSON on one line")
	flags.addToken(command)
	command.SetFlagErrorFunc(negativeIsNoFlag)
	return command
}

// negativeIsNoFlag tells of a number below zero, which is read as a flag, what is wrong with the number.
func negativeIsNoFlag(_ *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if _, notNumber := strconv.Atoi(unknown.GetSpecifiedShortnames()); notNumber == nil {
			_, err = parseExecutors("-" + unknown.GetSpecifiedShortnames())
		}
	}
	return err
}

// executorsWanted is the number that was given, 0 if none was.
func executorsWanted(args []string) (int, error) {
	if len(args) == 0 {
		return 0, nil
	}
	return parseExecutors(args[0])
}

// run changes the number of executors, or shows how they stand if it is 0. It asks how they stand in any case: what is no application of
// ours is found out before anybody waits for it.
func (a *asking) run(ctx context.Context, executors int) error {
	all, err := a.client.Executors(ctx)
	if ctx.Err() != nil {
		return failed(errors.New("interrupted before anything was changed"))
	}
	if err != nil {
		return failed(err)
	}
	if executors == 0 {
		return failed(a.print(all, standing(all)))
	}
	done := showWaiting(a.status, isTerminal(a.status))
	change, err := a.client.Resize(ctx, executors)
	done()
	if ctx.Err() != nil && err != nil {
		return failed(fmt.Errorf("interrupted; the change to %d executors goes on: wallaroo executors --at %s shows how they stand",
			executors, a.at))
	}
	if err != nil {
		return refusal(err)
	}
	return failed(a.print(change, changed(change)))
}

// changed tells what a change came to.
func changed(c control.Change) string {
	text := fmt.Sprintf("executors %d -> %d: ", c.Before, c.After)
	if c.PartitionsMoved == 0 {
		return text + fmt.Sprintf("none of %d partitions had to move\n", c.Partitions)
	}
	return text + fmt.Sprintf("%d of %d partitions moved at %d markers in %s; one that moved was closed for %s at most, the others never\n",
		c.PartitionsMoved, c.Partitions, c.Markers, seconds(c.TookSeconds), seconds(c.LongestWaitSeconds))
}

// standing tells how executors stand, a line for each.
func standing(all control.Executors) string {
	text := fmt.Sprintf("%d executors share %d partitions\n", all.Executors, all.Partitions)
	if all.Executors == 1 {
		text = fmt.Sprintf("1 executor owns %d partitions\n", all.Partitions)
	}
	for _, e := range all.Each {
		text += fmt.Sprintf("executor %d: %d partitions, %d messages queued, %d bytes wait for partitions on their way to it, "+
			"%d edges from it without credit\n", e.Executor, e.Partitions, e.QueuedMessages, e.MoveBufferBytes, e.EdgesWithoutCredit)
	}
	return text
}

// seconds tells a time with as many digits as mean something to people.
func seconds(s float64) string {
	switch {
	case s >= 1:
		return fmt.Sprintf("%.1f s", s)
	case s >= 0.01:
		return fmt.Sprintf("%.0f ms", s*1e3)
	default:
		return fmt.Sprintf("%.1f ms", s*1e3)
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// showWaiting says on a terminal what is waited for, once it takes more than a second. What it returns takes the line off the screen.
func showWaiting(to io.Writer, live bool) (done func()) {
	if !live {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		began := time.Now()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(to, "\r\x1b[Kwaiting: executors start or leave, and partitions move ... %.0f s", time.Since(began).Seconds())
			case <-quit:
				fmt.Fprint(to, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}
