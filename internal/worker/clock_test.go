package worker

import (
	"reflect"
	"testing"
	"time"
)

func TestAClockCountsWhereTimeGoes(t *testing.T) {
	start := time.Unix(1e9, 0)
	c := newClock(2)
	c.since = start
	at := func(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }
	c.turn(standing{as: busy}, at(1))
	c.turn(standing{as: held}, at(3))
	c.turn(standing{as: noSinkCredit, sink: 1}, at(6))
	c.turn(standing{as: noExchangeCredit}, at(10))
	before := c.read(at(12))
	s := c.read(at(15))
	want := Spent{
		Waiting: time.Second, Busy: 2 * time.Second, Held: 3 * time.Second, Sinks: []time.Duration{0, 4 * time.Second}, Exchange: 5 * time.Second,
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("%+v", s)
	}
	if s.All() != 15*time.Second || s.NoCredit() != 9*time.Second {
		t.Errorf("%v in all, %v without credit", s.All(), s.NoCredit())
	}
	if d := s.Since(&before); d.All() != 3*time.Second || d.Exchange != 3*time.Second {
		t.Errorf("%+v", d)
	}
}

func TestQuantilesOfLatencies(t *testing.T) {
	var l Latencies
	if q := l.Quantile(0.5); q != 0 {
		t.Errorf("%v of none", q)
	}
	l.take(-time.Second, 10) // the clock was set back
	l.take(3*time.Millisecond, 80)
	l.take(time.Minute, 10)
	for share, want := range map[float64]time.Duration{
		0.05: 50 * time.Microsecond, 0.5: 3750 * time.Microsecond, 0.9: 5 * time.Millisecond, 0.99: 10 * time.Second,
	} {
		if got := l.Quantile(share); got != want {
			t.Errorf("%v: %v; want %v", share, got, want)
		}
	}
	if l.Count() != 100 || l.Sum != 10*time.Minute+240*time.Millisecond {
		t.Errorf("%d messages took %v", l.Count(), l.Sum)
	}
}

func TestTheTimeOfACallDividesAmongItsSteps(t *testing.T) {
	var known shares
	var c counts
	entered := []Entered{{Step: 1, Messages: 3}, {Step: 2, Messages: 1}}
	c.worked(8*time.Second, known, entered) // nothing was seen: by messages
	if c.busy[1] != 6*time.Second || c.busy[2] != 2*time.Second {
		t.Errorf("%v", c.busy)
	}
	known.see([]Entered{{Step: 2, Seen: 9}, {Step: 0, Seen: 1}})
	c = counts{}
	c.worked(10*time.Second, known, entered)
	if c.busy[0] != time.Second || c.busy[1] != 0 || c.busy[2] != 9*time.Second {
		t.Errorf("%v", c.busy)
	}
	known.see(entered) // seen nothing
	known.see([]Entered{{Step: 1, Seen: 5}})
	sum := 0.0
	for _, share := range known {
		sum += share
	}
	if sum < 0.999 || sum > 1.001 || known[1] != shareWeight {
		t.Errorf("%v", known)
	}
}
