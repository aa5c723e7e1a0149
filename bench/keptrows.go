package main

import (
	"fmt"
	"slices"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/notation"
	"github.com/wallaroo-stream/wallaroo/bench/program"
)

const keyState = "bench/reference/key_state.py"

// How much state there is: keys of 100 bytes each.
const (
	manyKeysInGo     = 1_000_000
	manyKeysInPython = 100_000
	fewKeys          = 1_000
)

// counting is the count of keys with a state of 100 bytes, in a language.
type counting struct {
	language string
	keys     int // that there are
	command  func(b *bench, out string) program.Command
}

var (
	goCounting = counting{"Go", manyKeysInGo, func(b *bench, out string) program.Command {
		return program.Native(b.goKeyState, out, 1, program.NoHTTP)
	}}
	pythonCounting = counting{"Python", manyKeysInPython, func(b *bench, out string) program.Command {
		return program.Engine(b.binary, keyState, out, 1, program.NoHTTP)
	}}
)

// of is the same with fewer keys.
func (c counting) of(keys int) counting {
	c.keys = keys
	return c
}

// side is one that keeps something, or nothing, and to which some of its keys come again after all have come once.
func (c counting) side(name string, again int, k *keeping) side {
	return side{
		name:    name,
		command: c.command,
		keeping: k,
		tapes:   func(b *bench) []*load.Tape { return b.tape(c.keys, again) },
		audit:   func(tapes []*load.Tape) load.Audit { return load.NewRestarts(tapes[0]) },
	}
}

// state says how much there is.
func (c counting) state() string { return notation.Grouped(c.keys) + " keys of 100 bytes" }

var figuresOfCheckpoints = withoutGoals(checkpoints, bytesSaved, tookInAll, alignedIn, savedIn, writtenIn)

// checkpointRows are those that measure what checkpoints cost while all keys are known and a percentage of them changes.
func (c counting) checkpointRows(percents ...int) (rows []row) {
	for _, percent := range percents {
		again := c.keys * percent / 100
		with := c.side("a checkpoint every second", again, checkpointing)
		without := c.side("without a data directory", again, nil)
		journal := c.side("the same without checkpoints", again, asyncJournal)
		title := fmt.Sprintf("%s, %s, %d %% of them change, a checkpoint every second", c.language, c.state(), percent)
		rows = append(rows, row{
			group: "checkpoints", title: title, subject: with, against: &journal, measure: measureThroughput(&without),
			figures: append([]figure{{messagesTaken, atLeast(0.9)}, {timeOfMessages, none}}, figuresOfCheckpoints...),
		}, row{
			group: "checkpoints", title: title + ", and the journal", subject: with, against: &without, measure: measureThroughput(&without),
			figures: append([]figure{{messagesTaken, none}, {timeOfMessages, none}}, figuresOfCheckpoints...),
		}, row{
			group: "checkpoints", title: title + ", at 20 % of the rate without", subject: with, against: &without,
			measure: measureLatency(&without),
			figures: append([]figure{{messages, none}, {p50, none}, {p90, none}, {p99, atMost(3)}, {p999, none}}, figuresOfCheckpoints...),
		})
	}
	return rows
}

// writtenRows are those that measure what a checkpoint writes when a percentage of the keys has changed.
func (c counting) writtenRows(percents ...int) (rows []row) {
	for _, percent := range percents {
		rows = append(rows, row{
			group:   "checkpoints",
			title:   fmt.Sprintf("%s, %s, checkpoint after %d %% of them have changed once", c.language, c.state(), percent),
			subject: c.side("a checkpoint every second", c.keys*percent/100, checkpointing),
			measure: measureWritten,
			figures: withoutGoals(keysChanged, checkpoints, bytesSaved, bytesForEach, tookInAll, alignedIn, savedIn, writtenIn),
		})
	}
	return rows
}

// recoveryRow is one that measures how a worker goes on after kill -9.
func (c counting) recoveryRow(g goal) row {
	rated := c.side("without a data directory", c.keys, nil)
	return row{
		group:   "recovery",
		title:   fmt.Sprintf("%s, kill -9 of the worker and start, %s", c.language, c.state()),
		subject: c.side("a checkpoint every second", c.keys, checkpointing),
		measure: measureKill(&rated),
		figures: []figure{{messages, none}, {readyAgain, none}, {firstAgain, g}, {newAgain, g}, {cameAgain, none}},
	}
}

// executorRow is one that measures how a worker goes on after kill -9 of its Python process.
func (c counting) executorRow() row {
	rated := c.side("without a data directory", c.keys, nil)
	return row{
		group:   "recovery",
		title:   fmt.Sprintf("%s, kill -9 of the executor, %s", c.language, c.state()),
		subject: c.side("a checkpoint every second", c.keys, checkpointing),
		measure: measureExecutorKill(&rated),
		figures: withoutGoals(messages, firstAgain, newAgain, cameAgain),
	}
}

// journaled is the Go word count that keeps something, or nothing, from so many connections.
func journaled(name string, connections int, k *keeping) side {
	s := goWordCount(name, 1, connections)
	s.keeping = k
	return s
}

// journalRows are those that measure what it costs to keep what was accepted.
func journalRows() []row {
	without, oneSynced := journaled("without a data directory", 1, nil), journaled("sync", 1, syncJournal)
	twoWithout := journaled("without, 2 connections", 2, nil)
	taken := []figure{{throughput, none}, {processorTime, none}}
	waited := withoutGoals(offered, p50, p90, p99, p999)
	together := withoutGoals(recordsTogether, messagesTogether)
	return []row{
		{
			group: "durability", title: "Go word count, durability async", subject: journaled("async", 1, asyncJournal),
			against: &without, measure: measureThroughput(&without), figures: taken,
		},
		{
			group: "durability", title: "Go word count, durability async, at 20 % of the rate without",
			subject: journaled("async", 1, asyncJournal), against: &without, measure: measureLatency(&without), figures: waited,
		},
		{
			group: "durability", title: "Go word count, durability sync", subject: oneSynced, against: &without,
			measure: measureThroughput(&without), figures: slices.Concat(taken, together),
		},
		{
			group: "durability", title: "Go word count, durability sync, 2 connections", subject: journaled("sync", 2, syncJournal),
			against: &twoWithout, measure: measureThroughput(&without), figures: slices.Concat(taken, together),
		},
		{
			group: "durability", title: "Go word count, durability sync, at 20 % of its own rate", subject: oneSynced, against: &without,
			measure: measureLatency(&oneSynced), figures: slices.Concat(waited, together),
		},
		{
			group: "durability", title: "Go word count, durability sync, at 20 % of its own rate, beside the disk", subject: oneSynced,
			against: &disk, measure: measureBesideDisk(&oneSynced), figures: slices.Concat(withoutGoals(p50, p90, p99, p999), together),
		},
	}
}

// rows are all that can be measured.
var rows = slices.Concat(
	steadyRows,
	goCounting.checkpointRows(1, 10, 100), goCounting.writtenRows(1, 10, 100),
	pythonCounting.checkpointRows(10), pythonCounting.writtenRows(1, 10, 100),
	[]row{
		goCounting.of(fewKeys).recoveryRow(below(3)), goCounting.recoveryRow(none),
		pythonCounting.of(fewKeys).recoveryRow(below(3)), pythonCounting.recoveryRow(none),
		pythonCounting.of(fewKeys).executorRow(), pythonCounting.executorRow(),
	},
	journalRows(),
)
