package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/notation"
	"github.com/wallaroo-stream/wallaroo/bench/rig"
)

// How often progress is shown: redrawn in its place on a terminal, and in a line of its own elsewhere.
const (
	redrawEvery = 100 * time.Millisecond
	lineEvery   = time.Second
)

const clearLine = "\r\x1b[K"

// progress shows how much has gone in and come out, until it is stopped.
type progress struct {
	done    chan struct{}
	running sync.WaitGroup
}

func startProgress(out *os.File, r *rig.Rig) *progress {
	p := &progress{done: make(chan struct{})}
	p.running.Go(func() { p.show(out, r) })
	return p
}

// stop returns when nothing more is shown.
func (p *progress) stop() {
	close(p.done)
	p.running.Wait()
}

func (p *progress) show(out *os.File, r *rig.Rig) {
	every, before, after := lineEvery, "", "\n"
	if isTerminal(out) {
		every, before, after = redrawEvery, clearLine, ""
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	since, words := time.Now(), r.Receiver.Results()
	for {
		select {
		case <-p.done:
			fmt.Fprint(out, before)
			return
		case <-ticker.C:
			now, counted := time.Now(), r.Receiver.Results()
			rate := float64(counted-words) / now.Sub(since).Seconds()
			fmt.Fprintf(out, "%s%11s messages in  %11s words out  %9s words/s%s",
				before, notation.Grouped(r.Sender.Sent()), notation.Grouped(counted), notation.Grouped(int(rate)), after)
			since, words = now, counted
		}
	}
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
