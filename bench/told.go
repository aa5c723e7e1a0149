package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"
)

// told is what a program that keeps state says of it in its log.
type told struct {
	news        chan struct{} // holds something if a checkpoint has come since it was taken
	mu          sync.Mutex
	checkpoints []checkpointTold // guarded by mu, as are those below
	records     float64          // of the journal
	syncs       float64          // by which they were brought to disk
}

// checkpointTold is what is said of a checkpoint. Times are in seconds.
type checkpointTold struct {
	began                           time.Time
	bytes                           float64
	took, aligned, saved, committed float64
}

func newTold() *told { return &told{news: make(chan struct{}, 1)} }

// line takes in a line of the log.
func (t *told) line(line string) {
	now := time.Now()
	said := map[string]string{}
	for pair := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(pair, "=")
		said[name] = value
	}
	number := func(name string) float64 {
		value, _ := strconv.ParseFloat(said[name], 64)
		return value
	}
	seconds := func(name string) float64 {
		value, _ := time.ParseDuration(said[name])
		return value.Seconds()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch said["msg"] {
	case "journal":
		t.records, t.syncs = number("records"), number("syncs")
	case "checkpoint":
		took := seconds("took")
		t.checkpoints = append(t.checkpoints, checkpointTold{
			began: now.Add(-time.Duration(took * float64(time.Second))), bytes: number("bytes"),
			took: took, aligned: seconds("aligned"), saved: seconds("saved"), committed: seconds("committed"),
		})
		select {
		case t.news <- struct{}{}:
		default:
		}
	}
}

// began returns the checkpoints that began between two moments.
func (t *told) began(from, to time.Time) (some []checkpointTold) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.checkpoints {
		if !c.began.Before(from) && !c.began.After(to) {
			some = append(some, c)
		}
	}
	return some
}

// await waits for a checkpoint that has begun after a moment, and reports whether one has come within a limit.
func (t *told) await(ctx context.Context, since time.Time, limit time.Duration) (bool, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		if len(t.began(since, time.Now())) > 0 {
			return true, nil
		}
		select {
		case <-t.news:
		case <-late.C:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// toldOf are the quantities that are told of a checkpoint.
var toldOf = map[quantity]func(*checkpointTold) float64{
	bytesSaved: func(c *checkpointTold) float64 { return c.bytes },
	tookInAll:  func(c *checkpointTold) float64 { return c.took },
	alignedIn:  func(c *checkpointTold) float64 { return c.aligned },
	savedIn:    func(c *checkpointTold) float64 { return c.saved },
	writtenIn:  func(c *checkpointTold) float64 { return c.committed },
}

// read reads how many checkpoints began between two moments, of which there must be one, and the middle of what is told of them.
func (t *told) read(r reading, from, to time.Time) error {
	some := t.began(from, to)
	if len(some) == 0 {
		return errors.New("no checkpoint began while it was measured: measure longer")
	}
	r[checkpoints] = float64(len(some))
	for q, of := range toldOf {
		var values []float64
		for _, c := range some {
			values = append(values, of(&c))
		}
		r[q] = spreadOf(values).median
	}
	return nil
}

// group reads how many records and how many messages were brought to disk together, of so many messages.
func (t *told) group(r reading, frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.syncs > 0 {
		r[recordsTogether], r[messagesTogether] = t.records/t.syncs, float64(frames)/t.syncs
	}
}
