package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
)

const (
	knownKeys      = 100_000 // that have been counted before the number of executors changes
	shareOfResize  = 0.25    // of the rate of one executor, at which keys come meanwhile
	changeLimit    = time.Minute
	mostAnswer     = 64 << 10 // bytes of an answer
	executorsPath  = "/api/executors"
	jsonMediaType  = "application/json"
	tokenFile      = "cluster.key" // in a data directory
	partsOfMeasure = 2             // before the change and after it
)

// change is what the engine says of a change of the number of executors.
type change struct {
	Before          int     `json:"before"`
	After           int     `json:"after"`
	PartitionsMoved int     `json:"partitions_moved"`
	LongestWait     float64 `json:"longest_wait_seconds"`
	began, answered time.Time
}

// measureResize returns how to change the number of executors of a side that counts keys, in the middle of an even load. Half of the
// seconds of a measurement come before the change, and half after it.
func measureResize(executors int) func(context.Context, *bench, side) (reading, error) {
	return func(ctx context.Context, b *bench, s side) (reading, error) {
		rate, err := b.rateOf(ctx, &oneKeyCount)
		if err != nil {
			return nil, err
		}
		moves := load.NewMoves(b.keys)
		r, err := b.startWith(ctx, s, moves)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		lap := b.keys.Frames()
		if err := r.Flood(ctx, lap); err != nil { // All keys are known then,
			return nil, err
		}
		done, err := b.resizeUnderLoad(ctx, r, shareOfResize*rate, executors)
		if err != nil {
			return nil, err
		}
		if err := r.Flood(ctx, lap); err != nil { // and each shows where it has come to.
			return nil, err
		}
		if err := r.Finish(ctx); err != nil {
			return nil, err
		}
		read, err := readingOf(done, moves.Waits(done.began, done.answered))
		if err != nil {
			return nil, err
		}
		read[messages] = shareOfResize * rate
		return read, nil
	}
}

// resizeUnderLoad has the number of executors changed while messages are sent at a rate.
func (b *bench) resizeUnderLoad(ctx context.Context, r *rig.Rig, rate float64, executors int) (change, error) {
	part := time.Duration(b.seconds / partsOfMeasure * float64(time.Second))
	schedule := r.Sender.Schedule(time.Now().Add(leadTime), rate)
	r.Receiver.Record(schedule, int(shareOfWarming*rate*part.Seconds()))
	var done change
	enough := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.PaceUntil(ctx, schedule, enough) })
	group.Go(func() (err error) {
		defer close(enough)
		if err := pause(ctx, part); err != nil {
			return err
		}
		if done, err = resize(ctx, r.Program.HTTPAddress(), b.data, executors); err != nil {
			return err
		}
		return pause(ctx, part)
	})
	err := group.Wait()
	return done, err
}

// pause returns when a time has passed, or with an error when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// resize asks the worker whose HTTP address and data directory these are for so many executors, and returns when it has them.
func resize(ctx context.Context, address, data string, executors int) (change, error) {
	ctx, cancel := context.WithTimeout(ctx, changeLimit)
	defer cancel()
	token, err := os.ReadFile(filepath.Join(data, tokenFile))
	if err != nil {
		return change{}, fmt.Errorf("ask for %d executors: %w", executors, err)
	}
	body := fmt.Sprintf(`{"executors": %d}`, executors)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+executorsPath, strings.NewReader(body))
	if err != nil {
		return change{}, fmt.Errorf("ask for %d executors: %w", executors, err)
	}
	request.Header.Set("Content-Type", jsonMediaType)
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	done := change{began: time.Now()}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return change{}, fmt.Errorf("ask for %d executors: %w", executors, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	done.answered = time.Now()
	if err != nil {
		return change{}, fmt.Errorf("ask for %d executors: %w", executors, err)
	}
	if response.StatusCode != http.StatusOK {
		return change{}, fmt.Errorf("ask for %d executors: %s: %s", executors, response.Status, text)
	}
	if err := json.Unmarshal(text, &done); err != nil {
		return change{}, fmt.Errorf("ask for %d executors: the answer %q: %w", executors, text, err)
	}
	if done.After != executors {
		return change{}, fmt.Errorf("ask for %d executors: the answer says %d", executors, done.After)
	}
	return done, nil
}

// readingOf reads the figures off a change, if the keys say the same of it as the engine.
func readingOf(done change, w load.Waits) (reading, error) {
	read := reading{
		beforeMiddle:    w.Before.Percentile(percentiles[p50]).Seconds(),
		beforeMost:      w.Before.Percentile(percentiles[p999]).Seconds(),
		beforeLongest:   w.Before.Max().Seconds(),
		movedMost:       w.Moved.Percentile(percentiles[p99]).Seconds(),
		stayedMost:      w.Stayed.Percentile(percentiles[p99]).Seconds(),
		movedLongest:    w.Moved.Max().Seconds(),
		stayedLongest:   w.Stayed.Max().Seconds(),
		afterMost:       w.After.Percentile(percentiles[p999]).Seconds(),
		changeTime:      done.answered.Sub(done.began).Seconds(),
		closedLongest:   done.LongestWait,
		partitionsMoved: float64(done.PartitionsMoved),
		keysMoved:       float64(w.Keys),
	}
	switch {
	case w.First != done.Before || w.Last != done.After:
		return nil, fmt.Errorf("%d processes counted before the change and %d after it; the engine says %d and %d",
			w.First, w.Last, done.Before, done.After)
	case w.Keys == 0 || done.PartitionsMoved == 0:
		return nil, fmt.Errorf("%d keys of %d partitions moved", w.Keys, done.PartitionsMoved)
	case w.Before.Count() == 0 || w.After.Count() == 0 || w.Moved.Count() == 0 || w.Stayed.Count() == 0:
		return nil, errors.New("no messages came before the change, during it, or after it: measure longer")
	}
	return read, nil
}
