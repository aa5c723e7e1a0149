package application

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// TestManyFailuresAreTold has more fail in a second than are logged, of some of which no dead letter could be written.
func TestManyFailuresAreTold(t *testing.T) {
	for _, c := range []struct {
		store *deadletters.Store
		want  string
	}{
		{nil, `msg="more steps failed" failures=5` + "\n"},
		{&deadletters.Store{}, `msg="more steps failed" failures=5 dead_letters=2` + "\n"},
	} {
		var log strings.Builder
		options := Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
		r := &reporter{options: options, letters: &letters{store: c.store}, plan: &plan.Plan{}}
		for n := range failuresPerSecond + 5 {
			var lost error
			if n%2 == 0 {
				lost = errors.New("the disk is full")
			}
			r.tellFailed(worker.Origin{Source: -1}, &worker.Failure{Step: "p/step", Error: "wrong"}, deadletters.Added{}, lost)
		}
		r.second.Stop()
		r.tellUnlogged()
		if !strings.HasSuffix(log.String(), c.want) {
			t.Errorf("%s", log.String()[max(0, log.Len()-200):])
		}
	}
}
