package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/commandline"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/pyhost"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// lastRecords is how long the end of the log may take to be written.
const lastRecords = time.Second

const runHelp = `Run an application.

APP is a Python file, whose name ends in .py, or a module in the current folder.
It defines application_setup(args), which returns what ApplicationBuilder.build()
returns. args are the tokens behind APP that are not Wallaroo's, and --in and
--out; behind -- all tokens are the application's.

Signals: the application runs until SIGTERM, SIGINT or, unless it is ignored as by
nohup, SIGHUP. Then no new connections are taken, and what has arrived is processed
and delivered, within 10 seconds. With --data-dir a last checkpoint belongs to that;
what is not done in time is kept, the log says how much, and the next start goes on
from the last checkpoint. A second signal ends it at once; what was accepted is kept
then too.

Exit codes: 0 done, or what is left is kept; 1 it failed while running, without
--data-dir not all was delivered, a second signal ended it, or what is kept is
damaged, with the file and the place in it; 2 wrong use, configuration or
application.`

const checkHelp = `Load an application as run would, and list its steps: PIPELINE/NAME KIND, and for a
step with state its name. Nothing is connected.

Whatever run takes, check takes too, so that one word makes a check of a run; values
of run's other flags must be right, and mean nothing else.

Exit codes: 0 the application is right; 1 it was interrupted; 2 it is wrong, with the
reasons, or wrong use.`

func newRun() *cobra.Command {
	cmd := applicationCommand("run", "Run an application", runHelp, runFlags, runFlags, runApplication)
	cmd.Example = `  wallaroo run word_count.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
  wallaroo run word_count.py --in :0 --out :7002 --log-format json --http off
  wallaroo run word_count.py --in :7010 --out :7002 --executors 2`
	return cmd
}

func newCheck() *cobra.Command {
	told := only(runFlags, checkTold)
	cmd := applicationCommand("check", "Check an application and list its steps", checkHelp, runFlags, told, checkApplication)
	cmd.Example = `  wallaroo check word_count.py --in 127.0.0.1:7010 --out 127.0.0.1:7002`
	return cmd
}

// action is what a command does with an application, as the command line has it.
type action func(cmd *cobra.Command, line *commandline.Line, o application.Options, log *logging.Writer) error

// applicationCommand makes a command that takes an application and flags, and tells of some of them. Cobra does not read them: it could
// not tell ours from the application's.
func applicationCommand(name, short, long string, flags, told []commandline.Flag, act action) *cobra.Command {
	cmd := &cobra.Command{
		Use:                name + " APP [flags] [the application's own arguments]",
		Short:              short,
		Long:               long,
		DisableFlagParsing: true,
		ValidArgsFunction:  completion(told),
		RunE: func(cmd *cobra.Command, tokens []string) error {
			line, err := commandline.Parse(flags, "", tokens)
			if err != nil {
				return err
			}
			if line.Help {
				return cmd.Help()
			}
			return toldAs(line, actOnFile(cmd, line, act))
		},
	}
	setFlagUsage(cmd, told)
	return cmd
}

// actOnFile acts on the application in Python that a command line names.
func actOnFile(cmd *cobra.Command, line *commandline.Line, act action) error {
	options, err := readOptions(line)
	if err != nil {
		return err
	}
	if err := checkFile(options.App); err != nil {
		return err
	}
	options.Load, options.Employed = application.Python, leaveCores
	log := openLog(options, line.Old)
	defer log.Close(lastRecords)
	return exitCode(act(cmd, line, *options, log))
}

// setFlagUsage has the command's help list flags that cobra does not read.
func setFlagUsage(cmd *cobra.Command, told []commandline.Flag) {
	cmd.SetUsageTemplate(`Usage:
  {{.UseLine}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}

Flags:
` + commandline.Usage(slices.Concat(told, []commandline.Flag{{Name: "help", Help: "this text"}}), helpColumns))
}

// completion completes the flags that are told of; anything else is a file's name.
func completion(told []commandline.Flag) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		if !strings.HasPrefix(typed, "-") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var found []string
		for _, f := range told {
			if f.Told() && strings.HasPrefix("--"+f.Name, typed) {
				found = append(found, "--"+f.Name+"\t"+f.Help)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// readOptions reads the values of the flags. All that is wrong is reported together.
func readOptions(line *commandline.Line) (*application.Options, error) {
	v := values{line.Values, nil}
	o := &application.Options{
		App:            line.App,
		Args:           line.Args,
		Name:           v.text("name", application.DefaultName),
		Python:         v.text("python", ""),
		Partitions:     v.count("partitions", application.DefaultPartitions),
		MaxFrame:       v.bytes("max-frame", application.DefaultMaxFrame),
		MaxConnections: v.count("max-connections", application.DefaultMaxConnections),
		MaxStreams:     v.count("max-streams", application.DefaultMaxStreams),
		SinkBuffer:     v.bytes("sink-buffer", application.DefaultSinkBuffer),
		MoveBuffer:     v.bytes("move-buffer", application.DefaultMoveBuffer),
		MaxInFlight:    v.duration("max-in-flight", application.DefaultMaxInFlight),
		MaxOutput:      defaultMaxOutput,
		DrainTimeout:   v.duration("drain-timeout", application.DefaultDrainTimeout),
		DataDir:        v.text("data-dir", ""),
		DeadLetters:    v.bytes("dead-letters", application.DefaultDeadLetters),
	}
	v.readErrors(o)
	v.readKeep(o)
	if err := partition.CheckCount(o.Partitions); err != nil {
		v.wrong = append(v.wrong, fmt.Errorf("--partitions: %w", err))
	}
	o.Executors = min(cores, max(1, o.Partitions))
	v.read("executors", func(text string) (err error) {
		o.Executors, err = parseExecutors(text)
		return err
	})
	if o.Executors > o.Partitions {
		v.wrong = append(v.wrong, fmt.Errorf("--executors: %w", &worker.CountError{Executors: o.Executors, Partitions: o.Partitions}))
	}
	_, o.CheckOwnership = line.Values["check-ownership"]
	o.StepTimeout = application.DefaultStepTimeout
	if v.text("step-timeout", "") == "off" {
		o.StepTimeout = 0
	} else {
		o.StepTimeout = v.duration("step-timeout", o.StepTimeout)
	}
	v.read("max-call-output", func(text string) (err error) {
		o.MaxOutput, err = parseOutput(text)
		return err
	})
	v.read("chaos", func(text string) (err error) {
		o.Chaos, o.Credit, err = parseChaos(text)
		return err
	})
	v.read("in", checkAddresses)
	v.read("out", checkAddresses)
	v.read("http", func(text string) (err error) {
		o.HTTP, err = parseHTTP(text)
		return err
	})
	v.read("log-format", func(text string) error {
		o.LogJSON = text == "json"
		if text != "text" && text != "json" {
			return fmt.Errorf("%q is not a log format: want text or json", text)
		}
		return nil
	})
	v.read("log-level", func(text string) (err error) {
		o.LogLevel, err = logging.ParseLevel(text)
		return err
	})
	if len(v.wrong) > 0 {
		return nil, errors.Join(v.wrong...)
	}
	return o, nil
}

// checkFile finds out before Python is started that a file is not there.
func checkFile(app string) error {
	if !strings.HasSuffix(app, ".py") {
		return nil
	}
	info, err := os.Stat(app)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no file %s", app)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder; an application is a file", app)
	}
	return nil
}

// openLog makes the loggers of an application, and tells of old flags; the writer behind them must be closed.
func openLog(o *application.Options, old []commandline.Old) *logging.Writer {
	form := logging.Options{JSON: o.LogJSON, Level: o.LogLevel, Colour: term.IsTerminal(int(os.Stderr.Fd()))}
	w := logging.NewWriter(os.Stderr, form)
	o.Log, o.Always = logging.New(w, form), logging.Always(w, form)
	for _, flag := range old {
		log := o.Log
		if flag.Instead != "" {
			log = log.With("now", flag.Instead)
		}
		if flag.Passed {
			log.Warn("the flag " + flag.Typed + " goes to the application; Wallaroo no longer has it")
		} else {
			log.Info("the flag " + flag.Typed + " no longer means anything; it is ignored")
		}
	}
	return w
}

// leaveCores leaves the Python processes a core each. Go's scheduler keeps idle threads spinning for work to come, on each core that it
// may use; where they spin on the core that Python needs, a message takes twice as long (docs/adr/0005). GOMAXPROCS in the environment
// stands above this.
func leaveCores(pythons int) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, cores-pythons))
	}
}

// runApplication runs an application until a signal ends it; a second signal ends this process.
func runApplication(_ *cobra.Command, _ *commandline.Line, o application.Options, log *logging.Writer) error {
	leaveGarbage()
	signal.Ignore(syscall.SIGPIPE) // nobody reads the log any more: no reason to stop
	ctx, kill := context.WithCancelCause(context.Background())
	defer kill(nil)
	stop, stopped := context.WithCancel(ctx)
	defer stopped()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stopSignals()...)
	defer signal.Stop(signals)
	go func() {
		<-signals
		stopped()
		again := second(signals)
		o.Log.Error("ended at once by a second signal", "signal", again.String())
		log.Close(lastRecords)
		os.Exit(exitFailed)
	}()
	return application.Run(ctx, stop, o)
}

// sameSignal is how long after the first signal another counts as the same: timeout(1) sends it to the process and then to its group.
const sameSignal = 100 * time.Millisecond

// second waits for a signal that is not the first one once more, which has just come.
func second(signals <-chan os.Signal) os.Signal {
	began := time.Now()
	for again := range signals {
		if time.Since(began) >= sameSignal {
			return again
		}
	}
	return nil // not reached: nobody closes the channel
}

// stopSignals are the signals that ask for an end; SIGHUP is one unless whoever started this process had it ignored, as nohup does.
func stopSignals() []os.Signal {
	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

func checkApplication(cmd *cobra.Command, _ *commandline.Line, o application.Options, _ *logging.Writer) error {
	p, err := loadPlan(o)
	if err != nil {
		return err
	}
	_, err = io.WriteString(cmd.OutOrStdout(), p.Listing())
	return err
}

// loadPlan loads an application, unless a signal comes before that is done, and runs nothing.
func loadPlan(o application.Options) (*plan.Plan, error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return application.Check(ctx, o)
}

// exitCode gives an application's error the exit code of its kind, unless it has one.
func exitCode(err error) error {
	var config *application.ConfigError
	var load *pyhost.LoadError
	var exit *exitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return err
	case errors.As(err, &load):
		if load.Code == 0 {
			return nil
		}
		return &exitError{load.Code, err}
	case errors.As(err, &config):
		return err
	default:
		return failed(err)
	}
}
