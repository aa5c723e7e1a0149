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
var kills = flag.Int("kills", 7, "how many processes TestKilled kills, in Python and in Go each")

// killedRate is how many messages a second a sender sends while processes are killed.
const killedRate = 1000

// strikes are what is killed, and started again if it does not start by itself.
var strikes = []struct {
	what string
	kill func(k *keeping)
}{
	{"worker", (*keeping).killWorker},
	{"worker, and again", func(k *keeping) { // while it goes on from what is kept
		for range 2 + k.chance.IntN(3) {
			k.killWorker()
			k.pause(300)
		}
	}},
	{"python", (*keeping).killPython},
	{"python, and again", func(k *keeping) { // while it starts again
		for range 2 + k.chance.IntN(3) {
			k.killPython()
			k.pause(300)
		}
	}},
	{"python, and worker", func(k *keeping) {
		k.killPython()
		k.pause(300)
		k.killWorker()
	}},
	{"receiver", func(k *keeping) {
		k.receiver.lives()
		k.receiver.kill()
		k.startReceiver()
	}},
	{"sender", func(k *keeping) {
		n := k.chance.IntN(keptSenders)
		k.senders[n].kill()
		k.senders[n] = k.startSender(n, killedRate)
	}},
}

func (k *keeping) killWorker() {
	k.t.Helper()
	k.worker.lives()
	k.worker.kill()
	k.startWorker("--http", "off")
}

// mostDeaths is how many Python processes are killed without a checkpoint between them: an application gives up after ten.
const mostDeaths = 8

// killPython kills a Python process, if there are some that have begun to process, and not too many have died.
func (k *keeping) killPython() {
	k.t.Helper()
	k.worker.lives()
	if k.language != "python" || !strings.Contains(k.worker.log.String(), "msg=ready") {
		return
	}
	if newest := slices.Max(append(glob(k.t, filepath.Join(k.data, "checkpoints", "manifests"), "*"), "")); newest != k.newest {
		k.newest, k.deaths = newest, 0
	}
	if k.deaths++; k.deaths > mostDeaths {
		return
	}
	if children := childrenOf(k.t, k.worker.cmd.Process.Pid); len(children) > 0 {
		_ = syscall.Kill(children[k.chance.IntN(len(children))], syscall.SIGKILL) // it may be gone
	}
}

// pause lets some milliseconds pass at most: the moments of a kill are random.
func (k *keeping) pause(most int) {
	<-time.After(time.Duration(k.chance.IntN(most)) * time.Millisecond)
}

// TestKilled kills processes of an application with checkpoints, under load: nothing that was accepted is lost, and nothing counts twice.
func TestKilled(t *testing.T) {
	for _, language := range []string{"python", "go"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for left := *kills; left > 0 && !t.Failed(); {
				some := min(left, 14)
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
	var order []int
	for range kills {
		if len(order) == 0 {
			order = k.chance.Perm(len(strikes))
		}
		k.pause(800)
		strike := strikes[order[0]]
		t.Log("killed: ", strike.what)
		strike.kill(k)
		order = order[1:]
	}
	k.worker.lives()
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

// TestPlainConnectionsAreKilled has senders and receivers that know nothing of it all: a sender goes on behind what counts as accepted.
// State counts each message once, and output comes again, at most, from behind some result on.
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
	k.inputs = nil
	results := newPlainReceiver(t, k.out)
	http := quietAddress(t)
	before := 0 // messages that earlier lives have accepted
	for life := 0; ; life++ {
		k.startWorker("--http", http, "--", "plain")
		k.worker.log.await(t, "msg=ready")
		accepted := acceptedBy(t, http)
		t.Logf("%d of %d messages are accepted", accepted, len(all))
		if life > 0 {
			k.inputs = append(k.inputs, ofLife(life-1, all[before:accepted]))
		}
		before = accepted
		rest := ofLife(life, all[accepted:])
		if life == kills {
			sendPlainly(t, k.in, rest, 0)
			k.inputs = append(k.inputs, rest)
			break
		}
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			sendPlainly(t, k.in, rest, killedRate)
		}()
		k.pause(1000)
		if life%3 == 0 {
			k.killPython()
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

// ofLife are messages whose keys no other life of an application has: messages of several connections are in no order.
func ofLife(life int, messages []string) (own []string) {
	for _, m := range messages {
		own = append(own, strings.ReplaceAll(m, "s", fmt.Sprint("life", life, "-")))
	}
	return own
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
	objects := glob(t, filepath.Join(k.data, "checkpoints", "objects"), "*")
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
	k.worker.log.await(t, `an older checkpoint is used`)
	k.receiver.kill()
	k.checkOutput(true)
}
