package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// watchEvery is how often --watch asks anew.
const watchEvery = time.Second

func newStatus() *cobra.Command {
	var flags applicationFlags
	watch := false
	command := &cobra.Command{
		Use:   "status",
		Short: "Show how an application that runs stands, and what it waits for",
		Long: `Show how an application that runs stands: what it does and since when, its sources,
steps, sinks and executors, and the bottleneck, if there is one. With a data directory
also how what is kept there stands: the last checkpoint, the one that is under way and
what it waits for, and the journal.

Rates, latencies and the shares of executors' time are those of the last 10 seconds.
BUSY of a source, step or sink is in percent of one executor, as in top: 150 % is one
and a half.
An executor is busy, waits for messages, is held (for markers of others, or for
partitions on their way), or is out of credit (what it gives is not taken). The
bottleneck is the step with the largest share in the executor that others wait for,
or a sink whose receiver is too slow.

With --json it prints what /api/status answers, which docs/status.md describes.

With --watch it ends when the application that it has shown has gone, and says so.

Signals: SIGINT and SIGTERM end the command.

Exit codes: 0 done; 1 the application did not answer; 2 wrong use.`,
		Example: `  wallaroo status
  wallaroo status --at 127.0.0.1:5051 --watch
  wallaroo status --json`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			if watch && flags.json {
				return errors.New("--watch is for people: leave it away with --json")
			}
			return flags.ask(command, func(ctx context.Context, a *asking) error {
				if watch {
					return failed(a.watchStatus(ctx, isTerminal(a.out)))
				}
				s, err := a.client.Status(ctx)
				if err != nil {
					return failed(err)
				}
				return failed(a.print(s, told(&s)))
			})
		},
	}
	flags.add(command, "print what the application's HTTP answers, as JSON on one line")
	command.Flags().BoolVar(&watch, "watch", false, "show it anew every second, until a signal ends it or the application has gone")
	return command
}

// noArguments refuses arguments, where the flags say all.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unknown argument %s: %s --help lists what there is", strings.Join(args, " "), cmd.CommandPath())
}

// clearScreen puts the cursor at the top and what follows on an empty screen.
const clearScreen = "\x1b[H\x1b[J"

// watchStatus shows how the application stands every second until ctx is done, or it has gone; on a terminal one in the place of the other.
func (a *asking) watchStatus(ctx context.Context, live bool) error {
	seen := false
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		s, err := a.client.Status(ctx)
		if ctx.Err() != nil {
			return nil // whoever watched has seen enough
		}
		if _, gone := errors.AsType[*control.GoneError](err); gone && seen {
			_, err = fmt.Fprintln(a.status, "the application has gone")
			return err
		}
		if err != nil {
			return err
		}
		seen = true
		text := told(&s)
		if live {
			text = clearScreen + text
		} else {
			text += "\n"
		}
		if _, err := io.WriteString(a.out, text); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// told is a status for people.
func told(s *status.Status) string {
	var b strings.Builder
	name := s.Application
	if name == "" {
		name = "an application that is not loaded"
	}
	fmt.Fprintf(&b, "%s on %s: %s for %s", name, s.Worker, s.State, age(s.StateSeconds))
	if s.Why != "" {
		fmt.Fprintf(&b, " (%s)", s.Why)
	}
	b.WriteByte('\n')
	if s.Application == "" {
		return b.String()
	}
	switch {
	case s.Bottleneck == nil && s.WindowSeconds > 0:
		fmt.Fprintf(&b, "bottleneck: none in the last %.0f s\n", s.WindowSeconds)
	case s.Bottleneck != nil && s.Bottleneck.Name == "":
		fmt.Fprintf(&b, "bottleneck: %s: %s\n", s.Bottleneck.Kind, s.Bottleneck.Why)
	case s.Bottleneck != nil:
		fmt.Fprintf(&b, "bottleneck: %s %s: %s\n", s.Bottleneck.Kind, s.Bottleneck.Name, s.Bottleneck.Why)
	}
	if c := s.Changing; c != nil {
		fmt.Fprintf(&b, "changing executors: %d -> %d, for %s\n", c.From, c.To, age(time.Since(c.Since).Seconds()))
	}
	if s.Kept != nil {
		b.WriteString(toldKept(s.Kept))
	}
	if d := s.DeadLetters; d.Written+d.Dropped+d.Failed > 0 {
		fmt.Fprintf(&b, "dead letters: %d written, %d replayed, %d lost\n", d.Written, d.Replayed, d.Dropped+d.Failed)
	}
	for _, table := range []table{sourceTable(s), stepTable(s), sinkTable(s), executorTable(s)} {
		b.WriteByte('\n')
		table.write(&b)
	}
	for _, x := range s.Sinks {
		if x.Connection == "away" {
			fmt.Fprintf(&b, "\n%s: its receiver has been away for %s: %s\n", x.Sink, age(time.Since(*x.Since).Seconds()), x.Why)
		}
	}
	return b.String()
}

// table is rows of cells, the first of which says what stands below. Names stand at the left, numbers at the right.
type table struct {
	names int // how many of the cells in a row are names
	rows  [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(to *strings.Builder) {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			width := widths[i]
			if i < t.names {
				width = -width
			}
			fmt.Fprintf(&line, "%*s  ", width, cell)
		}
		to.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func sourceTable(s *status.Status) table {
	t := table{names: 2}
	t.row("SOURCE", "LISTENS", "CONNECTIONS", "ACCEPTED", "PER S", "REFUSED", "BUSY", "ERRORS")
	for _, x := range s.Sources {
		t.row(x.Source, dash(x.Address), number(x.Connections), number(x.MessagesAccepted), rate(x.MessagesPerSecond), number(x.Refused),
			status.Percent(x.Busy), number(x.Errors))
	}
	return t
}

func stepTable(s *status.Status) table {
	t := table{names: 1}
	t.row("STEP", "MESSAGES", "PER S", "BUSY", "ERRORS")
	for _, x := range s.Steps {
		t.row(x.Step, number(x.Messages), rate(x.MessagesPerSecond), status.Percent(x.Busy), number(x.Errors))
	}
	return t
}

func sinkTable(s *status.Status) table {
	t := table{names: 3}
	t.row("SINK", "RECEIVER", "CONNECTION", "DELIVERED", "PER S", "UNDELIVERED", "BUSY", "ERRORS", "P50", "P99")
	for _, x := range s.Sinks {
		p50, p99 := "-", "-"
		if x.Latency != nil {
			p50, p99 = latency(x.Latency.P50Seconds), latency(x.Latency.P99Seconds)
		}
		t.row(x.Sink, dash(x.Address), x.Connection, number(x.DeliveredMessages), rate(x.MessagesPerSecond), number(x.UndeliveredMessages),
			status.Percent(x.Busy), number(x.Errors), p50, p99)
	}
	return t
}

func executorTable(s *status.Status) table {
	t := table{names: 1}
	t.row("EXECUTOR", "PARTITIONS", "QUEUED", "BUSY", "WAITING", "HELD", "OUT OF CREDIT")
	for _, x := range s.Executors {
		t.row(number(x.Executor), number(x.Partitions), number(x.QueuedMessages), status.Percent(x.Busy), status.Percent(x.WaitingForInput),
			status.Percent(x.Held), status.Percent(x.OutOfCredit))
	}
	return t
}

// latency tells one; what is above all that is told apart is more than that.
func latency(s float64) string {
	if s >= worker.LatencyBounds[len(worker.LatencyBounds)-1].Seconds() {
		return "> " + seconds(s)
	}
	return seconds(s)
}

// number is a count.
func number[T int | uint64](n T) string { return fmt.Sprint(n) }

// rate is so many in a second.
func rate(r float64) string {
	if r > 0 && r < 10 {
		return fmt.Sprintf("%.1f", r)
	}
	return fmt.Sprintf("%.0f", r)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// age tells how long something has been so.
func age(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}
