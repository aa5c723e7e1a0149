package command

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestASignalSentTwiceIsOne sends them as timeout(1) does, and later once more.
func TestASignalSentTwiceIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		go func() {
			time.Sleep(2 * time.Millisecond)
			signals <- syscall.SIGTERM
			time.Sleep(time.Second)
			signals <- syscall.SIGINT
		}()
		if again := second(signals); again != syscall.SIGINT {
			t.Errorf("ended by %v", again)
		}
	})
}
