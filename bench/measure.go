package main

import (
	"context"
	"os"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/load"
	"github.com/wallaroo-stream/wallaroo/bench/program"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
	"github.com/wallaroo-stream/wallaroo/bench/usage"
)

const (
	million         = 1e6
	shareOfRate     = 0.2 // of the engine's own rate, at which latency is measured
	shareOfWarming  = 0.1 // of the frames of a latency measurement, which do not count
	firstTry        = 20_000
	mostConnections = 2                     // that a row's side has
	leadTime        = 20 * time.Millisecond // from the making of a schedule to its first frame
	idleTime        = time.Second           // before an idle process's memory is read
)

// bench is one run of the benchmark.
type bench struct {
	settings
	self     string                                   // the executable that runs now
	words    []*load.Tape                             // for the word count, one for each connection that a side may have
	keys     *load.Tape                               // for the count of keys
	lastTape *load.Tape                               // for the count of keys with state
	interval time.Duration                            // between two checkpoints
	fewer    int                                      // what the numbers of such keys are divided by: 1, but for tests
	folder   string                                   // for what is being measured
	data     string                                   // the data directory of what is being measured
	told     *told                                    // what is said of that
	rates    map[*side]float64                        // of what has been measured, in words a second
	others   func(work func() error) (float64, error) // runs work and returns the share of the processors that others took
}

// measureThroughput floods a side with as much as the rated one takes in the seconds of a measurement. The time counts from the first byte
// sent to the last result received and audited.
func measureThroughput(rated *side) func(context.Context, *bench, side) (reading, error) {
	return func(ctx context.Context, b *bench, s side) (reading, error) {
		rate, err := b.rateOf(ctx, rated)
		if err != nil {
			return nil, err
		}
		tapes := s.tapes(b)
		return b.flood(ctx, s, framesFor(tapes[0], rate*b.seconds)/len(tapes))
	}
}

// measureLatency sends frames to a side, each at its time, at a share of the rate of the rated one.
func measureLatency(rated *side) func(context.Context, *bench, side) (reading, error) {
	return func(ctx context.Context, b *bench, s side) (reading, error) { return b.latency(ctx, rated, s) }
}

func (b *bench) latency(ctx context.Context, rated *side, s side) (reading, error) {
	rate, err := b.rateOf(ctx, rated)
	if err != nil {
		return nil, err
	}
	r, err := b.start(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := b.warm(ctx, r, s); err != nil {
		return nil, err
	}
	tape := s.tapes(b)[0]
	frames := framesFor(tape, shareOfRate*rate*b.seconds)
	framesPerSecond := float64(frames) / b.seconds
	began := time.Now()
	schedule := r.Sender.Schedule(began.Add(leadTime), framesPerSecond)
	latency := r.Receiver.Record(schedule, int(shareOfWarming*float64(frames)))
	if err := r.Pace(ctx, schedule, frames); err != nil {
		return nil, err
	}
	ended := time.Now()
	read := reading{offered: framesPerSecond * wordsPerFrame(tape), messages: framesPerSecond}
	for quantity, percentile := range percentiles {
		read[quantity] = latency.Percentile(percentile).Seconds()
	}
	return b.finish(ctx, r, s, read, began, ended)
}

// measureMemory starts a side and reads its memory when it has had nothing to do for a while.
func measureMemory(ctx context.Context, b *bench, s side) (reading, error) {
	r, err := b.start(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	time.Sleep(idleTime)
	table, err := usage.Now()
	if err != nil {
		return nil, err
	}
	own, err := usage.Resident(r.Program.PID())
	if err != nil {
		return nil, err
	}
	read := reading{goMemory: float64(own)}
	for _, pid := range table.Descendants(r.Program.PID()) {
		resident, err := usage.Resident(pid)
		if err != nil {
			return nil, err
		}
		read[pythonMemory] += float64(resident)
	}
	return read, r.Finish(ctx)
}

// measureStartup starts a side and ends it again.
func measureStartup(ctx context.Context, b *bench, s side) (reading, error) {
	r, err := b.start(ctx, s)
	if err != nil {
		return nil, err
	}
	return reading{startToReady: r.Program.StartedIn().Seconds()}, r.Finish(ctx)
}

// rateOf returns how many words a second a side takes. It measures it when it is first asked: with a short flood to learn how long a flood
// of the right length is, and with that.
func (b *bench) rateOf(ctx context.Context, s *side) (float64, error) {
	if rate := b.rates[s]; rate > 0 {
		return rate, nil
	}
	rate := 0.0
	frames := firstTry
	for range 2 {
		read, err := b.flood(ctx, *s, frames)
		if err != nil {
			return 0, err
		}
		rate = read[throughput]
		frames = framesFor(s.tapes(b)[0], rate*b.seconds)
	}
	b.rates[s] = rate
	return rate, nil
}

// flood sends so many frames on each of a side's connections as fast as it takes them, when it is warm. A side that answers HTTP is scraped
// meanwhile.
func (b *bench) flood(ctx context.Context, s side, frames int) (reading, error) {
	r, err := b.start(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := b.warm(ctx, r, s); err != nil {
		return nil, err
	}
	first := r.Sender.Sent()
	before, err := usage.Now()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	err = scraped(ctx, r.Program.HTTPAddress(), func(ctx context.Context) error { return r.Flood(ctx, frames) })
	if err != nil {
		return nil, err
	}
	ended := time.Now()
	after, err := usage.Now()
	if err != nil {
		return nil, err
	}
	used := after.Tree(r.Program.PID()) - before.Tree(r.Program.PID())
	words, sent, elapsed := 0.0, 0.0, ended.Sub(began)
	for _, tape := range s.tapes(b) {
		words += float64(tape.Words(first+frames) - tape.Words(first))
		sent += float64(frames)
	}
	read := reading{
		throughput:     words / elapsed.Seconds(),
		processorTime:  used.Seconds() / (words / million),
		messagesTaken:  sent / elapsed.Seconds(),
		timeOfMessages: used.Seconds() / (sent / million),
	}
	return b.finish(ctx, r, s, read, began, ended)
}

// finish ends a rig, and adds to a reading what the side has told of the time between two moments.
func (b *bench) finish(ctx context.Context, r *rig.Rig, s side, read reading, began, ended time.Time) (reading, error) {
	if err := r.Finish(ctx); err != nil || s.keeping == nil {
		return read, err
	}
	b.told.group(read, r.Sender.Sent()*len(s.tapes(b)))
	if s.keeping.checkpoints {
		return read, b.told.read(read, began, ended)
	}
	return read, nil
}

// start puts a side between a sender and a receiver.
func (b *bench) start(ctx context.Context, s side) (*rig.Rig, error) {
	return b.startWith(ctx, s, s.audit(s.tapes(b)))
}

// startWith is start with an audit that the caller asks afterwards.
func (b *bench) startWith(ctx context.Context, s side, audit load.Audit) (*rig.Rig, error) {
	var err error
	if b.data, err = os.MkdirTemp(b.folder, "data"); err != nil {
		return nil, err
	}
	b.told = newTold()
	command := func(out string) program.Command { return s.keeping.on(b, s.command(b, out)) }
	return rig.Start(ctx, command, audit, s.tapes(b)...)
}

func wordsPerFrame(tape *load.Tape) float64 {
	lap := tape.Frames()
	return float64(tape.Words(tape.Lead()+lap)-tape.Words(tape.Lead())) / float64(lap)
}

// framesFor returns how many frames of a tape hold so many words, about.
func framesFor(tape *load.Tape, words float64) int {
	return max(1, int(words/wordsPerFrame(tape)))
}
