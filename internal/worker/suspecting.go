package worker

import (
	"errors"
	"fmt"

	"github.com/wallaroo-stream/wallaroo/internal/protocol/suspicion"
)

// killed is the error of a process that a signal has ended which nothing sends itself.
type killed interface {
	error
	Killed() bool
}

// suspect finds out whether it was a message that an executor has died of; one that is convicted is skipped from now on.
func (w *Worker) suspect(err error) {
	died, is := errors.AsType[*DiedError](err)
	if !is {
		return
	}
	outside := false
	if k, is := errors.AsType[killed](err); is {
		outside = k.Killed()
	}
	verdict := w.suspicion.Died(outside, (*suspicion.Noted)(died.Noted))
	if verdict == nil {
		return
	}
	skip := Skip{Noted: Noted(*verdict), Why: fmt.Sprintf("its process died of it, each time: %s", died.Err)}
	w.skips = append(w.skips, skip)
	w.config.Report.Convicted(skip)
}

// takeCare has the executors take care if one has died, before they are given any message.
func (w *Worker) takeCare() {
	if w.suspicion.Careful() || len(w.skips) > 0 {
		w.orderCare(Care{Notes: true, Skips: w.skips})
	}
}

// beSure has the executors take care no more: a checkpoint is committed, and what one may have died of will not come again.
func (w *Worker) beSure() {
	careful := w.suspicion.Careful() || len(w.skips) > 0
	w.suspicion.Committed()
	w.skips = nil
	if careful {
		w.orderCare(Care{})
	}
}

func (w *Worker) orderCare(c Care) {
	for _, l := range w.all() {
		l.turning.Lock()
		l.moving.order(order{begin: func(id uint32) { l.executor.Care(id, c) }})
		l.turning.Unlock()
		l.wake.notify()
	}
}
