// Package metrics shows a worker's figures to Prometheus. It counts nothing itself: each scrape reads what the worker has counted.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// Snapshot is what one scrape shows: the application's plan, which names its parts, and what was counted of them.
type Snapshot struct {
	Plan *plan.Plan
	worker.Figures
	// Kept is nil where nothing is.
	Kept      *worker.Kept
	Letters   deadletters.Counts
	Connected []bool // by sink
}

// Read takes a snapshot; false while no application is loaded.
type Read func() (Snapshot, bool)

// Handler answers with the metrics of this process and, once it is loaded, of the application. docs/metrics.md lists them.
func Handler(read Read) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(read),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// collector makes values of a snapshot at each scrape.
type collector struct {
	read         Read
	descriptions []*prometheus.Desc // by the place of their family in families
}

func newCollector(read Read) *collector {
	c := &collector{read: read}
	for _, f := range families {
		c.descriptions = append(c.descriptions, prometheus.NewDesc(f.name, f.help, f.labels, nil))
	}
	return c
}

func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descriptions {
		to <- d
	}
}

func (c *collector) Collect(to chan<- prometheus.Metric) {
	s, loaded := c.read()
	if !loaded {
		return
	}
	for n, f := range families {
		c.collect(c.descriptions[n], f, &s, to)
	}
}

func (c *collector) collect(d *prometheus.Desc, f family, s *Snapshot, to chan<- prometheus.Metric) {
	switch f.kind {
	case summary:
		f.durations(s, func(total worker.Durations, labels ...string) {
			to <- prometheus.MustNewConstSummary(d, total.Count, total.Sum.Seconds(), nil, labels...)
		})
	case histogram:
		f.latencies(s, func(l *worker.Latencies, labels ...string) {
			to <- prometheus.MustNewConstHistogram(d, l.Count(), l.Sum.Seconds(), buckets(l), labels...)
		})
	case counter:
		f.values(s, func(value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
		})
	case gauge:
		f.values(s, func(value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
		})
	}
}

// buckets are how many are at or below each bound, as Prometheus wants them.
func buckets(l *worker.Latencies) map[float64]uint64 {
	all, sum := map[float64]uint64{}, uint64(0)
	for i, bound := range worker.LatencyBounds {
		sum += l.Counts[i]
		all[bound.Seconds()] = sum
	}
	return all
}
