package command

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/datadir"
)

// soakTime is how long TestWordsAreCountedOnceInChaos goes on, in rounds of its usual length; "make soak" sets it.
const soakTime = "WALLAROO_SOAK"

// TestWordsAreCountedOnceInChaos counts words over four connections on four executors, while markers come every 10 ms, two fifths of the
// partitions move at each, edges have a credit of one, and the number of executors changes. Every count is audited.
func TestWordsAreCountedOnceInChaos(t *testing.T) {
	t.Parallel()
	length, err := time.ParseDuration(os.Getenv(soakTime))
	if err != nil && os.Getenv(soakTime) != "" {
		t.Fatalf("%s: %v", soakTime, err)
	}
	until := time.Now().Add(length)
	for round := uint64(1); round == 1 || time.Now().Before(until); round++ {
		seed := round
		if length > 0 {
			seed = rand.Uint64N(1 << 32)
		}
		t.Logf("round %d, seed %d", round, seed)
		countInChaos(t, seed)
		if t.Failed() {
			return
		}
	}
}

func countInChaos(t *testing.T, seed uint64) {
	t.Helper()
	const connections, lineCount, words = 4, 250, 8
	at := net.JoinHostPort("127.0.0.1", freePort(t))
	chaos := fmt.Sprintf("markers=10ms,credit=1,moves=0.4,seed=%d", seed)
	data := t.TempDir()
	p := startApplication(t, "wallaroo", "words.py", "--executors", "4", "--chaos", chaos, "--http", at, "--data-dir", data)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.stderr)
		}
	})
	out := p.accept()
	want := map[string]int{}
	var senders sync.WaitGroup
	for c := range connections {
		chance := rand.New(rand.NewPCG(seed, uint64(c)))
		var lines []string
		for range lineCount {
			line := make([]string, words)
			for w := range line {
				line[w] = fmt.Sprint("word", chance.IntN(300))
				want[line[w]]++
			}
			lines = append(lines, strings.Join(line, " "))
		}
		conn := p.dial()
		senders.Go(func() {
			send(t, conn, lines...)
			conn.Close()
		})
	}
	resized := make(chan error, 1)
	go func() { resized <- resizeAll(at, data, 2, 5, 4) }()
	got := map[string]int{}
	for _, line := range lines(t, out, connections*lineCount*words) {
		word, count, _ := strings.Cut(line, " => ")
		got[word]++
		if count != strconv.Itoa(got[word]) {
			t.Fatalf("seed %d: %s came as number %d", seed, line, got[word])
		}
	}
	senders.Wait()
	for word, n := range want {
		if got[word] != n {
			t.Errorf("seed %d: %s came %d times; want %d", seed, word, got[word], n)
		}
	}
	if err := <-resized; err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	checkDisturbed(t, at)
	p.signal(syscall.SIGTERM)
	if code := p.exitCode(); code != 0 {
		t.Errorf("seed %d: exit code %d", seed, code)
	}
}

// resizeAll changes the number of executors of an application with a data directory, one change after another.
func resizeAll(at, data string, numbers ...int) error {
	to, err := address.Parse(at)
	if err != nil {
		return err
	}
	key, err := datadir.ReadKey(datadir.Key(data))
	if err != nil {
		return err
	}
	client := control.NewClient(to, key)
	defer client.Close()
	for _, n := range numbers {
		if _, err := client.Resize(context.Background(), n); err != nil {
			return fmt.Errorf("to %d executors: %w", n, err)
		}
	}
	return nil
}

// checkDisturbed demands that /metrics shows markers and moves: without them, nothing would have been tested.
func checkDisturbed(t *testing.T, at string) {
	t.Helper()
	answer, err := http.Get("http://" + at + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"wallaroo_markers_total", "wallaroo_partitions_moved_total"} {
		found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
		if found == nil {
			t.Fatalf("no %s in\n%s", name, text)
		}
		if n, err := strconv.ParseFloat(string(found[1]), 64); err != nil || n < 10 {
			t.Errorf("%s is %s", name, found[1])
		}
	}
}
