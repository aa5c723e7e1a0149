package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/commandline"
)

const nativeRunHelp = `Run the application. This is what the program does if no command is named.

Sources and sinks that the program gives no address take those of --in and --out, in
their order. What stands behind -- is for the program itself.

Signals: the application runs until SIGTERM, SIGINT or, unless it is ignored as by
nohup, SIGHUP. Then no new connections are taken, and what has arrived is processed
and delivered, within 10 seconds. With --data-dir a last checkpoint belongs to that;
what is not done in time is kept, the log says how much, and the next start goes on
from the last checkpoint. A second signal ends it at once; what was accepted is kept
then too.

Exit codes: 0 done, or what is left is kept; 1 it failed while running, without
--data-dir not all was delivered, or a second signal ended it; 2 wrong use,
configuration or application.`

const nativeCheckHelp = `Check the application, and list its steps: PIPELINE/NAME KIND, and for a step with
state its name. Nothing is connected.

Exit codes: 0 the application is right; 2 it is wrong, with the reasons, or wrong use.`

// Program makes a program's application, whose sources and sinks take these addresses if they have none. An error tells all that is wrong
// with it.
type Program func(in, out []string) (*application.Native, error)

// Native is the main function of a program that is an application of that name: it runs what the command line says, and ends the process.
func Native(name string, program Program) {
	root, tokens := newNative(name, filepath.Base(os.Args[0]), program), os.Args[1:]
	if !names(root, tokens) {
		tokens = append([]string{"run"}, tokens...)
	}
	os.Exit(execute(root, tokens))
}

// names reports whether the first token is for the root: a command, or a flag that all programs have.
func names(root *cobra.Command, tokens []string) bool {
	if len(tokens) == 0 {
		return false
	}
	always := []string{"help", "completion", "--help", "-h", "--version", "-v", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}
	return slices.Contains(always, tokens[0]) ||
		slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == tokens[0] })
}

func newNative(name, binary string, program Program) *cobra.Command {
	root := &cobra.Command{
		Use:   binary,
		Short: name + ", an application of Wallaroo",
		Long: name + `, an application of Wallaroo.

Without a command it runs.

Exit codes of all commands: 0 done; 1 it failed while running; 2 wrong use,
configuration or application.`,
		Example: "  " + binary + ` --in 127.0.0.1:7010 --out 127.0.0.1:7002
  ` + binary + ` check --in 127.0.0.1:7010 --out 127.0.0.1:7002
  ` + binary + ` executors 4`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	flags := nativeFlags()
	root.AddCommand(
		nativeCommand("run", "Run the application", nativeRunHelp, flags, flags, program, runApplication),
		nativeCommand(
			"check", "Check the application and list its steps", nativeCheckHelp, flags, only(flags, checkTold), program, checkApplication,
		),
		orAsked(nativeCommand(
			"graph", "Show the application as a graph", nativeGraphHelp, slices.Concat(graphAsk, flags),
			slices.Concat(graphAsk, only(flags, checkTold)), program, showGraph,
		)),
	)
	return complete(root)
}

// nativeFlags are those of run that mean something where there is no Python.
func nativeFlags() []commandline.Flag {
	var flags []commandline.Flag
	for _, f := range ownFlags {
		switch f.Name {
		case "python", "step-timeout":
			continue
		case "in":
			f.Help = "where sources listen that the program gives no address, in their order. Port 0 is a free one, " +
				"which the log's line \"source listens\" tells"
		case "out":
			f.Help = "where the receivers are of sinks that the program gives no address, in their order"
		case "executors":
			f.Help = "how many executors share the work"
		}
		flags = append(flags, f)
	}
	return flags
}

// nativeCommand makes a command that takes the flags of run, and tells of some of them.
func nativeCommand(
	name, short, long string, flags, told []commandline.Flag, program Program, act action,
) *cobra.Command {
	cmd := &cobra.Command{
		Use:                name + " [flags] [-- the program's own arguments]",
		Short:              short,
		Long:               long,
		DisableFlagParsing: true,
		ValidArgsFunction:  completion(told),
	}
	cmd.RunE = func(cmd *cobra.Command, tokens []string) error {
		if own := slices.Index(tokens, "--"); own >= 0 {
			tokens = tokens[:own] // the program has read the rest, or not
		}
		line, err := commandline.Parse(flags, cmd.Root().Name(), tokens)
		if err != nil {
			return err
		}
		if line.Help || slices.Contains(line.Args, "-h") {
			return cmd.Help()
		}
		return toldAs(line, actOnProgram(cmd, line, program, act))
	}
	setFlagUsage(cmd, told)
	return cmd
}

// actOnProgram acts on the application that this program is.
func actOnProgram(cmd *cobra.Command, line *commandline.Line, program Program, act action) error {
	options, err := readOptions(line)
	if err != nil {
		return err
	}
	if own := ownTokens(line); len(own) > 0 {
		return fmt.Errorf("unknown flag or argument %s: %s --help lists what there is; the program's own stand behind --",
			strings.Join(own, " "), cmd.CommandPath())
	}
	native, err := program(list(line.Values["in"]), list(line.Values["out"]))
	if err != nil {
		return err
	}
	options.Load = native.Load
	log := openLog(options, nil)
	defer log.Close(lastRecords)
	return exitCode(act(cmd, line, *options, log))
}

// ownTokens are those that are not Wallaroo's.
func ownTokens(line *commandline.Line) []string {
	var own []string
	for i := 0; i < len(line.Args); i++ {
		name, _, joined := strings.Cut(line.Args[i], "=")
		switch name {
		case "--in", "--out", "-i", "-o":
			if !joined {
				i++
			}
		default:
			own = append(own, line.Args[i])
		}
	}
	return own
}

// list is the addresses of a flag.
func list(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}
