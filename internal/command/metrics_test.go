package command

import (
	"fmt"
	"testing"
)

// TestMetricsAreWhatWasSent sends so many messages, of which some fail, and compares all counters with them.
func TestMetricsAreWhatWasSent(t *testing.T) {
	t.Parallel()
	p := startApplication(t, "wallaroo", "words.py", "--executors", "2", "--http", "127.0.0.1:0")
	out := p.accept()
	at := p.stderr.await(t, `level=INFO msg=ready .* http=(\S+)`)[1]
	const messages, words = 100, 5 // of each message, one of them bad
	conn := p.dial()
	sent := 0
	for n := range messages {
		text := fmt.Sprintf("a b c%d d%d bad", n, n%7)
		sent += len(text)
		send(t, conn, text)
	}
	received := 0
	for _, line := range lines(t, out, messages*(words-1)) {
		received += len(line) + 1
	}
	awaitMetric(t, at, `wallaroo_sink_delivered_messages_total{sink="words/sink"}`, messages*(words-1))
	awaitMetric(t, at, `wallaroo_step_errors_total{step="words/count"}`, messages)
	for name, want := range map[string]int{
		`wallaroo_source_messages_total{source="words/source"}`:                         messages,
		`wallaroo_source_bytes_total{source="words/source"}`:                            sent,
		`wallaroo_source_connections{source="words/source"}`:                            1,
		`wallaroo_processed_messages_total`:                                             messages,
		`wallaroo_step_messages_total{step="words/split"}`:                              messages,
		`wallaroo_step_messages_total{step="words/count"}`:                              messages * words,
		`wallaroo_step_errors_total{step="words/count"}`:                                messages,
		`wallaroo_step_errors_total{step="words/split"}`:                                0,
		`wallaroo_sink_messages_total{sink="words/sink"}`:                               messages * (words - 1),
		`wallaroo_sink_bytes_total{sink="words/sink"}`:                                  received,
		`wallaroo_sink_delivered_messages_total{sink="words/sink"}`:                     messages * (words - 1),
		`wallaroo_sink_delivered_bytes_total{sink="words/sink"}`:                        received,
		`wallaroo_sink_undelivered_messages{sink="words/sink"}`:                         0,
		`wallaroo_sink_connected{sink="words/sink"}`:                                    1,
		`wallaroo_sink_latency_seconds_count{sink="words/sink"}`:                        messages * (words - 1),
		`wallaroo_edge_messages_total{from="words/source",step="words/source",to="0"}`:  messages,
		`wallaroo_edge_bytes_total{from="words/source",step="words/source",to="0"}`:     sent,
		`wallaroo_edge_queued_messages{from="words/source",step="words/source",to="0"}`: 0,
		`wallaroo_edge_messages_total{from="words/source",step="words/source",to="1"}`:  0,
		`wallaroo_edge_messages_total{from="1",step="words/count",to="0"}`:              0,
		`wallaroo_edge_queued_messages{from="0",step="words/count",to="1"}`:             0,
	} {
		if got := metric(t, at, name); got != want {
			t.Errorf("%s is %d; want %d", name, got, want)
		}
	}
	there := metric(t, at, `wallaroo_edge_messages_total{from="0",step="words/sink",to="words/sink"}`)
	elsewhere := metric(t, at, `wallaroo_edge_messages_total{from="1",step="words/sink",to="words/sink"}`)
	if there+elsewhere != messages*(words-1) || there == 0 || elsewhere == 0 {
		t.Errorf("%d and %d messages went to the sink from the executors", there, elsewhere)
	}
	if went := metric(t, at, `wallaroo_edge_messages_total{from="0",step="words/count",to="1"}`); went < elsewhere {
		t.Errorf("%d messages went to executor 1, and %d came of them", went, elsewhere)
	}
}
