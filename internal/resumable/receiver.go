package resumable

import (
	"cmp"
	"fmt"
	"slices"
)

// Said is what a sink says with all that it says: the run that it is in, and an epoch of which it knows that it is committed, in this run
// or before it. Of a receiver it is the greatest that it has heard. Runs begin with 1; epoch 0 is none.
type Said struct{ Run, Committed uint64 }

// OldRunError refuses what belongs to a run that is over.
type OldRunError struct{ Run, Known uint64 }

// Error says which.
func (o *OldRunError) Error() string {
	return fmt.Sprintf("run %d is over: the receiver has heard of run %d", o.Run, o.Known)
}

// Bounds of a Receiver.
const maxLanes = 4 << 10 // in a run

// Receiver is the far end of one sink of one cluster, on all its connections. It keeps output apart until it is committed: M is what holds
// some messages, which are the shell's business. What it has answered must be durable.
type Receiver[M any] struct {
	said  Said
	lanes map[string]*Lane
	kept  []Kept[M] // in the order in which it came
}

// Lane is what has come on a lane in the current run.
type Lane struct {
	Number uint64 // of the last message
	Epoch  uint64 // of the last message
}

// Kept is output that is not committed.
type Kept[M any] struct {
	Epoch    uint64
	Messages M
}

// NewReceiver makes a receiver that has heard of nothing.
func NewReceiver[M any]() *Receiver[M] {
	return &Receiver[M]{said: Said{Run: 1}, lanes: map[string]*Lane{}}
}

// Restore is a receiver as it was, by what Said, Lanes and Kept returned; all of it is the receiver's from then on.
func Restore[M any](said Said, lanes map[string]*Lane, kept []Kept[M]) *Receiver[M] {
	if lanes == nil {
		lanes = map[string]*Lane{}
	}
	return &Receiver[M]{said: said, lanes: lanes, kept: kept}
}

// Said is what it has heard.
func (r *Receiver[M]) Said() Said { return r.said }

// Lanes is what has come in this run, by lane. It is for reading.
func (r *Receiver[M]) Lanes() map[string]*Lane { return r.lanes }

// Kept is what is not committed. It is for reading.
func (r *Receiver[M]) Kept() []Kept[M] { return r.kept }

// Number is that of the last message of a lane in this run.
func (r *Receiver[M]) Number(lane string) uint64 {
	if l := r.lanes[lane]; l != nil {
		return l.Number
	}
	return 0
}

// Hear takes what a hello or a commit says. It returns what is committed by that, the epochs in order and what a lane brought in its order,
// and whether it was news. A greater run commits up to its epoch, and drops the rest. The error is *OldRunError, or that of a run that is
// none.
func (r *Receiver[M]) Hear(s Said) (committed []M, news bool, err error) {
	switch {
	case s.Run == 0:
		return nil, false, fmt.Errorf("%w: its run is 0", errFrame)
	case s.Run < r.said.Run:
		return nil, false, &OldRunError{Run: s.Run, Known: r.said.Run}
	}
	news = s.Run > r.said.Run || s.Committed > r.said.Committed
	committed = r.commit(s.Committed)
	if s.Run > r.said.Run {
		r.said.Run = s.Run
		r.lanes, r.kept = map[string]*Lane{}, nil
	}
	return committed, news, nil
}

// commit takes out what is kept of epochs up to one.
func (r *Receiver[M]) commit(epoch uint64) (committed []M) {
	if epoch <= r.said.Committed {
		return nil
	}
	r.said.Committed = epoch
	var left, out []Kept[M]
	for _, k := range r.kept {
		if k.Epoch <= epoch {
			out = append(out, k)
		} else {
			left = append(left, k)
		}
	}
	r.kept = left
	slices.SortStableFunc(out, func(a, b Kept[M]) int { return cmp.Compare(a.Epoch, b.Epoch) })
	for _, k := range out {
		committed = append(committed, k.Messages)
	}
	return committed
}

// Take judges messages of a lane: how many of the first ones it has already; the rest, if there is any, must then be given to Keep. The
// error is *OldRunError, or says what the sender did wrong.
func (r *Receiver[M]) Take(lane string, m *Messages) (had int, err error) {
	if err := r.judge(m.Run, "messages"); err != nil {
		return 0, err
	}
	l := r.lanes[lane]
	if l == nil {
		if len(r.lanes) == maxLanes {
			return 0, fmt.Errorf("more than %d lanes of one sink in one run", maxLanes)
		}
		l = &Lane{}
		r.lanes[lane] = l
	}
	if m.Number > l.Number+1 {
		return 0, fmt.Errorf("message %d of a lane came behind message %d: those between are missing", m.Number, l.Number)
	}
	if m.Last() <= l.Number {
		return m.Batch.Count(), nil
	}
	if m.Epoch <= r.said.Committed || m.Epoch < l.Epoch {
		return 0, fmt.Errorf("message %d of a lane is of epoch %d, which is over: %d is committed, and epoch %d had begun",
			m.Number, m.Epoch, r.said.Committed, l.Epoch)
	}
	had = int(l.Number + 1 - m.Number)
	l.Number, l.Epoch = m.Last(), m.Epoch
	return had, nil
}

// Keep keeps messages apart that Take has let pass.
func (r *Receiver[M]) Keep(epoch uint64, messages M) {
	r.kept = append(r.kept, Kept[M]{Epoch: epoch, Messages: messages})
}

// Mark judges a marker: all that was sent before it must have come.
func (r *Receiver[M]) Mark(lane string, m *Marker) error {
	if err := r.judge(m.Run, "a marker"); err != nil {
		return err
	}
	if has := r.Number(lane); has < m.Number {
		return fmt.Errorf("marker %d of a lane stands behind %d messages, of which only %d have come", m.Epoch, m.Number, has)
	}
	return nil
}

// judge refuses what is of another run.
func (r *Receiver[M]) judge(run uint64, what string) error {
	if run < r.said.Run {
		return &OldRunError{Run: run, Known: r.said.Run}
	}
	if run > r.said.Run {
		return fmt.Errorf("%s of run %d came before the run was told: run %d was the last", what, run, r.said.Run)
	}
	return nil
}
