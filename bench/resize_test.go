package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/wallaroo-stream/wallaroo/bench/load"
)

// defect tells the count of keys in Go what to do wrong, through the environment.
const defect = "BENCH_TEST_DEFECT"

// token is what a change must show.
const token = "of-a-test"

// beside is how many messages the count of keys in Go takes before and after it has changed the number of executors.
const beside = 50

// keyCounting is the count of keys in Go. It says of every second key that another process counts it while there are two executors.
type keyCounting struct {
	source    net.Listener
	sink      net.Conn
	executors atomic.Int64
	counted   chan struct{} // offers each message that has been counted to whoever waits for one
}

// countKeys stands in for `wallaroo run key_count.py --in … --out H:P --executors N --http … --data-dir DIR`, and returns its exit code.
func countKeys(args []string) (code int) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	if err := countKeysUntil(terminated, args[6], args[8], args[slices.Index(args, "--data-dir")+1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func countKeysUntil(terminated <-chan os.Signal, out, executors, data string) (err error) {
	c := &keyCounting{counted: make(chan struct{})}
	if err := os.WriteFile(filepath.Join(data, tokenFile), []byte(token+"\n"), 0o600); err != nil {
		return err
	}
	first, err := strconv.Atoi(executors)
	if err != nil {
		return err
	}
	c.executors.Store(int64(first))
	if c.source, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	if c.sink, err = net.Dial("tcp", out); err != nil {
		return err
	}
	api := httptest.NewServer(c)
	defer api.Close()
	ended := make(chan error, 1)
	go func() { ended <- c.count() }()
	fmt.Fprintf(os.Stderr, "level=INFO msg=ready sources=\"keys=%s\" http=%s\n", c.source.Addr(), api.Listener.Addr())
	<-terminated
	return <-ended
}

// ServeHTTP changes the number of executors while messages are counted.
func (c *keyCounting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var wish struct{ Executors int64 }
	err := json.NewDecoder(r.Body).Decode(&wish)
	asked := r.URL.Path == executorsPath && r.Header.Get("Content-Type") == jsonMediaType && r.Header.Get("Authorization") == "Bearer "+token
	if err != nil || !asked {
		http.Error(w, fmt.Sprint("this is no wish: ", err), http.StatusBadRequest)
		return
	}
	if os.Getenv(defect) == "refuse" {
		http.Error(w, `{"error":"not now"}`, http.StatusServiceUnavailable)
		return
	}
	c.await(beside)
	before := c.executors.Swap(wish.Executors)
	c.await(beside)
	fmt.Fprintf(w, `{"before":%d,"after":%d,"partitions_moved":512,"longest_wait_seconds":0.004}`, before, wish.Executors)
}

// await returns when so many messages more have been counted.
func (c *keyCounting) await(messages int) {
	for range messages {
		<-c.counted
	}
}

// count counts the keys of one connection until it ends.
func (c *keyCounting) count() error {
	defer c.sink.Close()
	connection, err := c.source.Accept()
	if err != nil {
		return err
	}
	reader := bufio.NewReader(connection)
	counts := map[string]int{}
	for {
		var length uint32
		if err := binary.Read(reader, binary.BigEndian, &length); errors.Is(err, io.EOF) {
			return nil
		}
		key := make([]byte, length)
		if _, err := io.ReadFull(reader, key); err != nil {
			return err
		}
		process := 1
		if c.executors.Load() == 2 && key[0]%2 == 0 {
			process = 2
		}
		counts[string(key)]++
		if process == 2 && os.Getenv(defect) == "forget" {
			counts[string(key)] = 1
		}
		if _, err := fmt.Fprintf(c.sink, "%d %s => %d\n", process, key, counts[string(key)]); err != nil {
			return err
		}
		select {
		case c.counted <- struct{}{}:
		default:
		}
	}
}

func TestWhatIsWrongInAChangeIsAnError(t *testing.T) {
	for how, want := range map[string]string{
		"forget": load.ErrRepeat.Error(),
		"refuse": `ask for 2 executors: 503 Service Unavailable: {"error":"not now"}`,
	} {
		t.Run(how, func(t *testing.T) {
			b := newBench(t)
			t.Setenv(defect, how)
			if _, err := measureResize(2)(t.Context(), b, keyCount(1, checkpointing)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want %q", err, want)
			}
		})
	}
}

func TestAnswersThatTheKeysDoNotBear(t *testing.T) {
	latency := func() *load.Latency {
		r, err := load.Listen(load.NewMoves(load.KeyTape(seed, 1)))
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		return r.Record(load.Schedule{}, 0)
	}
	for name, c := range map[string]struct {
		done  change
		waits load.Waits
		want  string
	}{
		"a process more":  {change{Before: 1, After: 2, PartitionsMoved: 9}, load.Waits{First: 1, Last: 1}, "1 processes counted before"},
		"no key moved":    {change{Before: 1, After: 2, PartitionsMoved: 9}, load.Waits{First: 1, Last: 2}, "0 keys of 9 partitions"},
		"no partition":    {change{Before: 1, After: 2}, load.Waits{First: 1, Last: 2, Keys: 7}, "7 keys of 0 partitions"},
		"nothing came by": {change{Before: 1, After: 2, PartitionsMoved: 9}, load.Waits{First: 1, Last: 2, Keys: 7}, "no messages came"},
	} {
		c.waits.Before, c.waits.After, c.waits.Moved, c.waits.Stayed = latency(), latency(), latency(), latency()
		if _, err := readingOf(c.done, c.waits); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, c.want)
		}
	}
}
