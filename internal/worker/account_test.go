package worker

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/journal"
)

// keeping is a worker that does nothing and keeps that, behind a checkpoint.
func keeping(t *testing.T, last *Manifest) *Worker {
	t.Helper()
	j, err := journal.Open(t.TempDir(), journal.Options{SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &Worker{config: Config{Keep: &Keep{Journal: j}}}
	w.account.begin(last)
	return w
}

// TestNoRoomIsToldUntilThereIsSome has a connection that finds no room, and then takes, or gives up.
func TestNoRoomIsToldUntilThereIsSome(t *testing.T) {
	full := errors.New("full")
	synctest.Test(t, func(t *testing.T) {
		w := keeping(t, &Manifest{})
		began := time.Now()
		for range 10 {
			w.account.noRoom(full)
			time.Sleep(roomPoll)
		}
		if none := w.Kept().NoRoom; none == nil || none.Why != "full" || none.Attempts != 10 || !none.Since.Equal(began) {
			t.Errorf("%+v", none)
		}
		w.account.hasRoom()
		if none := w.Kept().NoRoom; none != nil {
			t.Errorf("%+v after something was taken", none)
		}
		w.account.noRoom(full)
		time.Sleep(roomAsked)
		if w.Kept().NoRoom == nil {
			t.Error("it is not told while somebody may ask")
		}
		time.Sleep(roomPoll)
		if none := w.Kept().NoRoom; none != nil {
			t.Errorf("%+v, and nobody asks, and there is room", none)
		}
	})
}

func TestWhatBecomesOfACheckpointIsTold(t *testing.T) {
	committed := time.Unix(1e9, 0)
	w := keeping(t, &Manifest{Epoch: 3, Time: committed, Written: 4, Changed: 5, Entities: 6, Bytes: 7})
	k := w.Kept()
	want := Checkpointed{Epoch: 3, Ended: committed, Bytes: 4, Changed: 5, Entities: 6, StateBytes: 7, Marked: -1}
	if !reflect.DeepEqual(k.Last, want) {
		t.Errorf("%+v", k.Last)
	}
	c := Checkpointed{
		Epoch: 9, Began: time.Now(), Aligned: time.Second, Saved: 3 * time.Second, Committed: 2 * time.Second, Bytes: 10, Changed: 2,
	}
	w.account.opened(&c)
	w.account.reached(Committing, 9)
	for range 2 {
		w.account.failed(errors.New("no"))
	}
	k = w.Kept()
	if o := k.Open; o.Epoch != 9 || o.Part != Committing || o.Trouble.Why != "no" || o.Trouble.Attempts != 2 {
		t.Errorf("%+v", o)
	}
	w.account.failed(nil)
	if o := w.Kept().Open; o.Trouble != nil || k.Open.Trouble == nil {
		t.Errorf("%+v", o)
	}
	w.account.committed(&c, &Manifest{})
	w.account.tidied(errors.New("in use"))
	k = w.Kept()
	if k.Open != nil || k.Last.Epoch != 9 || k.Untidy.Why != "in use" || k.Since.Failures != 3 || k.Since.Bytes != 10 || k.Since.Changed != 2 {
		t.Errorf("%+v", k)
	}
	if part, took := k.Last.Slowest(); part != Saving || took != 3*time.Second || k.Since.Saved.Sum != took {
		t.Errorf("%s took %s", part, took)
	}
	w.account.tidied(nil)
	if k := w.Kept(); k.Untidy != nil {
		t.Errorf("%+v", k.Untidy)
	}
}
