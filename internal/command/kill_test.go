package command

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is how many processes are killed in each language; "make soak" has more.
var kills = flag.Int("kills", 6, "how many processes TestKilled kills, in Python and in Go each")

// victim is a process that is killed now and then.
type victim struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   *capture
	ended chan struct{} // closed when it has ended
}

func startVictim(t *testing.T, command ...string) *victim {
	t.Helper()
	v := &victim{t: t, cmd: exec.Command(command[0], command[1:]...), log: newCapture(), ended: make(chan struct{})}
	v.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	v.cmd.Stderr = theirs
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	go func() { // until all are gone that have the pipe, Python processes too
		defer ours.Close()
		_, _ = io.Copy(v.log, ours)
	}()
	go func() {
		defer close(v.ended)
		_ = v.cmd.Wait()
	}()
	t.Cleanup(v.kill)
	return v
}

// kill kills it, if it has not ended, and returns when it is gone. Its children may not be.
func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	<-v.ended
}

// lives demands that it has not ended by itself.
func (v *victim) lives() {
	v.t.Helper()
	select {
	case <-v.ended:
		v.t.Fatalf("%s ended by itself, %s:\n%s", v.cmd, v.cmd.ProcessState, v.log)
	default:
	}
}

// done demands that it ends with exit code 0, and says how many it took.
func (v *victim) done() {
	v.t.Helper()
	select {
	case <-v.ended:
	case <-time.After(2 * patience):
		v.t.Fatalf("%s does not end:\n%s", v.cmd, v.log)
	}
	if !v.cmd.ProcessState.Success() {
		v.t.Fatalf("%s ended, %s:\n%s", v.cmd, v.cmd.ProcessState, v.log)
	}
}

// keeping is an application with a data directory, its receiver and its senders, all of which may be killed.
type keeping struct {
	t        *testing.T
	chance   *rand.Rand
	language string
	folder   string
	in, out  string // addresses
	inputs   [][]string
	flags    []string

	worker, receiver *victim
	senders          []*victim

	deaths int    // of Python processes since
	newest string // was the last checkpoint
}

const keptSenders = 2

func newKeeping(t *testing.T, language string, seed uint64, lines int) *keeping {
	t.Helper()
	k := &keeping{t: t, chance: rand.New(rand.NewPCG(seed, 5)), language: language, folder: t.TempDir()}
	k.in, k.out = quietAddress(t), quietAddress(t)
	for s := range keptSenders {
		var input []string
		for range lines {
			line := make([]string, 8)
			for w := range line {
				line[w] = fmt.Sprintf("s%d-%d=%d", s, k.chance.IntN(150), k.chance.IntN(1000))
			}
			input = append(input, strings.Join(line, " "))
		}
		k.inputs = append(k.inputs, input)
		if err := os.WriteFile(k.input(s), []byte(strings.Join(input, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	interval := []string{"50ms", "200ms", "1s"}[k.chance.IntN(3)]
	durability := []string{"async", "sync"}[k.chance.IntN(2)]
	k.flags = []string{"--checkpoint-interval", interval, "--durability", durability}
	t.Cleanup(k.tell)
	return k
}

// tell tells what the application says and does, if the test has failed.
func (k *keeping) tell() {
	if k.t.Failed() && k.worker != nil {
		_ = k.worker.cmd.Process.Signal(syscall.SIGQUIT) // it shows its goroutines
		<-k.worker.ended
		k.t.Logf("%s\n%s", k.worker.cmd, k.worker.log)
	}
}

// quietAddress is one that nobody listens at, and that no connection takes by itself: the system gives these other ports.
func quietAddress(t *testing.T) string {
	t.Helper()
	for {
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000)))
		if listener, err := net.Listen("tcp", at); err == nil {
			listener.Close()
			return at
		}
	}
}

func (k *keeping) input(sender int) string { return filepath.Join(k.folder, fmt.Sprint("in", sender)) }
func (k *keeping) output() string          { return filepath.Join(k.folder, "out") }
func (k *keeping) data() string            { return filepath.Join(k.folder, "data") }

// startWorker starts the application, on another number of executors and of partitions.
func (k *keeping) startWorker(own ...string) {
	k.t.Helper()
	command := []string{"wallaroo", "run", filepath.Join("testdata", "apps", "kept.py")}
	if k.language == "go" {
		command = []string{"kept"}
	}
	partitions := []string{"16", "64", "1024"}[k.chance.IntN(3)]
	command = append(command, "--in", k.in, "--out", k.out, "--data-dir", k.data(),
		"--executors", strconv.Itoa(1+k.chance.IntN(4)), "--partitions", partitions)
	k.worker = startVictim(k.t, append(append(command, k.flags...), own...)...)
}

func (k *keeping) startReceiver() {
	k.t.Helper()
	k.receiver = startVictim(k.t, "wallaroo", "receive", "--listen", k.out, "--framing", "resumable", "--output", k.output())
}

// startSender starts a sender: one that sends so many messages a second, or as many as are taken.
func (k *keeping) startSender(n int, rate int) *victim {
	k.t.Helper()
	command := []string{
		"wallaroo", "send", "--to", k.in, "--framing", "resumable", "--stream", fmt.Sprint("s", n), "--file", k.input(n), "--retry", "60s",
	}
	if rate > 0 {
		command = append(command, "--rate", strconv.Itoa(rate))
	}
	return startVictim(k.t, command...)
}

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
	k.checkOutput()
}

// stopWorker has the application end in order.
func (k *keeping) stopWorker() {
	k.t.Helper()
	if err := k.worker.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		k.t.Fatal(err)
	}
	k.worker.done()
}

// totals are what has come of a key: after each of its words, the sum.
type totals map[string][]int

// want is what comes of the inputs.
func (k *keeping) want() totals {
	want := totals{}
	for _, input := range k.inputs {
		for _, line := range input {
			for word := range strings.FieldsSeq(line) {
				key, text, _ := strings.Cut(word, "=")
				number, _ := strconv.Atoi(text)
				sums := want[key]
				if len(sums) > 0 {
					number += sums[len(sums)-1]
				}
				want[key] = append(sums, number)
			}
		}
	}
	return want
}

// checkOutput demands that the output has each result once, those of a key in order.
func (k *keeping) checkOutput() {
	k.t.Helper()
	file, err := os.Open(k.output())
	if err != nil {
		k.t.Fatal(err)
	}
	defer file.Close()
	want, came := k.want(), map[string]int{}
	for text := bufio.NewScanner(file); text.Scan(); {
		var key string
		var count, sum int
		if _, err := fmt.Sscanf(text.Text(), "%s %d %d", &key, &count, &sum); err != nil {
			k.t.Fatalf("%q: %v", text.Text(), err)
		}
		came[key]++
		if count != came[key] || count > len(want[key]) || sum != want[key][count-1] {
			k.t.Fatalf("%q came as number %d of %d", text.Text(), came[key], len(want[key]))
		}
	}
	for key, sums := range want {
		if came[key] != len(sums) {
			k.t.Errorf("%s came %d times; want %d", key, came[key], len(sums))
		}
	}
}
