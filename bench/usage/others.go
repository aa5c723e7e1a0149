package usage

import (
	"os"
	"runtime"
	"time"
)

// Others runs work and returns which share of all processors' time others than this process and its descendants took meanwhile. An error of
// work is returned as it is.
func Others(work func() error) (share float64, err error) {
	before, err := Now()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := work(); err != nil {
		return 0, err
	}
	elapsed := time.Since(began)
	after, err := Now()
	if err != nil {
		return 0, err
	}
	own := after.Tree(os.Getpid()) - before.Tree(os.Getpid())
	others := after.Total() - before.Total() - own
	return others.Seconds() / (elapsed.Seconds() * float64(runtime.NumCPU())), nil
}
