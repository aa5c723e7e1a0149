package resumable

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// messages are so many of a lane, from a number on.
func messages(run, epoch, number uint64, texts ...string) *Messages {
	return &Messages{Run: run, Epoch: epoch, Number: number, Batch: batch(texts...)}
}

// conversation gives what is said to a receiver, and returns what it commits, or the error in its place.
func conversation(r *Receiver[string], said ...any) (told []string) {
	for _, what := range said {
		var out []string
		var err error
		switch w := what.(type) {
		case Said:
			out, _, err = r.Hear(w)
		case *Marker:
			err = r.Mark("a", w)
		case *Messages:
			var had int
			if had, err = r.Take("a", w); err == nil {
				w.Batch.Take(had)
				for w.Batch.Count() > 0 {
					one := w.Batch.Take(1)
					r.Keep(w.Epoch, string(one.Payload))
				}
			}
		}
		if told = append(told, out...); err != nil {
			told = append(told, err.Error())
		}
	}
	return told
}

func TestReceiver(t *testing.T) {
	for name, c := range map[string]struct {
		said []any
		want []string
	}{
		"what is not committed is kept": {[]any{messages(1, 1, 1, "a", "b"), messages(1, 2, 3, "c"), Said{1, 1}}, []string{"a", "b"}},
		"commits are harmless again":    {[]any{messages(1, 1, 1, "a"), Said{1, 1}, Said{1, 1}, Said{1, 0}}, []string{"a"}},
		"repeats are dropped": {
			[]any{messages(1, 1, 1, "a", "b"), messages(1, 1, 1, "a"), messages(1, 1, 1, "a", "b", "c"), Said{1, 1}, messages(1, 1, 2, "b", "c")},
			[]string{"a", "b", "c"},
		},
		"a greater run commits and drops": {
			[]any{messages(1, 1, 1, "a"), messages(1, 2, 2, "void"), Said{2, 1}, messages(2, 2, 1, "b"), Said{2, 2}},
			[]string{"a", "b"},
		},
		"a smaller run is refused": {
			[]any{Said{2, 0}, Said{1, 1}, messages(1, 1, 1, "a"), &Marker{Run: 1, Epoch: 1}, Said{2, 1}},
			slices.Repeat([]string{"run 1 is over: the receiver has heard of run 2"}, 3),
		},
		"a run that was not told": {
			[]any{messages(2, 1, 1, "a"), &Marker{Run: 2, Epoch: 1}},
			[]string{
				"messages of run 2 came before the run was told: run 1 was the last",
				"a marker of run 2 came before the run was told: run 1 was the last",
			},
		},
		"missing messages": {
			[]any{messages(1, 1, 2, "b"), &Marker{Run: 1, Epoch: 1, Number: 1}},
			[]string{
				"message 2 of a lane came behind message 0: those between are missing",
				"marker 1 of a lane stands behind 1 messages, of which only 0 have come",
			},
		},
		"messages of an epoch that is over": {
			[]any{Said{1, 3}, messages(1, 3, 1, "a"), messages(1, 5, 1, "a"), messages(1, 4, 2, "b")},
			[]string{
				"message 1 of a lane is of epoch 3, which is over: 3 is committed, and epoch 0 had begun",
				"message 2 of a lane is of epoch 4, which is over: 3 is committed, and epoch 5 had begun",
			},
		},
		"run 0": {[]any{Said{0, 1}}, []string{"a frame that is none of this framing: its run is 0"}},
	} {
		if got := conversation(NewReceiver[string](), c.said...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}

func TestAReceiverHasSoManyLanes(t *testing.T) {
	r := NewReceiver[string]()
	for i := range maxLanes {
		if _, err := r.Take(fmt.Sprint(i), messages(1, 1, 1, "a")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Take("one more", messages(1, 1, 1, "a")); err == nil || !strings.HasPrefix(err.Error(), "more than 4096 lanes") {
		t.Error(err)
	}
	if _, err := r.Take("0", messages(1, 1, 2, "b")); err != nil {
		t.Errorf("a lane that is known: %v", err)
	}
}

// written are the frames that a window has to write now.
func written(w *Window) (frames []string) {
	for f := w.Next(); f != nil; f = w.Next() {
		switch f := f.(type) {
		case *Messages:
			frames = append(frames, fmt.Sprintf("%d %s", f.Number, f.Batch.Payload))
		case *Marker:
			frames = append(frames, fmt.Sprintf("marker %d", f.Epoch))
		}
	}
	return frames
}

func wantWritten(t *testing.T, w *Window, want ...string) {
	t.Helper()
	if got := written(w); !slices.Equal(got, want) {
		t.Errorf("it writes %q; want %q", got, want)
	}
}

func TestAWindowRepeatsWhatIsNotAcknowledged(t *testing.T) {
	w := NewSinkWindow(1)
	w.Add(1, batch("a", "b", "c"))
	w.Mark(1)
	w.Mark(1)
	w.Add(2, batch("d"))
	wantWritten(t, w, "1 abc", "marker 1", "4 d")
	if n, size, err := w.Ack(&Ack{Said: Said{Run: 1}, Number: 2}); n != 2 || size != 2 || err != nil || w.Staged() != 0 {
		t.Errorf("%d messages, %d bytes, %v", n, size, err)
	}
	wantWritten(t, w)
	if _, _, err := w.Resume(&Welcome{Said: Said{Run: 1}, Number: 2}); err != nil {
		t.Fatal(err)
	}
	wantWritten(t, w, "3 c", "marker 1", "4 d")
	if _, _, err := w.Ack(&Ack{Said: Said{Run: 1}, Number: 3, Marker: 1}); err != nil || w.Staged() != 1 || w.Bytes() != 1 {
		t.Errorf("%v, marker %d, %d bytes are left", err, w.Staged(), w.Bytes())
	}
	if n, size := w.Rerun(2); n != 1 || size != 1 || !w.Empty() || w.Run() != 2 {
		t.Errorf("%d messages, %d bytes are void", n, size)
	}
	w.Add(2, batch("e"))
	if n, _, err := w.Ack(&Ack{Said: Said{Run: 1}, Number: 4}); n != 0 || err != nil {
		t.Errorf("what was said in run 1: %d, %v", n, err)
	}
	wantWritten(t, w, "1 e")
}

func TestAWindowRefuses(t *testing.T) {
	w := NewStreamWindow(5)
	w.Add(0, batch("f"))
	for want, number := range map[string]uint64{
		"the other side had acknowledged 5 messages and now has 4: it has lost what it said was safe": 4,
		"the other side has 7 messages, of which only 6 were sent":                                    7,
	} {
		if _, _, err := w.Resume(&Welcome{Number: number}); err == nil || err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if _, _, err := NewSinkWindow(1).Resume(&Welcome{Said: Said{Run: 2}}); !errors.As(err, new(*OldRunError)) {
		t.Error(err)
	}
}

func TestAWindowMakesFramesThatAreNotTooLong(t *testing.T) {
	w := NewStreamWindow(0)
	w.Add(0, batch(slices.Repeat([]string{""}, frameCount+1)...))
	w.Add(0, batch("a", strings.Repeat("x", 2*frameBytes), "b", strings.Repeat("y", frameBytes-1), "c"))
	var sizes []int
	for f := w.Next(); f != nil; f = w.Next() {
		sizes = append(sizes, len(f.(*Messages).Batch.Payload))
	}
	if want := []int{0, 0, 1, 2 * frameBytes, frameBytes, 1}; !slices.Equal(sizes, want) {
		t.Errorf("frames of %d bytes; want %d", sizes, want)
	}
}

func TestAcceptor(t *testing.T) {
	a, err := NewAcceptor(&StreamHello{Stream: "s", First: 2}, 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range []*Messages{
		messages(0, 0, 2, "b"), messages(0, 0, 3, "c", "d"), messages(0, 0, 4, "d"), messages(0, 0, 5, "e"),
	} {
		fresh, err := a.Take(m)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(fresh.Payload))
	}
	if want := []string{"", "d", "", "e"}; !slices.Equal(got, want) || a.Accepted() != 5 {
		t.Errorf("%q, %d accepted; want %q", got, a.Accepted(), want)
	}
	if _, err := a.Take(messages(0, 0, 7, "g")); err == nil || a.Accepted() != 5 {
		t.Errorf("a message that is not the next: %v", err)
	}
	for first, want := range map[uint64]string{
		0: "messages of a stream have numbers from 1 on",
		5: `3 messages of stream "s" are accepted, and its sender begins with message 5: those between are missing`,
	} {
		if _, err := NewAcceptor(&StreamHello{Stream: "s", First: first}, 3); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
