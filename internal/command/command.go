// Package command is the command line: the commands of wallaroo, and those of a program that is an application written in Go.
package command

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/commandline"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
)

// The exit codes of every command.
const (
	exitFailed = 1 // the application, or the tool, failed while running
	exitUsage  = 2 // wrong use, configuration or application
)

// exitError is an error that knows the exit code it ends the process with. Without one, an error is a wrong use.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// jsonError is an error that is told as a record of a log in JSON, all of whose lines are JSON.
type jsonError struct{ err error }

func (e *jsonError) Error() string { return e.err.Error() }
func (e *jsonError) Unwrap() error { return e.err }

// toldAs has an error of a command line be told in the form of its log.
func toldAs(line *commandline.Line, err error) error {
	if err == nil || line.Values["log-format"] != "json" {
		return err
	}
	return &jsonError{err}
}

// failed marks an error as a failure while running.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitFailed, err}
}

// Wallaroo runs the command of the tokens behind the program's name and returns its exit code.
func Wallaroo(tokens []string) int { return execute(newRoot(), tokens) }

// execute runs the command that the tokens name and returns its exit code; what went wrong is told once, on standard error.
func execute(root *cobra.Command, tokens []string) int {
	root.SetArgs(tokens)
	err := root.Execute()
	if err == nil {
		return 0
	}
	code := exitUsage
	if exit, ok := errors.AsType[*exitError](err); ok {
		code = exit.code
	}
	if text := err.Error(); text != "" {
		_, asJSON := errors.AsType[*jsonError](err)
		form := logging.Options{JSON: asJSON}
		// Not for ever, if the reader of standard error stands still.
		last := logging.NewWriter(os.Stderr, form)
		if asJSON {
			logging.Always(last, form).Error("ended by an error", "error", text, "exit_code", code)
		} else {
			fmt.Fprintln(last, root.Name()+":", text)
		}
		last.Close(lastRecords)
	}
	return code
}

// helpColumns is how many characters a line of help has at most where flags are listed.
const helpColumns = 100

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "wallaroo",
		Short: "Wallaroo processes streams of events, one event at a time",
		Long: `Wallaroo processes streams of events, one event at a time.

An application is a Python file that says where events come from, what is done
with them and where the results go; this program runs it.

Exit codes of all commands: 0 done; 1 it failed while running; 2 wrong use,
configuration or application.`,
		Example: `  wallaroo run word_count.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
  wallaroo receive --listen 127.0.0.1:7002
  wallaroo send --to 127.0.0.1:7010 --file text.txt`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRun(), newCheck(), newGraph(), newPythonPath())
	return complete(root)
}

// complete adds what all programs have.
func complete(root *cobra.Command) *cobra.Command {
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages", fmt.Sprint("FlagUsagesWrapped ", helpColumns)))
	root.SetVersionTemplate("wallaroo {{.Version}}\n")
	root.AddCommand(newSend(), newReceive(), newStatus(), newExecutors(), newDeadLetters(), newCheckpoint(), newSavepoint(), newVersion())
	return root
}
