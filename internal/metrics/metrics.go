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

// Read is how things stand: the application's plan, which names its parts, and what its worker has counted. The plan is nil while no
// application is loaded.
type Read func() (*plan.Plan, worker.Figures)

// Letters is what was done with dead letters since the start.
type Letters func() deadletters.Counts

// Handler answers with the metrics of this process and, once it is loaded, of the application. docs/metrics.md lists them.
func Handler(read Read, letters Letters) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(read, letters),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// collector makes values of the figures at each scrape.
type collector struct {
	read         Read
	letters      Letters
	descriptions []*prometheus.Desc // by the place of their family in families
}

func newCollector(read Read, letters Letters) *collector {
	c := &collector{read: read, letters: letters}
	for _, f := range families {
		var labels []string
		if f.label != "" {
			labels = append(labels, f.label)
		}
		c.descriptions = append(c.descriptions, prometheus.NewDesc(f.name, f.help, labels, nil))
	}
	return c
}

func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descriptions {
		to <- d
	}
}

func (c *collector) Collect(to chan<- prometheus.Metric) {
	p, figures := c.read()
	if p == nil {
		return
	}
	s := &snapshot{plan: p, Figures: figures, letters: c.letters()}
	for n, f := range families {
		c.collect(c.descriptions[n], f, s, to)
	}
}

func (c *collector) collect(d *prometheus.Desc, f family, s *snapshot, to chan<- prometheus.Metric) {
	if f.durations != nil {
		total := f.durations(s)
		to <- prometheus.MustNewConstSummary(d, total.Count, total.Sum.Seconds(), nil)
		return
	}
	kind := prometheus.GaugeValue
	if f.kind == counter {
		kind = prometheus.CounterValue
	}
	f.values(s, func(label string, value float64) {
		var labels []string
		if f.label != "" {
			labels = append(labels, label)
		}
		to <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	})
}
