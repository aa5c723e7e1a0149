package application

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/datadir"
	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/logging"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// TestTheLogTellsChangesOfExecutors asks an application by HTTP for changes, the second of which is refused.
func TestTheLogTellsChangesOfExecutors(t *testing.T) {
	defer goleak.VerifyNone(t)
	receiver, l := receive(t), newLog()
	stop, stopped := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	o := options(l, wordCount, "--in", ":0", "--out", receiver.Addr().String())
	o.DataDir, o.DeadLetters = t.TempDir(), deadletters.Least
	var employed []int
	o.Employed = func(executors int) { employed = append(employed, executors) }
	go func() { ended <- Run(context.Background(), stop, o) }()
	at, err := address.Parse(l.await(t, `msg=ready .* http=(127\S*)`)[1])
	if err != nil {
		t.Fatal(err)
	}
	key, err := datadir.ReadKey(datadir.Key(o.DataDir))
	if err != nil {
		t.Fatal(err)
	}
	client := control.NewClient(at, key)
	if _, err := client.Resize(t.Context(), 3); err != nil {
		t.Error(err)
	}
	l.await(t, `level=INFO msg="changing executors" from=2 to=3\n`+
		`.*level=INFO msg="executors changed" from=2 to=3 partitions_moved=21 entities_moved=[1-9]\d* markers=\d+ longest_wait=\S+ took=\S+\n`)
	if _, err := client.Resize(t.Context(), 65); err == nil {
		t.Error("there are as many executors as partitions, and one more")
	}
	l.await(t, `level=WARN msg="executors not changed" to=65 error="65 is not a number from 1 to 64, the number of partitions"\n`)
	client.Close()
	stopped()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(employed) != 2 || employed[0] != 2 || employed[1] != 3 {
		t.Errorf("employed %d", employed)
	}
}

func TestTheLogTellsMarkersWhenItIsToldAll(t *testing.T) {
	for _, form := range []logging.Options{{JSON: true, Level: -4}, {JSON: true}} {
		l := newLog()
		r := &reporter{options: Options{Log: logging.New(l, form)}}
		r.Marked(worker.Marked{Marker: 7, Partitions: 2, Entities: 26, LongestWait: 12400 * time.Microsecond})
		r.Resized(worker.Resized{After: 3}, errors.New("no python"))
		told := l.text.String()
		all := strings.Contains(told, `"msg":"marker passed","marker":7,"partitions_moved":2,"entities_moved":26,"longest_wait_seconds":0.0124}`)
		if all != (form.Level < 0) || !strings.Contains(told, `"level":"WARN","msg":"executors not changed","to":3,"error":"no python"`) {
			t.Errorf("at level %s: %s", form.Level, told)
		}
	}
}
