package load

import (
	"errors"
	"testing"
	"time"
)

func single(message string) []string { return []string{message} }

func TestMovesJudgesLines(t *testing.T) {
	tape := NewTape([]string{"a", "b"}, single)
	for _, test := range []struct {
		name  string
		lines []string // each "CONNECTION LINE"; two laps were sent
		want  error
	}{
		{"nothing moved", []string{"0 7 a => 1", "0 7 b => 1", "0 7 a => 2", "0 7 b => 2"}, nil},
		{"one moved", []string{"0 7 a => 1", "0 7 b => 1", "0 7 a => 2", "0 8 b => 2"}, nil},
		{"moved and begun anew", []string{"0 7 a => 1", "0 8 a => 1"}, ErrRepeat},
		{"moved without the last", []string{"0 7 a => 1", "0 7 b => 1", "0 8 a => 2"}, ErrGap},
		{"overtaken in the move", []string{"0 7 b => 1", "0 8 a => 2", "0 7 a => 1"}, ErrGap},
		{"moved to and fro", []string{"0 7 a => 1", "0 8 a => 2", "0 7 a => 3"}, ErrOwners},
		{"no process", []string{"0 a => 1"}, ErrMalformed},
		{"process 0", []string{"0 0 a => 1"}, ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := judge(NewMoves(tape), test.lines, 4); !errors.Is(err, test.want) {
				t.Errorf("the audit says %v, want %v", err, test.want)
			}
		})
	}
}

func TestWaitsAreToldApart(t *testing.T) {
	start := time.Unix(1000, 0)
	m := NewMoves(NewTape([]string{"a", "b"}, single))
	m.record(Schedule{start: start, interval: float64(time.Second), connections: 1}, 1)
	for _, result := range []struct {
		line    string
		arrived time.Duration
	}{
		{"7 a => 1\n", 900 * time.Millisecond}, // does not count
		{"7 b => 1\n", 1100 * time.Millisecond},
		{"7 a => 2\n", 3200 * time.Millisecond}, // due before the change, and came in it
		{"8 b => 2\n", 8 * time.Second},         // due in it, and came after it
		{"7 a => 3\n", 6300 * time.Millisecond}, // due in it
		{"8 b => 3\n", 9 * time.Second},         // due in it
		{"7 a => 4\n", 9500 * time.Millisecond}, // due when it was over
	} {
		if _, _, err := m.take(0, []byte(result.line), start.Add(result.arrived)); err != nil {
			t.Fatal(err)
		}
	}
	w := m.Waits(start.Add(3*time.Second), start.Add(5500*time.Millisecond))
	for name, c := range map[string]struct {
		latency *Latency
		count   int
		longest time.Duration
	}{
		"before": {w.Before, 1, 100 * time.Millisecond},
		"stayed": {w.Stayed, 2, 2300 * time.Millisecond},
		"moved":  {w.Moved, 2, 5 * time.Second},
		"after":  {w.After, 1, 3500 * time.Millisecond},
	} {
		if got := c.latency.Max(); c.latency.Count() != c.count || (got-c.longest).Abs() > c.longest/100 {
			t.Errorf("%s: %d results, the longest %v; want %d and %v", name, c.latency.Count(), got, c.count, c.longest)
		}
	}
	if w.Keys != 1 || w.First != 1 || w.Last != 2 {
		t.Errorf("%d keys moved, %d processes first and %d last; want 1, 1 and 2", w.Keys, w.First, w.Last)
	}
}
