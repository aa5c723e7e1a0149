package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/framing"
	"github.com/wallaroo-stream/wallaroo/internal/peer"
)

// standardStream is the file name that means standard input or output.
const standardStream = "-"

type sendFlags struct {
	to      string
	file    string
	repeat  int
	rate    float64
	framing string
	format  string
	stream  string
	retry   string
}

func newSend() *cobra.Command {
	var flags sendFlags
	command := &cobra.Command{
		Use:   "send --to HOST:PORT",
		Short: "Send the messages of a file",
		Long: `Send the messages of a file, as the sender of a TCP source does.

Each line of the file is a message, without its newline. Messages of any bytes lie
in a file of hexadecimal digits, or in one of frames, such as receive writes with
the same --format. --framing raw knows no messages: it sends the file as it is and
counts bytes.

It tries for --retry to connect, and ends when the receiver's system has
acknowledged everything, or when the receiver closes its side: then it wants no more.
What is acknowledged its program may not have read: TCP does not tell. It does tell of
a receiver that cuts the connection without reading all; send waits 0.2 s for that.

--framing resumable loses nothing and repeats nothing, to a source that has it: the
messages are those of a named stream, and have numbers. send asks the source how many
it has accepted, sends what follows, and ends when all is accepted. It connects again
when the connection is lost, and may be killed and started again with the same input,
or one with more messages at its end. Up to 16 MiB that are not accepted are in memory.

Signals: SIGINT and SIGTERM end it.

Exit codes: 0 everything is acknowledged; 1 something else ended it, and it says how
much was written and how much of that acknowledged; 2 wrong use.`,
		Example: `  wallaroo send --to 127.0.0.1:7010 --file text.txt
  wallaroo send --to 127.0.0.1:7010 --file text.txt --repeat 100 --rate 5000
  tail -f access.log | wallaroo send --to 127.0.0.1:7010
  wallaroo send --to 127.0.0.1:7010 --file orders.bin --format frames --rate 5000
  wallaroo send --to 127.0.0.1:7002 --file results.txt --framing lines
  wallaroo send --to 127.0.0.1:7010 --file orders.txt --framing resumable --stream orders`,
		Args: addressBehind("to", "where the receiver listens", "127.0.0.1:7010", "a file behind --file"),
		RunE: func(command *cobra.Command, _ []string) error {
			if command.Flags().Changed("rate") && flags.rate <= 0 {
				return fmt.Errorf("--rate %g: want more than 0 messages a second", flags.rate)
			}
			return flags.run(command.Context(), command.Flags().Changed("format"))
		},
	}
	set := command.Flags()
	set.StringVar(&flags.to, "to", "", "where the receiver listens, `HOST:PORT` (required)")
	set.StringVar(&flags.file, "file", standardStream, "the `FILE` to send; - is standard input")
	set.IntVar(&flags.repeat, "repeat", 1, "send the file `N` times")
	set.Float64Var(&flags.rate, "rate", 0, "send `N` messages a second instead of as many as the receiver takes; not in framing raw")
	set.StringVar(&flags.framing, "framing", string(framing.Prefixed),
		"`FRAMING` of a message in the stream: u32be (its length before it), lines (a newline behind it), raw (the bytes as they are) "+
			"or resumable (numbered and accepted)")
	set.StringVar(&flags.format, "format", string(peer.FormatLines),
		"`FORMAT` of a message in the file: lines (on a line), hex (on a line, in hexadecimal digits) or frames (as u32be)")
	set.StringVar(&flags.stream, "stream", "", "`NAME` of the messages, for framing resumable, which takes those of one name once")
	set.StringVar(&flags.retry, "retry", "10s", "try to connect for `TIME`, in framing resumable also when a connection was lost")
	return command
}

// addressBehind demands an address behind a flag, and nothing that stands alone. It is for a command whose files have a flag, too.
func addressBehind(flag, meaning, example, file string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		as := func(at string) string { return fmt.Sprintf("as in %s --%s %s", command.CommandPath(), flag, at) }
		if len(args) == 0 {
			if command.Flags().Changed(flag) {
				return nil
			}
			return fmt.Errorf("--%s is missing: say %s, %s", flag, meaning, as(example))
		}
		if _, err := address.Parse(args[0]); err == nil {
			return fmt.Errorf("%s stands alone: an address stands behind --%s, %s", args[0], flag, as(args[0]))
		}
		return fmt.Errorf("%q stands alone: an address stands behind --%s, %s, and %s", args[0], flag, as(example), file)
	}
}

func (f *sendFlags) run(ctx context.Context, formatGiven bool) error {
	config := peer.SendConfig{
		Repeat: f.repeat, Rate: f.rate, Stream: f.stream, Status: os.Stderr, Live: term.IsTerminal(int(os.Stderr.Fd())),
	}
	var err error
	if config.To, err = address.Parse(f.to); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if config.Framing, err = framing.ParseKind(f.framing); err != nil {
		return fmt.Errorf("--framing: %w", err)
	}
	if config.Format, err = parseFormat(f.format, formatGiven, config.Framing); err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	if config.Retry, err = parseDuration(f.retry); err != nil || config.Retry == 0 {
		return fmt.Errorf("--retry: %w", cmp.Or(err, errors.New("0 is no time to connect in: want 5s, 500ms or seconds")))
	}
	if err := f.checkStream(config.Framing); err != nil {
		return err
	}
	input, err := f.open()
	if err != nil {
		return err
	}
	defer input.Close()
	config.Input = input
	sender, err := peer.NewSender(config)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	return failed(sender.Run(ctx))
}

// checkStream demands the name of a stream where it means something, and only there.
func (f *sendFlags) checkStream(kind framing.Kind) error {
	switch {
	case kind == framing.Resumable && f.stream == "":
		return errors.New("--stream is missing: framing resumable needs a name for the messages, as in --stream orders")
	case kind != framing.Resumable && f.stream != "":
		return fmt.Errorf("--stream means nothing in framing %s: want --framing %s", kind, framing.Resumable)
	}
	return nil
}

// open opens the file to send.
func (f *sendFlags) open() (*os.File, error) {
	if f.file == standardStream {
		if f.repeat > 1 {
			return nil, errors.New("--repeat needs --file: standard input can be read only once")
		}
		return os.Stdin, nil
	}
	file, err := os.Open(f.file)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		_ = file.Close()
		return nil, fmt.Errorf("--file: %s is a folder", f.file)
	}
	return file, nil
}

// parseFormat reads --format, which the raw framing has no use for.
func parseFormat(name string, given bool, kind framing.Kind) (peer.Format, error) {
	if given && kind == framing.Raw {
		return "", errors.New("framing raw knows no messages, and its files are bytes as they are")
	}
	return peer.ParseFormat(name)
}

// interruptible is a context that the first SIGINT or SIGTERM ends. The second ends the process.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
