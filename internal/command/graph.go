package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/commandline"
	"github.com/wallaroo-stream/wallaroo/internal/graph"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
)

const graphFormats = `It shows the steps and what flows between them: as text; as dot, which Graphviz draws
(wallaroo graph ... --format dot | dot -Tsvg -o graph.svg); or as json, whose form
docs/status.md describes.`

const graphHelp = `Show an application as a graph: one that is loaded as check would, or, with --at, one
that runs.

` + graphFormats + `

Exit codes: 0 done; 1 it was interrupted, or what runs did not answer; 2 the
application is wrong, with the reasons, or wrong use.`

const nativeGraphHelp = `Show the application as a graph: as this program has it, or, with --at, as one that runs.

` + graphFormats + `

Exit codes: 0 done; 1 what runs did not answer; 2 the application is wrong, with the
reasons, or wrong use.`

// graphAsk are the flags with which an application that runs is asked for its graph.
var graphAsk = []commandline.Flag{
	{
		Name: "at", Value: "H:P", Help: "where HTTP of an application that runs answers, whose graph it shows; its log says it",
		Default: "none: the application is loaded",
	},
	formatFlag,
}

var formatFlag = commandline.Flag{Name: "format", Value: "text|dot|json", Help: "what to show it as", Default: "text"}

func newGraph() *cobra.Command {
	flags := slices.Concat(graphAsk, runFlags)
	told := slices.Concat(graphAsk, only(runFlags, checkTold))
	cmd := applicationCommand("graph", "Show an application as a graph", graphHelp, flags, told, showGraph)
	cmd.Example = `  wallaroo graph word_count.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
  wallaroo graph word_count.py --in :7010 --out :7002 --format dot | dot -Tsvg -o graph.svg
  wallaroo graph --at 127.0.0.1:5050 --format json`
	return orAsked(cmd)
}

// orAsked has a command that loads an application ask one that runs, if --at is given.
func orAsked(cmd *cobra.Command) *cobra.Command {
	load := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, tokens []string) error {
		own := slices.Index(tokens, "--")
		isAt := func(token string) bool { return token == "--at" || strings.HasPrefix(token, "--at=") }
		if at := slices.IndexFunc(tokens, isAt); at < 0 || own >= 0 && own < at {
			return load(cmd, tokens)
		}
		return askGraph(cmd, tokens)
	}
	return cmd
}

// askGraph shows the graph of an application that runs.
func askGraph(cmd *cobra.Command, tokens []string) error {
	line, err := commandline.Parse(graphAsk, "that runs", tokens)
	if err != nil {
		return err
	}
	if line.Help {
		return cmd.Help()
	}
	if len(line.Args) > 0 {
		return fmt.Errorf("%s: with --at nothing is loaded; %s takes --at and --format then", strings.Join(line.Args, " "), cmd.CommandPath())
	}
	format, err := readFormat(line)
	if err != nil {
		return err
	}
	flags := applicationFlags{at: line.Values["at"]}
	return flags.ask(cmd, func(ctx context.Context, a *asking) error {
		g, err := a.client.Graph(ctx)
		if err != nil {
			return failed(err)
		}
		return failed(writeGraph(a.out, &g, format))
	})
}

// showGraph shows the graph of an application that it loads.
func showGraph(cmd *cobra.Command, line *commandline.Line, o application.Options, _ *logging.Writer) error {
	format, err := readFormat(line)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	p, err := loadPlan(o)
	if err != nil {
		return err
	}
	g := graph.Of(p)
	return writeGraph(cmd.OutOrStdout(), &g, format)
}

func readFormat(line *commandline.Line) (string, error) {
	format, given := line.Values["format"]
	if !given {
		return "text", nil
	}
	if !slices.Contains([]string{"text", "dot", "json"}, format) {
		return "", fmt.Errorf("--format: %q is not a format: want text, dot or json", format)
	}
	return format, nil
}

func writeGraph(to io.Writer, g *graph.Graph, format string) error {
	var text string
	switch format {
	case "json":
		data, err := json.MarshalIndent(g, "", "  ")
		if err != nil {
			return err
		}
		text = string(data) + "\n"
	case "dot":
		text = g.DOT()
	default:
		text = g.Text()
	}
	_, err := io.WriteString(to, text)
	return err
}
