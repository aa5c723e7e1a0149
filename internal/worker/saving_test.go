package worker

import (
	"testing"
	"time"
)

// TestWhatIsEncodedAheadIsSpentToo as if a slice had encoded it.
func TestWhatIsEncodedAheadIsSpentToo(t *testing.T) {
	var l loop
	var to saved
	for range 2 {
		l.saving.gave(&Event{Saved: make([]byte, 1000), Ahead: 3 * time.Millisecond}, &to)
		l.saved(&call{output: 1000}, time.Millisecond)
	}
	if s := &l.saving; s.spent != 8*time.Millisecond || s.due != -8*time.Millisecond || l.perSaved != 4000 {
		t.Errorf("spent %v, due %v, %v ns a byte", s.spent, s.due, l.perSaved)
	}
	l.saved(&call{}, time.Second)
	if s := &l.saving; s.spent != 1008*time.Millisecond || s.due != -mostDue {
		t.Errorf("spent %v, due %v", s.spent, s.due)
	}
}
