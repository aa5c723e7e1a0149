package command

import (
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

type receiveFlags struct {
	listen  string
	count   int64
	framing string
	format  string
	output  string
}

func newReceive() *cobra.Command {
	var flags receiveFlags
	command := &cobra.Command{
		Use:   "receive --listen HOST:PORT",
		Short: "Receive messages and write them to a file",
		Long: `Receive messages and write them to a file, as the receiver of a TCP sink does.

Each message is written on a line. Messages of any bytes are kept apart by a format
that send reads: hexadecimal digits, or frames. --framing raw knows no messages: it
writes what comes as it comes and counts bytes.

Any number of senders may connect; their messages are written together, each whole.
It ends when --count messages have come.

--framing resumable is exactly once, from a sink that has it: what comes is kept apart
until the application has committed it, and only then written to --output, each message
once, whatever crashes. Beside the file lies FILE.resume, which says how much of the
file is committed, and keeps the rest; receive goes on from there when it is started
again. A commit is written whole, so there may be more than --count messages. Standard
output cannot be taken back after a crash, and is refused.

Signals: SIGINT and SIGTERM end it; what has arrived is still written. A second one
ends it at once.

Exit codes: 0 all is written; 1 the output could not be written; 2 wrong use, or the
address cannot be listened at.`,
		Example: `  wallaroo receive --listen 127.0.0.1:7002
  wallaroo receive --listen 127.0.0.1:7002 --count 1000 --output results.txt
  wallaroo receive --listen 127.0.0.1:7010 --framing u32be --format hex
  wallaroo receive --listen 127.0.0.1:7010 --framing u32be --format frames --output orders.bin
  wallaroo receive --listen 127.0.0.1:7002 --framing resumable --output results.txt`,
		Args: addressBehind("listen", "where to listen", "127.0.0.1:7002", "a file behind --output"),
		RunE: func(command *cobra.Command, _ []string) error {
			if command.Flags().Changed("count") && flags.count < 1 {
				return fmt.Errorf("--count %d: want 1 or more messages", flags.count)
			}
			return flags.run(command.Context(), command.Flags().Changed("format"))
		},
	}
	set := command.Flags()
	set.StringVar(&flags.listen, "listen", "", "where to listen, `HOST:PORT`; port 0 is a free one (required)")
	set.Int64Var(&flags.count, "count", 0, "end after `N` messages; not in framing raw")
	set.StringVar(&flags.framing, "framing", string(framing.Lines),
		"`FRAMING` of a message in the stream: lines (a newline behind it), u32be (its length before it), raw (the bytes as they are) "+
			"or resumable (numbered, kept apart until it is committed)")
	set.StringVar(&flags.format, "format", string(peer.FormatLines),
		"`FORMAT` of a message in the output: lines (on a line), hex (on a line, in hexadecimal digits) or frames (as u32be)")
	set.StringVar(&flags.output, "output", standardStream, "the `FILE` to write, emptied first but in framing resumable; - is standard output")
	return command
}

func (f *receiveFlags) run(ctx context.Context, formatGiven bool) (err error) {
	config := peer.ReceiveConfig{Count: f.count, Status: os.Stderr, Live: f.live()}
	if config.Listen, err = address.Parse(f.listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if config.Framing, err = framing.ParseKind(f.framing); err != nil {
		return fmt.Errorf("--framing: %w", err)
	}
	if config.Format, err = parseFormat(f.format, formatGiven, config.Framing); err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	if config.Framing == framing.Resumable && f.output == standardStream {
		return errors.New("--output is missing: framing resumable needs a file, for what is written to standard output cannot be taken back")
	}
	receiver, err := peer.Listen(config)
	if err != nil {
		return err
	}
	if config.Framing == framing.Resumable {
		return f.resumable(ctx, receiver, config.Format)
	}
	output, err := f.open()
	if err != nil {
		_ = receiver.Close()
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	err = receiver.Run(ctx, output)
	if closeErr := output.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, syscall.EPIPE) {
		err = errors.New("") // whoever read the output has enough: no news to anybody
	}
	return failed(err)
}

// resumable receives by the framing of that name.
func (f *receiveFlags) resumable(ctx context.Context, receiver *peer.Receiver, format peer.Format) error {
	store, err := peer.OpenStore(f.output, format)
	if err != nil {
		_ = receiver.Close()
		return fmt.Errorf("--output: %w", err)
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	return failed(receiver.RunResumable(ctx, store))
}

// open opens the output. A reader of standard output that goes away becomes an error of a write, instead of the end by a signal.
func (f *receiveFlags) open() (*os.File, error) {
	if f.output == standardStream {
		signal.Ignore(syscall.SIGPIPE)
		return os.Stdout, nil
	}
	file, err := os.Create(f.output)
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return file, nil
}

// live reports whether there is a terminal for a live line, and no messages on it.
func (f *receiveFlags) live() bool {
	terminal := func(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }
	return terminal(os.Stderr) && (f.output != standardStream || !terminal(os.Stdout))
}
