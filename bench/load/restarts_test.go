package load

import (
	"errors"
	"testing"
	"time"
)

func TestRestartsJudgesLines(t *testing.T) {
	tape := NewTape([]string{"a", "b"}, single)
	for _, test := range []struct {
		name  string
		lines []string // each "CONNECTION LINE"; two laps were sent
		want  error
	}{
		{"one process", []string{"0 7 a => 1", "0 7 b => 1", "0 7 a => 2", "0 7 b => 2"}, nil},
		{"another goes on", []string{"0 7 a => 1", "0 7 b => 1", "1 8 a => 2", "1 8 b => 2"}, nil},
		{"another begins anew", []string{"0 7 a => 1", "0 7 b => 1", "0 7 a => 2", "1 8 a => 1", "1 8 b => 1", "1 8 a => 2", "1 8 b => 2"}, nil},
		{"another goes back", []string{"0 7 a => 1", "0 7 b => 1", "0 7 a => 2", "1 8 a => 2", "1 8 b => 2"}, nil},
		{"another leaves one out", []string{"0 7 a => 1", "0 7 b => 1", "1 8 a => 3"}, ErrGap},
		{"again by one process", []string{"0 7 a => 1", "0 7 a => 1"}, ErrRepeat},
		{"again twice by another", []string{"0 7 a => 1", "0 7 a => 2", "1 8 a => 1", "1 8 a => 1"}, ErrRepeat},
		{"another leaps", []string{"0 7 a => 1", "0 7 a => 2", "0 7 a => 3", "1 8 a => 1", "1 8 a => 3"}, ErrGap},
		{"one comes back", []string{"0 7 a => 1", "1 8 a => 2", "0 7 b => 1"}, ErrOwners},
		{"one is missing", []string{"0 7 a => 1", "0 7 b => 1", "0 7 a => 2"}, ErrGap},
		{"one too many", []string{"0 7 a => 1", "0 7 b => 1", "0 7 a => 2", "0 7 b => 2", "0 7 b => 3"}, ErrUnknown},
		{"a word that was not sent", []string{"0 7 c => 1"}, ErrUnknown},
		{"no process", []string{"0 a => 1"}, ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := judge(NewRestarts(tape), test.lines, 4); !errors.Is(err, test.want) {
				t.Errorf("the audit says %v, want %v", err, test.want)
			}
		})
	}
}

func TestReturnsTellWhenAProcessWentOn(t *testing.T) {
	start := time.Unix(1000, 0)
	r := NewRestarts(NewTape([]string{"a", "b"}, single))
	latency := r.record(Schedule{start: start, interval: float64(time.Second), connections: 1}, 0)
	total := 0
	for second, line := range []string{"7 a => 1\n", "7 b => 1\n", "8 a => 1\n", "8 b => 1\n", "8 a => 2\n", "8 b => 2\n"} {
		_, results, err := r.take(0, []byte(line), start.Add(time.Duration(second)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		total += results
	}
	at := func(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }
	want := []Return{{Process: 7, First: at(0), New: at(0)}, {Process: 8, First: at(2), New: at(4), Again: 2}}
	if got := r.Returns(); len(got) != 2 || got[0] != want[0] || got[1] != want[1] || r.Process() != 8 {
		t.Errorf("the processes were %+v, want %+v", got, want)
	}
	if total != 4 || latency.Count() != 4 || latency.Max().Round(time.Second) != 2*time.Second {
		t.Errorf("%d results, %d with a latency, the longest %v; want 4 and 2 s", total, latency.Count(), latency.Max())
	}
}
