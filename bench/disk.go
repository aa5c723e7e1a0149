package main

import (
	"context"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// appended is how many bytes the disk is given at a time.
const appended = 100

// disk is no program: it is the disk's own fsync, one after another, each of a few bytes more at the end of a file.
var disk = side{name: "fsync of 100 bytes more"}

// measureBesideDisk returns how to measure latency, and of the disk how long its fsync takes.
func measureBesideDisk(rated *side) func(context.Context, *bench, side) (reading, error) {
	return func(ctx context.Context, b *bench, s side) (reading, error) {
		if s.command == nil {
			return b.appendAndSync(ctx)
		}
		return b.latency(ctx, rated, s)
	}
}

func (b *bench) appendAndSync(ctx context.Context) (_ reading, err error) {
	file, err := os.CreateTemp(b.folder, "appended")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var took []time.Duration
	for began := time.Now(); time.Since(began).Seconds() < b.seconds && ctx.Err() == nil; {
		start := time.Now()
		if _, err := file.Write(make([]byte, appended)); err != nil {
			return nil, err
		}
		if err := file.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	if len(took) == 0 {
		return nil, context.Cause(ctx)
	}
	slices.Sort(took)
	read := reading{}
	for quantity, percentile := range percentiles {
		read[quantity] = took[max(0, int(math.Ceil(percentile/100*float64(len(took))))-1)].Seconds()
	}
	return read, nil
}

// fileSystem returns the type of the file system that a folder lies on.
func fileSystem(folder string) string {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return unknown
	}
	found, at := unknown, ""
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := strings.TrimSuffix(fields[1], "/")
		if (folder == point || strings.HasPrefix(folder, point+"/")) && len(point) >= len(at) {
			found, at = fields[2], point
		}
	}
	return found
}
