package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/usage"
)

// The table stands between these lines of the file that it is written into.
const (
	beginMark = "<!-- begin table -->\n"
	endMark   = "<!-- end table -->\n"
)

// newFile is what the file holds before and behind the table if there is no file yet.
const newFile = `# Performance

` + "`make bench`" + ` measures Wallaroo and writes this table. A row compares two programs, pair by pair, in one run on one machine;
which of a pair comes first alternates. The ratio is the median over the pairs, with the least and the greatest in parentheses.

The load comes from a generator on the same machine, which audits every result. It sleeps until a frame is due and never spins. Latency
counts from the moment at which a frame was due until a result of it has come, and is compared with the same percentile of an echo of the
same frames. A pair beside which other programs took too much of the processors is thrown away and measured again.

Where the number of executors changes, all keys are known and messages go on at an even rate, one key in each. A message belongs to the
change if any of the time from when it was due until its result came does. A key has moved if another process counted it last than first.
Each count of each key must come once and in order.

Where state is kept, all keys have come and are saved before anything is measured; then a part of them comes again, in turn. What
checkpoints took is what the engine tells, of the middle one of a measurement; an executor that would spend more than a twentieth of its
time on them has them put off. A program is killed when all that was sent to it has its result. The time counts from the signal to the first
line of the process that follows, which may be one that had come before, and to the first that is new; then every key comes once more and
must go on from its last count. The disk is measured by adding 100 bytes to a file and waiting for fsync, one after another.

` + beginMark + endMark

// seed of the random words.
const seed = 1

// measureAll measures the rows that the settings choose, shows what comes of each on out, and writes the table into the file.
func measureAll(ctx context.Context, s settings, out io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the executable to run the echo from: %w", err)
	}
	began := time.Now()
	b := &bench{
		settings: s,
		self:     self,
		words:    load.RandomTapes(seed, mostConnections, load.DefaultShape),
		keys:     load.KeyTape(seed, knownKeys),
		rates:    map[*side]float64{},
		interval: time.Second,
		fewer:    1,
		others:   usage.Others,
	}
	var results []result
	for _, row := range s.rows() {
		measured, err := b.measureRow(ctx, row, out)
		if err != nil {
			return err
		}
		fmt.Fprint(out, table([]result{measured}))
		results = append(results, measured)
	}
	if s.out == "" {
		return nil
	}
	return writeTable(s.out, conditions(s, began, results)+table(results))
}

// writeTable puts a text between the marks of a file, which it makes if there is none.
func writeTable(file, text string) error {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		content, err = []byte(newFile), nil
	}
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	before, rest, begins := strings.Cut(string(content), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return fmt.Errorf("write the table: %s has no lines %q and %q to put it between", file, beginMark, endMark)
	}
	if err := os.WriteFile(file, []byte(before+beginMark+text+endMark+after), 0o644); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}
