package command

import (
	"runtime"
	"testing"
)

// TestASmallHeapIsCollectedSeldom looks at how large the heap may become before it is collected again.
func TestASmallHeapIsCollectedSeldom(t *testing.T) {
	next := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NextGC
	}
	t.Setenv("GOGC", "100")
	before := next()
	leaveGarbage()
	if ballast != nil {
		t.Error("GOGC was given, and does not stand")
	}
	t.Setenv("GOGC", "")
	leaveGarbage()
	defer func() { ballast = nil }()
	if after := next(); after < before+ballastBytes {
		t.Errorf("collected at %d bytes before, at %d with ballast", before, after)
	}
	runtime.KeepAlive(ballast)
}
