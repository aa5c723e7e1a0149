package application

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestATallyTellsOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []int
		counted := tally{tell: func(n int) { told = append(told, n) }}
		counted.add(0)
		for range 20 {
			counted.add(5)
			time.Sleep(50 * time.Millisecond) // of the test's own clock
		}
		synctest.Wait()
		counted.add(3)
		counted.finish()
		counted.finish()
		time.Sleep(time.Minute)
		if want := []int{100, 3}; !slices.Equal(told, want) {
			t.Errorf("told %v; want %v", told, want)
		}
	})
}
