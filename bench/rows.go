package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/reference/echo"
)

// allGroups chooses all groups of rows on the command line.
const allGroups = "all"

// A row is something to measure: one side, alone or pair by pair with another, and what is read off.
type row struct {
	group   string // the word that chooses it on the command line
	title   string
	subject side
	against *side // nil if the subject's figures stand for themselves
	measure func(context.Context, *bench, side) (reading, error)
	figures []figure
}

// A figure is a quantity that the table shows of a row. Its goal is for the ratio of the subject's to the other side's, if there is one.
type figure struct {
	quantity quantity
	goal     goal
}

// A side is a program that can be measured, and how to judge what it gives.
type side struct {
	name    string
	command func(b *bench, out string) program.Command
	keeping *keeping                    // nil if it keeps nothing
	tapes   func(b *bench) []*load.Tape // one for each connection that the generator opens
	audit   func([]*load.Tape) load.Audit
}

const (
	application = "examples/python/word_count/word_count.py"
	plainLoop   = "bench/reference/word_count_loop.py"
	keyCounter  = "bench/reference/key_count.py"
)

var pythonWordCount = engine("Wallaroo", 1, 1)

// engine is the Python word count on so many executors, from so many connections.
func engine(name string, executors, connections int) side {
	return side{
		name: name,
		command: func(b *bench, out string) program.Command {
			return program.Engine(b.binary, application, out, executors, program.NoHTTP)
		},
		tapes: words(connections),
		audit: countsOf,
	}
}

var oneKeyCount = keyCount(1, nil)

// keyCount is the Python count of keys, on so many executors at first, that keeps something, or nothing.
func keyCount(executors int, k *keeping) side {
	return side{
		name: fmt.Sprintf("key count on %d executors", executors),
		command: func(b *bench, out string) program.Command {
			return program.Engine(b.binary, keyCounter, out, executors, program.AnyPort)
		},
		keeping: k,
		tapes:   func(b *bench) []*load.Tape { return []*load.Tape{b.keys} },
		audit:   func(tapes []*load.Tape) load.Audit { return load.NewMoves(tapes[0]) },
	}
}

var oneGoWordCount = goWordCount("Wallaroo", 1, 1)

// goWordCount is the Go word count on so many executors, from so many connections.
func goWordCount(name string, executors, connections int) side {
	return side{
		name: name,
		command: func(b *bench, out string) program.Command {
			return program.Native(b.goBinary, out, executors, program.NoHTTP)
		},
		tapes: words(connections),
		audit: countsOf,
	}
}

// scrapedGoWordCount is one that is asked for its figures meanwhile.
var scrapedGoWordCount = side{
	name:    "Wallaroo, asked for its figures ten times a second",
	command: func(b *bench, out string) program.Command { return program.Native(b.goBinary, out, 1, program.AnyPort) },
	tapes:   words(1),
	audit:   countsOf,
}

var goLoop = side{
	name:    "plain Go loop",
	command: func(b *bench, out string) program.Command { return program.Loop(b.goLoop, out) },
	tapes:   words(1),
	audit:   countsOf,
}

var pythonLoop = side{
	name: "plain Python loop",
	command: func(_ *bench, out string) program.Command {
		return program.PythonLoop(plainLoop, out)
	},
	tapes: words(1),
	audit: countsOf,
}

var tcpEcho = side{
	name: "TCP echo",
	command: func(b *bench, out string) program.Command {
		return echo.Command(b.self, out)
	},
	tapes: words(1),
	audit: func(tapes []*load.Tape) load.Audit { return load.Echoes(tapes[0]) },
}

// words returns the tapes of words for so many connections.
func words(connections int) func(b *bench) []*load.Tape {
	return func(b *bench) []*load.Tape { return b.words[:connections] }
}

func countsOf(tapes []*load.Tape) load.Audit {
	return load.Counts(tapes...)
}

// steadyRows are those of programs that keep nothing.
var steadyRows = []row{
	{
		group:   "throughput",
		title:   "Go word count, TCP to TCP, 1 executor",
		subject: oneGoWordCount,
		against: &goLoop,
		measure: measureThroughput(&oneGoWordCount),
		figures: []figure{{throughput, atLeast(1)}, {processorTime, atMost(1.5)}},
	},
	{
		group:   "throughput",
		title:   "Python word count, TCP to TCP, 1 executor",
		subject: pythonWordCount,
		against: &pythonLoop,
		measure: measureThroughput(&pythonWordCount),
		figures: []figure{{throughput, atLeast(0.85)}, {processorTime, none}},
	},
	{
		group:   "latency",
		title:   "Latency of the Python word count at 20 % of its own rate, 1 executor",
		subject: pythonWordCount,
		against: &tcpEcho,
		measure: measureLatency(&pythonWordCount),
		figures: []figure{{offered, none}, {p50, atMost(8)}, {p90, none}, {p99, atMost(10)}, {p999, none}, {p9999, none}},
	},
	{
		group:   "latency",
		title:   "Latency of the Go word count at 20 % of its own rate, 1 executor",
		subject: oneGoWordCount,
		against: &tcpEcho,
		measure: measureLatency(&oneGoWordCount),
		figures: []figure{{offered, none}, {p50, atMost(4)}, {p90, none}, {p99, atMost(10)}, {p999, none}, {p9999, none}},
	},
	{
		group:   "latency",
		title:   "Latency of the Go word count at 20 % of its own rate, beside the plain Go loop",
		subject: oneGoWordCount,
		against: &goLoop,
		measure: measureLatency(&oneGoWordCount),
		figures: withoutGoals(p50, p90, p99, p999, p9999),
	},
	{
		group:   "metrics",
		title:   "Go word count, asked for its figures ten times a second",
		subject: scrapedGoWordCount,
		against: new(goWordCount("never asked", 1, 1)),
		measure: measureThroughput(&oneGoWordCount),
		figures: []figure{{throughput, atLeast(0.98)}, {processorTime, none}},
	},
	{
		group:   "executors",
		title:   "Go word count, TCP to TCP, 2 executors, 2 connections",
		subject: goWordCount("Wallaroo", 2, 2),
		against: new(goWordCount("1 executor, 2 connections", 1, 2)),
		measure: measureThroughput(&oneGoWordCount),
		figures: []figure{{throughput, none}, {processorTime, none}},
	},
	{
		group:   "executors",
		title:   "Python word count, TCP to TCP, 2 executors, 2 connections",
		subject: engine("Wallaroo", 2, 2),
		against: new(engine("1 executor, 2 connections", 1, 2)),
		measure: measureThroughput(&pythonWordCount),
		figures: []figure{{throughput, atLeast(1.3)}, {processorTime, atMost(1.3)}},
	},
	{
		group:   "executors",
		title:   "Latency of the Python word count at 20 % of the rate of 1 executor, 2 executors",
		subject: engine("Wallaroo", 2, 1),
		against: &tcpEcho,
		measure: measureLatency(&pythonWordCount),
		figures: []figure{{p50, none}, {p99, none}, {p999, none}},
	},
	{
		group:   "resize",
		title:   "From 1 executor to 2 at 25 % of the rate of 1, 100,000 keys",
		subject: keyCount(1, checkpointing),
		measure: measureResize(2),
		figures: figuresOfResize,
	},
	{
		group:   "resize",
		title:   "From 2 executors to 1 at 25 % of the rate of 1, 100,000 keys",
		subject: keyCount(2, checkpointing),
		measure: measureResize(1),
		figures: figuresOfResize,
	},
	{
		group:   "memory",
		title:   "Resident memory of an idle Python word count",
		subject: pythonWordCount,
		measure: measureMemory,
		figures: []figure{{goMemory, below(60 << 20)}, {pythonMemory, none}},
	},
	{
		group:   "startup",
		title:   "Start of the Python word count",
		subject: pythonWordCount,
		measure: measureStartup,
		figures: []figure{{startToReady, below(1)}},
	},
}

var figuresOfResize = withoutGoals(
	messages, beforeMiddle, beforeMost, beforeLongest, movedMost, movedLongest, stayedMost, stayedLongest, afterMost, changeTime,
	closedLongest, partitionsMoved, keysMoved,
)

func withoutGoals(quantities ...quantity) []figure {
	var figures []figure
	for _, q := range quantities {
		figures = append(figures, figure{q, none})
	}
	return figures
}

// rows are those that are to be measured.
func (s settings) rows() []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		return s.group != allGroups && s.group != r.group || !strings.Contains(r.title, s.only)
	})
}

// groups returns the words that choose rows.
func groups() []string {
	var words []string
	for _, row := range rows {
		if !slices.Contains(words, row.group) {
			words = append(words, row.group)
		}
	}
	return append(words, allGroups)
}
