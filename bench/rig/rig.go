// Package rig puts a program between a sender and a receiver, all connected and ready, and takes it apart again.
package rig

import (
	"context"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
)

// A Rig is a program under load with its sender and its receiver. It is used by one goroutine at a time, which ends it with Finish or
// Close.
type Rig struct {
	Sender   *load.Sender
	Program  *program.Program
	Receiver *load.Receiver

	command func(out string) program.Command
}

// Start starts a receiver with an audit, then the program, given the receiver's address, and when that is ready connects a sender with a
// connection for each tape. If the program ends before it is ready the error is a *program.ExitError. When ctx ends the program is stopped.
func Start(ctx context.Context, command func(out string) program.Command, audit load.Audit, tapes ...*load.Tape) (*Rig, error) {
	receiver, err := load.Listen(audit)
	if err != nil {
		return nil, err
	}
	r := &Rig{Receiver: receiver, command: command}
	if r.Program, err = program.Start(ctx, command(receiver.Address())); err != nil {
		r.Close()
		return nil, err
	}
	if r.Sender, err = load.Dial(ctx, r.Program.Address(), tapes...); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Restart kills the program, starts it again, and when it is ready has the sender go on with it. It returns when it was killed. All that
// has been sent must have been waited for: what the program had not accepted would be lost with its connections.
func (r *Rig) Restart(ctx context.Context) (killed time.Time, err error) {
	killed = time.Now()
	r.Program.Kill()
	if r.Program, err = program.Start(ctx, r.command(r.Receiver.Address())); err != nil {
		return killed, err
	}
	return killed, r.Sender.Redial(ctx, r.Program.Address())
}

// Flood sends so many frames more on each connection, as fast as the program takes them, and returns when all their results have come. It
// returns early with an error if a result is wrong, if nothing comes any more, if ctx ends, or, with a *program.ExitError, if the program
// does.
func (r *Rig) Flood(ctx context.Context, frames int) error {
	return r.drive(ctx, func(ctx context.Context) error { return r.Sender.Flood(ctx, frames) })
}

// Pace sends the first so many frames of the sender's schedule on each connection, each when it is due, and otherwise is like Flood.
func (r *Rig) Pace(ctx context.Context, schedule load.Schedule, frames int) error {
	return r.drive(ctx, func(ctx context.Context) error { return r.Sender.Pace(ctx, schedule, frames) })
}

// PaceUntil is like Pace, and sends until enough is closed or somewhat longer.
func (r *Rig) PaceUntil(ctx context.Context, schedule load.Schedule, enough <-chan struct{}) error {
	return r.drive(ctx, func(ctx context.Context) error { return r.Sender.PaceUntil(ctx, schedule, enough) })
}

func (r *Rig) drive(ctx context.Context, send func(ctx context.Context) error) error {
	running, release := r.Program.While(ctx)
	defer release()
	during, release := r.Receiver.While(running)
	defer release()
	if err := send(during); err != nil {
		return err
	}
	return r.Receiver.Wait(during, r.Sender.Sent())
}

// Finish ends the sender's connections, then the program, and judges all that has come. It returns nil if the program ended well and has
// given exactly the results of what was sent.
func (r *Rig) Finish(ctx context.Context) error {
	defer r.Close()
	if err := r.Sender.Close(); err != nil {
		return err
	}
	if err := r.Program.Finish(); err != nil {
		return err
	}
	return r.Receiver.Finish(ctx, r.Sender.Sent())
}

// Close ends everything, whatever its state. It may be called again, and after Finish.
func (r *Rig) Close() {
	if r.Sender != nil {
		r.Sender.Close()
	}
	if r.Program != nil {
		r.Program.Abort()
	}
	r.Receiver.Close()
}
