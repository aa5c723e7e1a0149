package command

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is how many processes are killed in each language; "make soak" has more.
var kills = flag.Int("kills", 6, "how many processes TestKilled kills, in Python and in Go each")

// killedRate is how many messages a second a sender sends while processes are killed.
const killedRate = 1000

// strike kills some of the processes, and starts again what does not start by itself.
func (k *keeping) strike() (what string) {
	k.t.Helper()
	k.worker.lives()
	switch chance := k.chance.IntN(10); {
	case chance < 3:
		k.worker.kill()
		k.startWorker("--http", "off")
		return "worker"
	case chance < 4: // while it goes on from what is kept
		for range 1 + k.chance.IntN(3) {
			k.worker.kill()
			k.startWorker("--http", "off")
			k.pause(300)
		}
		return "worker, and again"
	case chance < 5 && k.killPython():
		return "python"
	case chance < 6 && k.killPython(): // while it starts again
		for range 1 + k.chance.IntN(3) {
			k.pause(300)
			k.killPython()
		}
		return "python, and again"
	case chance < 7 && k.killPython():
		k.pause(300)
		k.worker.lives()
		k.worker.kill()
		k.startWorker("--http", "off")
		return "python, and worker"
	case chance < 8:
		k.receiver.lives()
		k.receiver.kill()
		k.startReceiver()
		return "receiver"
	default:
		n := k.chance.IntN(keptSenders)
		k.senders[n].kill()
		k.senders[n] = k.startSender(n, killedRate)
		return "sender"
	}
}

// mostDeaths is how many Python processes are killed without a checkpoint between them: an application gives up after ten.
const mostDeaths = 8

// killPython kills a Python process, if there are some that have begun to process, and not too many have died.
func (k *keeping) killPython() bool {
	k.t.Helper()
	if k.language != "python" || !strings.Contains(k.worker.log.String(), "msg=ready") {
		return false
	}
	if newest := slices.Max(append(glob(k.t, filepath.Join(k.data(), "checkpoints", "manifests"), "*"), "")); newest != k.newest {
		k.newest, k.deaths = newest, 0
	}
	if k.deaths++; k.deaths > mostDeaths {
		return false
	}
	children := childrenOf(k.t, k.worker.cmd.Process.Pid)
	if len(children) == 0 {
		return false
	}
	_ = syscall.Kill(children[k.chance.IntN(len(children))], syscall.SIGKILL) // it may be gone
	return true
}

// pause lets some milliseconds pass at most: the moments of a kill are random.
func (k *keeping) pause(most int) { time.Sleep(time.Duration(k.chance.IntN(most)) * time.Millisecond) }

// TestKilled kills processes of an application with checkpoints, under load: nothing that was accepted is lost, and nothing counts twice.
func TestKilled(t *testing.T) {
	for _, language := range []string{"python", "go"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for left := *kills; left > 0 && !t.Failed(); {
				some := min(left, 12)
				left -= some
				seed := uint64(left)
				if *kills > 100 {
					seed = rand.Uint64N(1 << 32)
				}
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { killUnderLoad(t, language, seed, some) })
			}
		})
	}
}

func killUnderLoad(t *testing.T, language string, seed uint64, kills int) {
	t.Helper()
	k := newKeeping(t, language, seed, kills*killedRate)
	t.Log(k.flags)
	k.startReceiver()
	k.startWorker("--http", "off")
	for n := range keptSenders {
		k.senders = append(k.senders, k.startSender(n, killedRate))
	}
	k.worker.log.await(t, "msg=ready")
	for range kills {
		k.pause(800)
		t.Log("killed: ", k.strike())
	}
	for n := range keptSenders {
		k.senders[n].kill()
		k.senders[n] = k.startSender(n, 0)
	}
	for _, sender := range k.senders {
		sender.done()
	}
	k.worker.lives()
	k.stopWorker()
	k.receiver.lives()
	k.receiver.kill()
	k.checkOutput(false)
}

// TestPlainConnectionsAreKilled has senders and receivers that know nothing of it all: a sender goes on behind what counts as accepted. State
// counts each message once, and output comes again, at most, from behind some result on.
func TestPlainConnectionsAreKilled(t *testing.T) {
	for _, language := range []string{"python", "go"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			killPlainly(t, language, *kills/2)
		})
	}
}

func killPlainly(t *testing.T, language string, kills int) {
	t.Helper()
	k := newKeeping(t, language, rand.Uint64N(1<<32), kills*killedRate)
	all := slices.Concat(k.inputs...)
	results := newPlainReceiver(t, k.out)
	http := quietAddress(t)
	for left := kills; ; left-- {
		k.startWorker("--http", http, "--", "plain")
		k.worker.log.await(t, "msg=ready")
		accepted := acceptedBy(t, http)
		t.Logf("%d of %d messages are accepted", accepted, len(all))
		if left <= 0 {
			sendPlainly(t, k.in, all[accepted:], 0)
			break
		}
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			sendPlainly(t, k.in, all[accepted:], killedRate)
		}()
		k.pause(1000)
		if left%3 == 0 && k.killPython() {
			k.pause(1000)
		}
		k.worker.lives()
		k.worker.kill()
		<-sent
	}
	k.stopWorker()
	k.worker.log.await(t, fmt.Sprintf("msg=stopped accepted=%d ", len(all)))
	k.check(results.lines(), true)
}

// TestAReceiverThatHasCountedIsNotSentAgain loses the last checkpoint of an application whose receiver has counted what is in front of it.
func TestAReceiverThatHasCountedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	k := newKeeping(t, "go", 1, 2000)
	k.flags = []string{"--checkpoint-interval", "50ms", "--http", "off"}
	k.startReceiver()
	k.startWorker()
	k.startSender(0, 10_000).done()
	k.stopWorker()
	objects := glob(t, filepath.Join(k.data(), "checkpoints", "objects"), "*")
	if err := os.Remove(slices.Max(objects)); err != nil {
		t.Fatal(err)
	}
	k.startWorker()
	if <-k.worker.ended; k.worker.cmd.ProcessState.ExitCode() != exitUsage {
		t.Errorf("it ends with exit code %d:\n%s", k.worker.cmd.ProcessState.ExitCode(), k.worker.log)
	}
	k.worker.log.await(t, `a receiver may have counted what came before it: --accept-repeats goes on from an older one`)
	k.startWorker("--accept-repeats")
	k.startSender(1, 0).done()
	k.stopWorker()
	k.worker.log.await(t, `an older one is used`)
	k.receiver.kill()
	k.checkOutput(true)
}
