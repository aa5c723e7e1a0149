package metrics

import (
	"fmt"
	"io"
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
func known() (*plan.Plan, worker.Figures) {
	p := &plan.Plan{Steps: []plan.Step{
		{Pipeline: "words", Name: "source", Kind: plan.Source},
		{Pipeline: "words", Name: "split", Kind: plan.Computation},
		{Pipeline: "words", Name: "count", Kind: plan.StateComputation, Key: "by_word"},
		{Pipeline: "words", Name: "sink", Kind: plan.Sink},
		{Pipeline: "log", Name: "source", Kind: plan.Source},
		{Pipeline: "log", Name: "keep", Kind: plan.Computation},
	}}
	return p, worker.Figures{
		Executors: []worker.ExecutorFigures{{Partitions: 600, Waiting: 4096, Queued: 11, OutOfRoom: 1}, {Partitions: 424, Queued: 12}},
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
		}},
		Steps: []uint64{0, 1000, 0, 0, 0, 6},
	}
}

func knownLetters() deadletters.Counts {
	return deadletters.Counts{Written: 21, Dropped: 22, Failed: 23, Replayed: 24}
}

func TestFiguresInPrometheusForm(t *testing.T) {
	golden, err := os.Open("testdata/known.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer golden.Close()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newCollector(known, knownLetters))
	if err := testutil.GatherAndCompare(registry, golden); err != nil {
		t.Error(err)
	}
}

func TestConventions(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCollector(known, knownLetters))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestBeforeAnApplicationIsLoadedOnlyTheProcessIsShown(t *testing.T) {
	var p *plan.Plan
	var figures worker.Figures
	handler := Handler(func() (*plan.Plan, worker.Figures) { return p, figures }, knownLetters)
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
	p, figures = known()
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
		if f.label != "" {
			label = "`" + f.label + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", f.name, f.kind, label, f.unit, f.help)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- begin table -->\n")
	table, _, found := strings.Cut(rest, "<!-- end table -->")
	if !found || table != want.String() {
		t.Errorf("docs/metrics.md has another table than this one:\n%s", want.String())
	}
}
