package command

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// footprint is what an application takes of the machine.
type footprint struct {
	resident int // bytes, of all its processes
	open     int // file descriptors, of the worker
	files    int // in the data directory
	bytes    int // of these
}

// TestLongRunsStayFlat has applications run for long, with a checkpoint every 100 ms: they take no more in the last third than in the
// second. It needs the length that "make soak" sets.
func TestLongRunsStayFlat(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv(soakTime))
	if err != nil {
		t.Skip("without " + soakTime + " it would be no long run")
	}
	for _, language := range []string{"python", "go"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			const rate = 500
			k := newKeeping(t, language, 1, int(length.Seconds())*rate)
			k.flags = []string{"--checkpoint-interval", "100ms", "--http", "off", "--executors", "2"}
			k.startReceiver()
			k.startWorker()
			for n := range keptSenders {
				k.senders = append(k.senders, k.startSender(n, rate))
			}
			k.worker.log.await(t, "msg=ready")
			k.stayFlat(length)
			for _, sender := range k.senders {
				sender.done()
			}
			k.stopWorker()
			k.receiver.kill()
			k.checkOutput(false)
		})
	}
}

// stayFlat looks at what the application takes, a hundred times, and compares the most in the last two thirds.
func (k *keeping) stayFlat(length time.Duration) {
	k.t.Helper()
	var list []footprint
	for range 99 {
		<-time.After(length / 100)
		k.worker.lives()
		list = append(list, k.footprint())
	}
	first, second, last := most(list[:33]), most(list[33:66]), most(list[66:])
	k.t.Logf("most in the thirds: %+v, %+v, %+v", first, second, last)
	if last.resident > second.resident*5/4+16<<20 {
		k.t.Errorf("memory grows from %d to %d bytes", second.resident, last.resident)
	}
	if last.open > second.open+8 {
		k.t.Errorf("%d descriptors are open after %d", last.open, second.open)
	}
	if last.files > second.files*5/4+8 || last.bytes > second.bytes*5/4+128<<20 { // two segments of the journal, full or not
		k.t.Errorf("the data directory grows from %+v to %+v", second, last)
	}
}

// most is the most of each.
func most(list []footprint) (m footprint) {
	for _, f := range list {
		m.resident, m.open = max(m.resident, f.resident), max(m.open, f.open)
		m.files, m.bytes = max(m.files, f.files), max(m.bytes, f.bytes)
	}
	return m
}

func (k *keeping) footprint() (f footprint) {
	k.t.Helper()
	worker := k.worker.cmd.Process.Pid
	for _, id := range append(childrenOf(k.t, worker), worker) {
		f.resident += resident(k.t, id)
	}
	descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", worker))
	if err != nil {
		k.t.Fatal(err)
	}
	f.open = len(descriptors)
	err = filepath.WalkDir(k.data, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return ignoreGone(err)
		}
		info, err := entry.Info()
		if err == nil {
			f.files++
			f.bytes += int(info.Size())
		}
		return ignoreGone(err)
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return f
}

// ignoreGone is the error unless it is of a file that was removed meanwhile.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// resident is how much memory a process has, in bytes.
func resident(t *testing.T, id int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", id))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
