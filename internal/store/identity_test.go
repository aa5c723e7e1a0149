package store

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
)

func TestABucketIsOneHistorys(t *testing.T) {
	bucket := newMemory()
	if cluster, err := Cluster(t.Context(), bucket); cluster != "" || err != nil {
		t.Error(cluster, err)
	}
	for range 2 {
		if err := Claim(t.Context(), bucket, "ours"); err != nil {
			t.Error(err)
		}
	}
	err := Claim(t.Context(), bucket, "another")
	if foreign, is := errors.AsType[*ForeignError](err); !is || *foreign != (ForeignError{"ours", "another"}) {
		t.Error(err)
	}
	for _, damaged := range []string{"", "{}", "ours"} {
		bucket.objects[identityName] = []byte(damaged)
		if err := Claim(t.Context(), bucket, "ours"); err == nil || !strings.HasPrefix(err.Error(), "identity is damaged at byte 0") {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

func TestOfManyThatClaimAFolderOneGetsIt(t *testing.T) {
	bucket := Folder(t.TempDir())
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	errs := make([]error, len(names))
	var group sync.WaitGroup
	for n, name := range names {
		group.Go(func() { errs[n] = Claim(t.Context(), bucket, name) })
	}
	group.Wait()
	theirs, err := Cluster(t.Context(), bucket)
	for n, name := range names {
		if _, foreign := errors.AsType[*ForeignError](errs[n]); foreign == (name == theirs) || !foreign && errs[n] != nil {
			t.Errorf("%s has it, %v: %s: %v", theirs, err, name, errs[n])
		}
	}
}

func TestRunsBeginOnce(t *testing.T) {
	bucket := newMemory()
	for _, run := range []uint64{1, 2, 1 << 63} {
		if err := BeginRun(t.Context(), bucket, run); err != nil {
			t.Error(err)
		}
		if err := BeginRun(t.Context(), bucket, run); !errors.Is(err, fs.ErrExist) {
			t.Error("begun twice:", err)
		}
		if last, err := LastRun(t.Context(), bucket); last != run || err != nil || len(bucket.objects) != 1 {
			t.Error(last, err, bucket.objects)
		}
	}
	bucket.objects[runs+"x"], bucket.objects[runs+"7"] = []byte{}, []byte{} // none of ours
	if last, err := LastRun(t.Context(), bucket); last != 1<<63 || err != nil {
		t.Error(last, err)
	}
}

// TestWhatIsHeldIsKept holds one while others come and the deltas of all are folded.
func TestWhatIsHeldIsKept(t *testing.T) {
	bucket := newMemory()
	s := tiny(mustOpen(t, bucket))
	if m, release := s.Hold(); m != nil {
		t.Error(m)
	} else {
		release()
	}
	mustCommit(t, s, 1, one(0, "x", "1"))
	held, release := s.Hold()
	for epoch := range uint64(20) {
		mustCommit(t, s, epoch+2, one(0, "x", strings.Repeat("y", int(epoch)+1)))
		mustFold(t, s)
		if err := s.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Verify(t.Context(), held); err != nil {
		t.Error(err)
	}
	demand(t, s, held, state{{"b", "x"}: "1"})
	release()
	release() // once is enough
	if err := s.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), held); err == nil {
		t.Error("it is still there")
	}
}
