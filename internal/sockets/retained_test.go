package sockets

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/connector"
)

// pipe is a retained.outlet that a test fills and empties by hand.
type pipe struct {
	batches         []connector.Batch
	messages, bytes int // delivered
}

func (p *pipe) Take() (connector.Batch, bool) {
	if len(p.batches) == 0 {
		return connector.Batch{}, false
	}
	b := p.batches[0]
	p.batches = p.batches[1:]
	return b, true
}

func (p *pipe) Delivered(messages, bytes int) {
	p.messages += messages
	p.bytes += bytes
}

// TestRetainedSendsEverythingWhateverIsCut lets a sink's store live through writes, acknowledgements and cuts at random places. The
// receiver keeps what its kernel acknowledged, and drops the part of a message that a cut leaves.
func TestRetainedSendsEverythingWhateverIsCut(t *testing.T) {
	for seed := range uint64(500) {
		chance := rand.New(rand.NewPCG(seed, 0))
		p := &pipe{}
		kept := &retained{outlet: p}
		var sent, received []string
		var wire strings.Builder // what this connection carried
		acked := 0
		for step := range 200 {
			switch chance.IntN(5) {
			case 0:
				b := connector.Batch{}
				for range chance.IntN(4) + 1 {
					m := fmt.Sprintf("%d.%s", len(sent), strings.Repeat("x", chance.IntN(6)))
					if chance.IntN(8) == 0 {
						m = ""
					}
					sent = append(sent, m)
					b.Append([]byte(m))
				}
				p.batches = append(p.batches, b)
			case 1:
				kept.fetch()
			case 2:
				pieces := kept.unsent(1 + chance.IntN(20))
				n := int64(0)
				for _, piece := range pieces {
					wire.Write(piece)
					n += int64(len(piece))
				}
				if n > 0 && chance.IntN(3) == 0 { // a short write
					cut := chance.Int64N(n)
					text := wire.String()
					wire.Reset()
					wire.WriteString(text[:len(text)-int(cut)])
					n -= cut
				}
				kept.gave(n)
			case 3:
				acked += chance.IntN(wire.Len() - acked + 1)
				kept.release(int64(acked))
			case 4:
				if chance.IntN(6) == 0 {
					received = append(received, wire.String()[:acked])
					kept.release(int64(acked))
					kept.rewind()
					wire.Reset()
					acked = 0
				}
			}
			if kept.bytes() < 0 || kept.sent > kept.end || kept.sent < kept.base || kept.next > len(kept.batches) {
				t.Fatalf("seed %d step %d: %+v", seed, step, kept)
			}
		}
		for kept.fetch(); kept.sent < kept.end; {
			n := int64(0)
			for _, piece := range kept.unsent(1000) {
				wire.Write(piece)
				n += int64(len(piece))
			}
			kept.gave(n)
		}
		kept.release(kept.end)
		received = append(received, wire.String())
		checkReceived(t, seed, sent, received)
		if total := len(strings.Join(sent, "")); p.messages != len(sent) || p.bytes != total {
			t.Fatalf("seed %d: %d messages and %d bytes told delivered; want %d and %d", seed, p.messages, p.bytes, len(sent), total)
		}
	}
}

// checkReceived checks that each connection carried on at the beginning of a message that was not wholly acknowledged before.
func checkReceived(t *testing.T, seed uint64, sent, connections []string) {
	t.Helper()
	all := strings.Join(sent, "")
	at := 0 // where the next connection begins
	for i, got := range connections {
		if !strings.HasPrefix(all[at:], got) {
			t.Fatalf("seed %d: connection %d carried %q; want the beginning of %q", seed, i, got, all[at:])
		}
		end := at + len(got)
		at = 0
		for _, m := range sent { // to the last end of a message at or before that of what came
			if at+len(m) > end {
				break
			}
			at += len(m)
		}
	}
	if at != len(all) {
		t.Fatalf("seed %d: %d of %d bytes came", seed, at, len(all))
	}
}
