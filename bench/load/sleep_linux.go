package load

import (
	"syscall"
	"time"
)

const (
	prSetTimerSlack  = 29 // PR_SET_TIMERSLACK of prctl(2)
	leastSlack       = 1  // nanoseconds
	slackOfTheThread = 0  // sets it back
)

// sleep lets the thread sleep, or less long if a signal comes. The runtime's own timers are of no use here: a program that has nothing
// else to do waits for them in whole milliseconds.
func sleep(d time.Duration) {
	span := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&span, nil) // The only possible error is the signal.
}

// sharpenSleep takes from the thread's sleep the 50 microseconds that the kernel otherwise adds to wake up less often, until restore is
// called.
func sharpenSleep() (restore func()) {
	setTimerSlack(leastSlack)
	return func() { setTimerSlack(slackOfTheThread) }
}

// setTimerSlack makes an error no matter: the sleep is then only less sharp.
func setTimerSlack(nanoseconds uintptr) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, nanoseconds, 0)
}
