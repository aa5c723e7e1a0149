package peer

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/framing"
)

func TestSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter("sent", framing.Lines, &bytes.Buffer{}, false)
		if got, want := m.summary(), "sent 0 messages, 0 bytes in 0.000 s"; got != want {
			t.Errorf("summary of nothing: %q; want %q", got, want)
		}
		m.mark()
		time.Sleep(1500 * time.Millisecond)
		m.add(10, 200)
		time.Sleep(500 * time.Millisecond)
		m.add(20, 400)
		time.Sleep(time.Hour) // after the last mark: counts for nothing
		if got, want := m.summary(), "sent 30 messages, 600 bytes in 2.000 s (15 messages/s)"; got != want {
			t.Errorf("summary: %q; want %q", got, want)
		}
	})
}

func TestSummaryWithoutMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter("sent", framing.Raw, &bytes.Buffer{}, false)
		m.mark()
		time.Sleep(2 * time.Second)
		m.add(0, 600)
		if got, want := m.summary(), "sent 600 bytes in 2.000 s (300 bytes/s)"; got != want {
			t.Errorf("summary: %q; want %q", got, want)
		}
		if got, want := m.total(), "600 bytes"; got != want {
			t.Errorf("total: %q; want %q", got, want)
		}
	})
}

func TestLiveLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		m := newMeter("received", framing.Lines, &screen, true)
		m.show()
		time.Sleep(refresh)
		synctest.Wait()
		if screen.Len() != 0 {
			t.Errorf("before anything came, the screen shows %q", screen.String())
		}
		m.add(7, 70)
		time.Sleep(refresh)
		synctest.Wait()
		m.note("something happened")
		m.halt()
		want := "received 7 messages, 70 bytes in 0.200 s (35 messages/s)\r\x1b[Ksomething happened\n"
		if screen.String() != want {
			t.Errorf("the screen got %q; want %q", screen.String(), want)
		}
	})
}

func TestNoLiveLineWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var status strings.Builder
		m := newMeter("received", framing.Lines, &status, false)
		m.show()
		m.add(7, 70)
		time.Sleep(10 * refresh)
		m.halt()
		if status.Len() != 0 {
			t.Errorf("the status got %q", status.String())
		}
	})
}
