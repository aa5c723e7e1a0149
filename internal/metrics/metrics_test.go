package metrics

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// known is an application of two pipelines, one without a sink, and figures in which no two values are the same by chance.
func known() (Snapshot, bool) {
	p := &plan.Plan{Steps: []plan.Step{
		{Pipeline: "words", Name: "source", Kind: plan.Source},
		{Pipeline: "words", Name: "split", Kind: plan.Computation},
		{Pipeline: "words", Name: "count", Kind: plan.StateComputation, Key: "by_word"},
		{Pipeline: "words", Name: "sink", Kind: plan.Sink},
		{Pipeline: "log", Name: "source", Kind: plan.Source},
		{Pipeline: "log", Name: "keep", Kind: plan.Computation},
	}}
	latency := worker.Latencies{Sum: 1500 * time.Millisecond}
	latency.Counts[0], latency.Counts[3], latency.Counts[len(latency.Counts)-1] = 640, 9, 1
	seconds := func(numbers ...int) (list []time.Duration) {
		for _, n := range numbers {
			list = append(list, time.Duration(n)*time.Second)
		}
		return list
	}
	return Snapshot{
		Kept: knownKept, Plan: p, Letters: knownLetters, Connected: []bool{true},
		Executors: []worker.ExecutorFigures{
			{
				Partitions: 600, Waiting: 4096, Queued: 11, OutOfRoom: 1,
				Spent: worker.Spent{
					Busy: 51 * time.Second, Waiting: 52 * time.Second, Held: 53 * time.Second, Sinks: seconds(54), Exchange: 55 * time.Second,
				},
			},
			{Partitions: 424, Queued: 12, Spent: worker.Spent{Busy: 61 * time.Second, Sinks: seconds(62)}},
		},
		Busy: seconds(71, 72, 73),
		Edges: []worker.EdgeFigures{
			{
				Source: 1, From: -1, Sink: -1, To: 0, Stage: 2,
				Total: worker.Traffic{Messages: 81, Bytes: 82}, Queued: worker.Credit{Messages: 83, Bytes: 84},
				Limit: worker.Credit{Messages: 85, Bytes: 86},
			},
			{
				Source: -1, From: 1, Sink: -1, To: 0, Stage: 1,
				Total: worker.Traffic{Messages: 91, Bytes: 92}, Queued: worker.Credit{Messages: 93, Bytes: 94},
				Limit: worker.Credit{Messages: 95, Bytes: 96},
			},
			{Source: -1, From: 1, Sink: 0, To: -1, Stage: -1, Limit: worker.Credit{Messages: math.MaxInt, Bytes: 97}},
		},
		Processed: 990,
		Failures:  map[string]uint64{"words/count": 3, "words/count key": 2, "log/\xff": 1},
		Alignment: worker.Durations{Count: 80, Sum: 1600 * time.Millisecond, Longest: 90 * time.Millisecond},
		Moved: worker.Moved{
			Markers: 40, Partitions: 512,
			Waits: worker.Durations{Count: 512, Sum: 2500 * time.Millisecond, Longest: 12 * time.Millisecond},
		},
		Sources: []worker.SourceFigures{
			{Connections: 2, Accepted: worker.Traffic{Messages: 1000, Bytes: 20000}, Refused: 5},
			{Accepted: worker.Traffic{Messages: 7, Bytes: 70}},
		},
		Sinks: []worker.SinkFigures{{
			Outputs: worker.Traffic{Messages: 700, Bytes: 9000}, Delivered: worker.Traffic{Messages: 650, Bytes: 8500}, Undelivered: 50,
			Latency: latency,
		}},
		Steps: []uint64{0, 1000, 0, 0, 0, 6},
	}, true
}

var knownKept = &worker.Kept{
	Last: worker.Checkpointed{Epoch: 101, Ended: time.UnixMilli(1_700_000_000_250), Entities: 102, StateBytes: 103},
	Since: worker.CheckpointTotals{
		Aligned: worker.Durations{Count: 31, Sum: time.Second}, Saved: worker.Durations{Count: 31, Sum: 2 * time.Second},
		Committed: worker.Durations{Count: 31, Sum: 3 * time.Second}, Bytes: 104, Changed: 105, Failures: 106,
	},
	Journal:    worker.JournalFigures{Bytes: 107, Records: 108, SinceCheckpoint: 109, Appended: 110, Syncs: 111, Synced: 112},
	NoRoom:     &worker.Trouble{},
	Restoring:  &worker.Restoring{Share: 0.5, Records: 1, OfRecords: 4},
	Recoveries: 113,
}

var knownLetters = deadletters.Counts{Written: 21, Dropped: 22, Failed: 23, Replayed: 24}

func TestFiguresInPrometheusForm(t *testing.T) {
	golden, err := os.Open("testdata/known.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newCollector(known))
	if err := testutil.GatherAndCompare(registry, golden); err != nil {
		t.Error(err)
	}
}

func TestConventions(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(known))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestBeforeAnApplicationIsLoadedOnlyTheProcessIsShown(t *testing.T) {
	loaded := false
	handler := Handler(func() (Snapshot, bool) {
		s, _ := known()
		return s, loaded
	})
	scrape := func() string {
		t.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		body, err := io.ReadAll(w.Result().Body)
		if err != nil || w.Code != 200 {
			t.Fatalf("%d %v %s", w.Code, err, body)
		}
		return string(body)
	}
	before := scrape()
	for _, own := range []string{"go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(before, own) {
			t.Errorf("no %s in\n%s", own, before)
		}
	}
	if strings.Contains(before, "wallaroo_") {
		t.Errorf("an application in\n%s", before)
	}
	loaded = true
	if after := scrape(); !strings.Contains(after, "\nwallaroo_executors 2\n") {
		t.Errorf("no executors in\n%s", after)
	}
}

// TestTheDocumentationListsAll holds the table of docs/metrics.md against the families.
func TestTheDocumentationListsAll(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| metric | kind | label | unit | meaning |\n|---|---|---|---|---|\n")
	for _, f := range families {
		label := ""
		if len(f.labels) > 0 {
			label = "`" + strings.Join(f.labels, "`, `") + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", f.name, f.kind, label, f.unit, f.help)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- begin table -->\n")
	table, _, found := strings.Cut(rest, "<!-- end table -->")
	if !found || table != want.String() {
		t.Errorf("docs/metrics.md has another table than this one:\n%s", want.String())
	}
}
