// Package suspicion decides whether a message is what executors die of, and what is done about it: a pure machine. It is told of each
// death, and of each checkpoint, behind which no message before it comes again.
//
// A process that is killed from outside may die of anything, so its first death raises no suspicion. After any other, and after the second,
// executors take care: they note each message before it enters a step, so that the next death says which one it was. A message that was
// noted at two deaths, and so has been there at three, is the one: it is skipped, once. An equal one behind it, which would kill as well,
// is convicted in the same way, of two more deaths.
package suspicion

// Noted is a message at a step, as its executor has noted it.
type Noted struct {
	Step       string
	FindingKey bool
	Digest     string
}

// Machine is what is known since the last checkpoint.
type Machine struct {
	deaths    int
	fruitless int           // of these, since the last verdict
	noted     map[Noted]int // how many deaths each was noted at since it was convicted
	care      bool
}

// enough is how many times a message must have been noted at a death.
const enough = 2

// Died says that an executor has died: of a signal that only others send, or of itself, and with a note or without (nil). If that convicts
// a message, it is the verdict, else nil.
func (m *Machine) Died(killed bool, noted *Noted) (verdict *Noted) {
	m.deaths++
	m.fruitless++
	m.care = m.care || !killed || m.deaths > 1
	if noted == nil {
		return nil
	}
	if m.noted == nil {
		m.noted = map[Noted]int{}
	}
	m.noted[*noted]++
	if m.noted[*noted] < enough {
		return nil
	}
	delete(m.noted, *noted)
	m.fruitless = 0
	return noted
}

// Fruitless is how many deaths there have been since the last checkpoint, or the last verdict: nothing has become better by them.
func (m *Machine) Fruitless() int { return m.fruitless }

// Careful reports whether executors are to take care.
func (m *Machine) Careful() bool { return m.care }

// Committed says that a checkpoint is committed: what has died before did not die of what comes now.
func (m *Machine) Committed() { *m = Machine{} }
