// Package notation writes numbers as people read them.
package notation

import (
	"fmt"
	"strconv"
	"time"
)

// Grouped writes a whole number with a comma before each three digits: 12,345.
func Grouped(number int) string {
	digits := strconv.Itoa(number)
	start := 0
	if number < 0 {
		start = 1
	}
	for i := len(digits) - 3; i > start; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Duration writes a duration with about three figures: 87 µs, 2.31 ms, 145 ms, 1.20 s.
func Duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.3g ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
