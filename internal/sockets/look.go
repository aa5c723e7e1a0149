package sockets

import (
	"time"

	"github.com/wallaroo-stream/wallaroo/connector"
)

const (
	// Acknowledgements are looked for when so much was written since the last look, or else at intervals that double from the first to the
	// last: a look costs a call of the kernel, which each small write need not pay.
	lookBytes = 64 << 10
	firstLook = 5 * time.Millisecond
	lastLook  = 100 * time.Millisecond
	// closingLook is the interval when nothing more will be written and the sink only waits to be done.
	closingLook = time.Millisecond
)

// look says when to look for acknowledgements.
type look struct {
	timer    *time.Timer
	armed    bool // the timer runs
	now      bool // it has fired
	interval time.Duration
	written  int64 // bytes since the last look
}

func newLook() *look {
	timer := time.NewTimer(lastLook)
	timer.Stop()
	return &look{timer: timer, interval: firstLook}
}

func (l *look) wrote(n int64) {
	l.written += n
	l.interval = firstLook
}

// due reports whether it is time, and counts that as a look.
func (l *look) due(outlet connector.Outlet) bool {
	if !l.now && l.written < lookBytes && !outlet.Full() && !outlet.Closed() {
		return false
	}
	l.now, l.written = false, 0
	return true
}

// next is the timer of the next look; nil if nothing is unacknowledged.
func (l *look) next(unacknowledged, closing bool) <-chan time.Time {
	if !unacknowledged {
		return nil
	}
	if !l.armed {
		l.armed = true
		interval := l.interval
		if closing {
			interval = closingLook
		}
		l.timer.Reset(interval)
		l.interval = min(2*l.interval, lastLook)
	}
	return l.timer.C
}

func (l *look) fired() {
	l.armed, l.now = false, true
}
