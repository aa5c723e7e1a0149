package command

import "os"

// ballast is memory that nobody touches, so that it takes none of the machine's. The garbage collector runs when the heap has doubled since
// its last run. A stream processor whose state is small makes garbage quickly on a heap of two or three megabytes, on which the collector
// would run dozens of times a second, and stop the application each time; with the ballast it runs a tenth as often, and a large heap is
// collected as ever. What it costs is garbage: as much as the ballast, at most.
var ballast []byte

const ballastBytes = 32 << 20

// leaveGarbage has the garbage collector run less often on a small heap. GOGC in the environment stands above this.
func leaveGarbage() {
	if os.Getenv("GOGC") == "" {
		ballast = make([]byte, ballastBytes)
	}
}
