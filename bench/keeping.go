package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
)

const (
	settleStep  = 2 * time.Second // between two messages that are to bring a checkpoint about
	settleLimit = 5 * time.Minute // for a checkpoint: one of much state has a long pause behind it
	neverSaved  = "1h"            // between two checkpoints where there are to be none
)

// keeping is what a side keeps in a data directory.
type keeping struct {
	flags       []string // beside the directory
	checkpoints bool     // one comes at every interval
}

var (
	checkpointing = &keeping{checkpoints: true}
	asyncJournal  = &keeping{flags: []string{"--checkpoint-interval", neverSaved, "--durability", "async"}}
	syncJournal   = &keeping{flags: []string{"--checkpoint-interval", neverSaved, "--durability", "sync"}}
)

// on has a command keep it in the data directory of what is measured, and tell of it.
func (k *keeping) on(b *bench, command program.Command) program.Command {
	if k == nil {
		return command
	}
	command.Args = append(slices.Concat(command.Args, k.flags), "--data-dir", b.data, "--log-level", "debug")
	if k.checkpoints {
		command.Args = append(command.Args, "--checkpoint-interval", b.interval.String())
	}
	command.Log = b.told.line
	return command
}

// inFolder does work with a folder for data directories, which is removed afterwards.
func (b *bench) inFolder(work func() error) (err error) {
	if b.folder, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.folder)) }()
	return work()
}

// warm brings a side that was just started to where it is measured: it knows the lead of its tapes, and has saved that if it saves. Then it
// has made a small checkpoint too, so that the long pause behind a large one is over.
func (b *bench) warm(ctx context.Context, r *rig.Rig, s side) error {
	if lead := s.tapes(b)[0].Lead(); lead > 0 {
		if err := r.Flood(ctx, lead); err != nil {
			return err
		}
	}
	if s.keeping == nil || !s.keeping.checkpoints {
		return nil
	}
	if err := b.settle(ctx, r); err != nil {
		return err
	}
	return b.settle(ctx, r)
}

// settle returns when all that has been done is saved. It sends one message, and more if that takes long.
func (b *bench) settle(ctx context.Context, r *rig.Rig) error {
	for since := time.Now(); time.Since(since) < settleLimit; {
		if err := r.Flood(ctx, 1); err != nil {
			return err
		}
		if saved, err := b.told.await(ctx, since, settleStep); saved || err != nil {
			return err
		}
	}
	return fmt.Errorf("no checkpoint has come for %v", settleLimit)
}

// measureWritten reads what is written when each key of the laps of a side's tape has changed once: by one checkpoint, or by several in all
// if it takes longer to change them than from one to the next.
func measureWritten(ctx context.Context, b *bench, s side) (reading, error) {
	r, err := b.start(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := b.warm(ctx, r, s); err != nil {
		return nil, err
	}
	keys := s.tapes(b)[0].Frames()
	began := time.Now()
	if err := r.Flood(ctx, keys-1); err != nil { // settle sends the last one
		return nil, err
	}
	if err := b.settle(ctx, r); err != nil {
		return nil, err
	}
	some := b.told.began(began, time.Now())
	if err := r.Finish(ctx); err != nil {
		return nil, err
	}
	read := reading{checkpoints: float64(len(some)), keysChanged: float64(keys)}
	for _, c := range some {
		for q, of := range toldOf {
			read[q] += of(&c)
		}
	}
	read[bytesForEach] = read[bytesSaved] / float64(keys)
	return read, nil
}

// tape returns a tape of keys, of which some come again after the lead.
func (b *bench) tape(keys, again int) []*load.Tape {
	keys, again = keys/b.fewer, again/b.fewer
	if last := b.lastTape; last == nil || last.Lead() != keys || last.Frames() != again {
		b.lastTape = load.KeysTape(seed, keys, again)
	}
	return []*load.Tape{b.lastTape}
}
