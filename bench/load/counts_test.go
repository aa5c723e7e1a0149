package load

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCountsJudgesLines(t *testing.T) {
	tape := NewTape([]string{"a b a", "b a"}, strings.Fields) // a 3 times, b twice
	for _, test := range []struct {
		name  string
		lines []string // each "CONNECTION LINE"
		want  error
	}{
		{"right", []string{"0 a => 1", "0 b => 1", "0 a => 2", "0 b => 2", "0 a => 3"}, nil},
		{"right over two connections", []string{"0 b => 1", "1 a => 2", "0 a => 1", "1 b => 2", "1 a => 3"}, nil},
		{"one missing in the middle", []string{"0 a => 1", "0 a => 3"}, ErrGap},
		{"the last one missing", []string{"0 a => 1", "0 b => 1", "0 a => 2", "0 b => 2"}, ErrGap},
		{"a word missing", []string{"0 a => 1", "0 a => 2", "0 a => 3"}, ErrGap},
		{"missing on two connections", []string{"0 b => 1", "1 a => 2", "1 a => 3", "0 b => 2"}, ErrGap},
		{"again", []string{"0 a => 1", "0 a => 1"}, ErrRepeat},
		{"again on another connection", []string{"0 a => 1", "1 a => 3", "0 a => 3"}, ErrRepeat},
		{"disorder on one of two connections", []string{"0 b => 1", "1 a => 3", "1 a => 2"}, ErrDisorder},
		{"one too many", []string{"0 b => 1", "0 b => 2", "0 b => 3", "0 a => 1", "0 a => 2", "0 a => 3"}, ErrUnknown},
		{"a word that was not sent", []string{"0 c => 1"}, ErrUnknown},
		{"no number", []string{"0 a => "}, ErrMalformed},
		{"number 0", []string{"0 a => 0"}, ErrMalformed},
		{"no arrow", []string{"0 a 1"}, ErrMalformed},
		{"an empty line", []string{"0 "}, ErrMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := judge(Counts(tape), test.lines, 2); !errors.Is(err, test.want) {
				t.Errorf("the audit says %v, want %v", err, test.want)
			}
		})
	}
}

// judge returns what an audit says of lines, or at the end of them.
func judge(audit Audit, lines []string, frames int) error {
	for _, line := range lines {
		connection, text, _ := strings.Cut(line, " ")
		if _, _, err := audit.take(int(connection[0]-'0'), []byte(text+"\n"), time.Time{}); err != nil {
			return err
		}
	}
	return audit.complete(frames)
}

func TestCountsTakesWholeLines(t *testing.T) {
	audit := Counts(NewTape([]string{"a a"}, strings.Fields))
	taken, lines, err := audit.take(0, []byte("a => 1\na => 2"), time.Time{})
	if taken != 7 || lines != 1 || err != nil {
		t.Errorf("took %d bytes, %d lines, %v; want 7, 1 and no error", taken, lines, err)
	}
}

func TestLatencyCountsFromWhenTheFrameWasDue(t *testing.T) {
	start := time.Unix(1000, 0)
	audit := Counts(NewTape([]string{"a", "b a"}, strings.Fields))
	latency := audit.record(Schedule{start: start, interval: float64(time.Second), connections: 1}, 1)
	// Frames 0 to 2 are due at 0, 1 and 2 s; the first does not count.
	for _, result := range []struct {
		line    string
		arrived time.Duration
	}{
		{"a => 1\n", 900 * time.Millisecond},
		{"b => 1\n", 1250 * time.Millisecond},
		{"a => 2\n", 1500 * time.Millisecond},
		{"a => 3\n", 3 * time.Second},
	} {
		if _, _, err := audit.take(0, []byte(result.line), start.Add(result.arrived)); err != nil {
			t.Fatal(err)
		}
	}
	if latency.Count() != 3 {
		t.Errorf("%d latencies, want 3", latency.Count())
	}
	for percentile, want := range map[float64]time.Duration{30: 250 * time.Millisecond, 60: 500 * time.Millisecond, 100: time.Second} {
		if got := latency.Percentile(percentile); (got - want).Abs() > want/100 {
			t.Errorf("percentile %v is %v, want %v", percentile, got, want)
		}
	}
}

func BenchmarkCounts(b *testing.B) {
	tape := RandomTapes(1, 1, DefaultShape)[0]
	audit := Counts(tape)
	schedule := Schedule{start: time.Now(), interval: 1, connections: 1}
	audit.record(schedule, 0)
	data := countLines(tape, b.N/DefaultShape.Words+1)
	b.ReportAllocs()
	b.ResetTimer()
	if _, lines, err := audit.take(0, data, time.Now()); err != nil || lines < b.N {
		b.Fatal(lines, err)
	}
}
