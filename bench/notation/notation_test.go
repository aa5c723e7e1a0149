package notation_test

import (
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/notation"
)

func TestGrouped(t *testing.T) {
	for number, want := range map[int]string{
		0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567", -123: "-123", -1234: "-1,234",
	} {
		if got := notation.Grouped(number); got != want {
			t.Errorf("Grouped(%d) = %s, want %s", number, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		87_600 * time.Nanosecond:  "87 µs",
		2310 * time.Microsecond:   "2.31 ms",
		1_456 * time.Microsecond:  "1.46 ms",
		14_560 * time.Microsecond: "14.6 ms",
		145 * time.Millisecond:    "145 ms",
		1200 * time.Millisecond:   "1.20 s",
	} {
		if got := notation.Duration(d); got != want {
			t.Errorf("Duration(%d) = %s, want %s", d, got, want)
		}
	}
}
