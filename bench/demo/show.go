package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
)

const (
	burstWords   = 200_000               // sent at full speed to see how fast this machine is
	comfortable  = 1.0 / 3               // share of that speed that is not exceeded afterwards
	leadTime     = 20 * time.Millisecond // from the making of a schedule to its first frame
	mostFrequent = 10                    // words shown at the end
	executors    = 1                     // processes that count: the other processors are for the sender and the receiver, which are here too
)

// show is the demo. It writes to out what a user sees, and leaves no process behind.
func show(ctx context.Context, s settings, out *os.File) error {
	lines, err := readText(s.text)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(s.native); err != nil {
		return err // before the other one has run
	}
	tape := load.NewTape(lines, split)
	fmt.Fprintf(out, "The lines of %s go in, and the counts of their words come out.\n\n", s.text)
	for _, count := range []counting{
		{"Wallaroo runs " + s.application, func(sink string) program.Command {
			return program.Engine(s.binary, s.application, sink, executors, program.NoHTTP)
		}},
		{"The same in Go is " + s.native, func(sink string) program.Command {
			return program.Native(s.native, sink, executors, program.NoHTTP)
		}},
	} {
		if err := count.show(ctx, s, tape, out); err != nil {
			return err
		}
	}
	return nil
}

// counting is one program that counts words.
type counting struct {
	what    string
	command func(sink string) program.Command
}

// show sends the text to the program and shows what comes.
func (c *counting) show(ctx context.Context, s settings, tape *load.Tape, out *os.File) error {
	r, err := rig.Start(ctx, c.command, load.Counts(tape), tape)
	if err != nil {
		return err
	}
	defer r.Close()
	fmt.Fprintf(out, "%s, ready after %v; it listens at %s and sends to %s.\n\n",
		c.what, r.Program.StartedIn().Round(time.Millisecond), r.Program.Address(), r.Receiver.Address())

	flow, err := send(ctx, s, r, tape, out)
	if err != nil {
		return err
	}
	if err := r.Finish(ctx); err != nil {
		return err
	}
	// Finish has found that what came are exactly the counts of what was sent.
	writeWords(out, tape.Counts(r.Sender.Sent()))
	flow.write(out)
	fmt.Fprint(out, "all counts right\n\n")
	return nil
}

// flow is how the words went through.
type flow struct {
	messages, words int
	fullSpeed       float64 // words a second, in the burst
	paced           float64 // words a second, after it
	latency         *load.Latency
}

// send sends a burst, and then the text at a rate that leaves the machine time for other things.
func send(ctx context.Context, s settings, r *rig.Rig, tape *load.Tape, out *os.File) (flow, error) {
	framesPerWord := float64(tape.Frames()) / float64(tape.Words(tape.Frames()))
	began := time.Now()
	if err := r.Flood(ctx, int(burstWords*framesPerWord)); err != nil {
		return flow{}, err
	}
	burst := r.Receiver.Results()
	f := flow{fullSpeed: float64(burst) / time.Since(began).Seconds()}

	rate := min(s.rate, comfortable*f.fullSpeed)
	schedule := r.Sender.Schedule(time.Now().Add(leadTime), rate*framesPerWord)
	f.latency = r.Receiver.Record(schedule, 0)
	progress := startProgress(out, r)
	began = time.Now()
	err := r.Pace(ctx, schedule, max(1, int(rate*s.seconds*framesPerWord)))
	progress.stop()
	if err != nil {
		return flow{}, err
	}
	f.messages, f.words = r.Sender.Sent(), r.Receiver.Results()
	f.paced = float64(f.words-burst) / time.Since(began).Seconds()
	return f, nil
}
