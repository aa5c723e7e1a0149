package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/checkpoints"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/keep"
	"github.com/wallaroo-stream/wallaroo/internal/store"
)

const latest = "latest"

func newCheckpoint() *cobra.Command {
	command := &cobra.Command{
		Use:   "checkpoint",
		Short: "List, inspect and verify the checkpoints of an application, or have one made now",
		Long: `List, inspect and verify the checkpoints of an application, or have one made now.

list, inspect and verify read them where they lie: PLACE is a data directory, a
savepoint, or the FOLDER or URL of a checkpoint store, as in file:///FOLDER or
s3://BUCKET/PREFIX?region=REGION. The application may run meanwhile, or not.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newCheckpointList(), newCheckpointInspect(), newCheckpointVerify(), newCheckpointNow())
	return command
}

func newCheckpointList() *cobra.Command {
	asJSON := false
	command := &cobra.Command{
		Use:   "list PLACE",
		Short: "List the checkpoints of a data directory, a savepoint or a checkpoint store",
		Long: `List the checkpoints of a data directory, a savepoint or a checkpoint store, the
newest first.

SIZE is that of all that a checkpoint needs, most of which it shares with the others.
ENTITIES counts what has changed more than once, or was removed, more than once:
inspect tells how many there are. TOOK is how long it took to write. KEPT says what
for: last, that an application goes on from; older; or damaged, which verify tells more
of.

Exit codes: 0 done; 1 the place cannot be read; 2 wrong use.`,
		Example: `  wallaroo checkpoint list data
  wallaroo checkpoint list s3://bucket/prefix?region=eu-central-1 --json`,
		Args: onePlace,
		RunE: func(command *cobra.Command, args []string) error {
			return atPlace(command, args[0], func(ctx context.Context, b store.Bucket) error {
				list, err := checkpoints.Of(ctx, b)
				if err != nil {
					return err
				}
				return (&asking{json: asJSON, out: command.OutOrStdout()}).print(list, listed(list))
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print all that is known, as JSON on one line")
	return command
}

func newCheckpointInspect() *cobra.Command {
	asJSON, keys, run := false, 0, uint64(0)
	command := &cobra.Command{
		Use:   "inspect PLACE [EPOCH|latest]",
		Short: "Show what a checkpoint holds: states, keys, files, and where sources were",
		Long: `Show what a checkpoint holds, the latest one unless another is named: its states with
their entities and bytes, the files that hold them, where the sources were, and the
fingerprint that an application must have to go on from it. It reads all of them.

With --keys it shows the first keys of each state, in the order of their hashes, as
Python writes them. What an entity holds is the application's, and is not shown.

Exit codes: 0 done; 1 it is damaged, is not there, or cannot be read; 2 wrong use.`,
		Example: `  wallaroo checkpoint inspect data
  wallaroo checkpoint inspect data 17 --keys 10
  wallaroo checkpoint inspect data/savepoints/monday --json`,
		Args: placeAndEpoch(latest),
		RunE: func(command *cobra.Command, args []string) error {
			if keys < 0 {
				return fmt.Errorf("--keys: %d keys cannot be shown", keys)
			}
			wanted := checkpoints.Wanted{Run: run, Epoch: epochOf(args)}
			return atPlace(command, args[0], func(ctx context.Context, b store.Bucket) error {
				s, err := store.Open(ctx, b, store.Options{})
				if err != nil {
					return err
				}
				m, err := checkpoints.Find(ctx, s, wanted)
				if err != nil {
					return err
				}
				d, err := checkpoints.Inspect(ctx, s, m, keys)
				if err != nil {
					return err
				}
				return (&asking{json: asJSON, out: command.OutOrStdout()}).print(d, inspected(d))
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print it as JSON on one line")
	command.Flags().IntVar(&keys, "keys", 0, "show `N` keys of each state")
	command.Flags().Uint64Var(&run, "run", 0, "the `RUN` of the checkpoint, if there are several of the epoch")
	return command
}

func newCheckpointVerify() *cobra.Command {
	asJSON := false
	command := &cobra.Command{
		Use:   "verify PLACE [EPOCH|latest|all]",
		Short: "Read all of a checkpoint, and say whether it is as it was written",
		Long: `Read all of a checkpoint, the latest one unless another or all are named, and compare
it with its checksums. What is damaged is told with its file and the place in it.

Exit codes: 0 all is as it was written; 1 something is damaged, is not there, or cannot
be read; 2 wrong use.`,
		Example: `  wallaroo checkpoint verify data
  wallaroo checkpoint verify s3://bucket/prefix?region=eu-central-1 all`,
		Args: placeAndEpoch(latest, "all"),
		RunE: func(command *cobra.Command, args []string) error {
			return atPlace(command, args[0], func(ctx context.Context, b store.Bucket) error {
				list, err := checkpoints.Verify(ctx, b, chosen(args))
				if err != nil {
					return err
				}
				if err := (&asking{json: asJSON, out: command.OutOrStdout()}).print(list, verified(list)); err != nil {
					return err
				}
				return damaged(list)
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print what is found of each as JSON on one line")
	return command
}

func newCheckpointNow() *cobra.Command {
	var flags applicationFlags
	command := &cobra.Command{
		Use:   "now",
		Short: "Have an application that runs make a checkpoint now, and wait until it is committed",
		Long: `Have an application that runs make a checkpoint now, and wait until it is committed:
whatever it had accepted before outlives it, also where the journal is lost.

It needs the application's token, which is in its data directory.

Signals: SIGINT and SIGTERM end the command; the checkpoint goes on.

Exit codes: 0 done; 1 the application did not answer or could not do it; 2 wrong use.`,
		Example: `  wallaroo checkpoint now --data-dir data
  wallaroo checkpoint now --token-file key --at 127.0.0.1:5051 --json`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return flags.ask(command, func(ctx context.Context, a *asking) error {
				defer a.tellWhatHinders(ctx)()
				made, err := a.client.Checkpoint(ctx)
				if err != nil && ctx.Err() != nil {
					return failed(errors.New("interrupted; the checkpoint goes on"))
				}
				if err != nil {
					return refusal(err)
				}
				return failed(a.print(made, inWords(made)))
			})
		},
	}
	flags.add(command, "print what the application's HTTP answers, as JSON on one line")
	flags.addToken(command)
	return command
}

// hindered is how often somebody who waits for a checkpoint is told why.
const hindered = 3 * time.Second

// tellWhatHinders begins to say every now and then why a checkpoint takes long, until ctx is done or end is called.
func (a *asking) tellWhatHinders(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() { a.hinders(ctx) })
	return func() {
		cancel()
		telling.Wait()
	}
}

// hinders is what is said meanwhile, until ctx is done.
func (a *asking) hinders(ctx context.Context) {
	every := time.NewTicker(hindered)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		s, err := a.client.Status(ctx)
		switch {
		case err != nil || s.Kept == nil || s.Kept.Open == nil: // whoever waits hears of it
		case s.Kept.Open.Trouble != nil:
			fmt.Fprintf(a.status, "waiting: the checkpoint cannot be written, and it is tried again: %s\n", s.Kept.Open.Trouble.Why)
		default:
			fmt.Fprintf(a.status, "waiting: the checkpoint is %s for %s: %s\n", s.Kept.Open.Part, seconds(s.Kept.Open.Seconds),
				strings.Join(s.Kept.Open.WaitsFor, ", "))
		}
	}
}

func inWords(c control.Checkpointed) string {
	return fmt.Sprintf("checkpoint of epoch %d: %s of changed state, in %s (markers %s, state %s, written %s)\n", c.Epoch, size(c.Bytes),
		seconds(c.TookSeconds), seconds(c.AlignedSeconds), seconds(c.SavedSeconds), seconds(c.CommittedSeconds))
}

// onePlace wants a place and nothing else.
func onePlace(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("it takes one place, a data directory, a savepoint or a checkpoint store: %s", cmd.UseLine())
	}
	return nil
}

// placeAndEpoch wants a place and, behind it, an epoch or one of some words.
func placeAndEpoch(words ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < 1 || len(args) > 2 {
			return fmt.Errorf("it takes a place, and an epoch or %s: %s", strings.Join(words, " or "), cmd.UseLine())
		}
		if len(args) == 1 {
			return nil
		}
		if slices.Contains(words, args[1]) {
			return nil
		}
		if n, err := strconv.ParseUint(args[1], 10, 64); err != nil || n == 0 {
			return fmt.Errorf("%q is no epoch: want a number from 1 on, or %s", args[1], strings.Join(words, " or "))
		}
		return nil
	}
}

// epochOf is the epoch of arguments that are right; 0 for the latest.
func epochOf(args []string) uint64 {
	if len(args) < 2 {
		return 0
	}
	epoch, _ := strconv.ParseUint(args[1], 10, 64) // a word is no number
	return epoch
}

// chosen says which checkpoints arguments mean, that are told of from the newest on.
func chosen(args []string) func(*store.Manifest) bool {
	epoch, first := epochOf(args), true
	return func(m *store.Manifest) bool {
		newest := first
		first = false
		switch {
		case epoch > 0:
			return m.Epoch == epoch
		case len(args) > 1 && args[1] == "all":
			return true
		default:
			return newest
		}
	}
}

// atPlace does something with the checkpoints at a place, until a signal interrupts it.
func atPlace(command *cobra.Command, text string, act func(context.Context, store.Bucket) error) error {
	place, err := placeOf(text)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(command.Context())
	defer stop()
	b, err := place.Open(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	err = act(ctx, b)
	if ctx.Err() != nil && err != nil {
		return failed(errors.New("interrupted"))
	}
	var exit *exitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return failed(fmt.Errorf("%s: %w", place.Name(), err))
}

// placeOf is where checkpoints lie: in a data directory, or what is named.
func placeOf(text string) (bucket.Place, error) {
	named, err := bucket.Parse(text)
	if err != nil || named.Folder() == "" {
		return named, err
	}
	if place, keeps, err := keep.PlaceOf(named.Folder()); err != nil || keeps {
		return place, err
	}
	for _, has := range []string{"manifests", "identity"} {
		if _, err := os.Stat(filepath.Join(named.Folder(), has)); err == nil {
			return named, nil
		}
	}
	if _, err := os.Stat(named.Folder()); err != nil {
		return named, err
	}
	return named, fmt.Errorf("%s is neither a data directory that keeps state, nor a savepoint, nor a checkpoint store", text)
}
