package s3test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/bucket/buckettest"
)

func TestS3KeepsThePromisesOfABucket(t *testing.T) {
	url := newBucket(t)
	buckettest.Check(t, buckettest.Open(t, url), buckettest.Large)
	beside := buckettest.Open(t, strings.Replace(url, "some/prefix", "some/prefixes", 1))
	if list, err := beside.List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Error("another prefix has", list, err)
	}
}

func TestManyObjectsAreListed(t *testing.T) {
	b := buckettest.Open(t, newBucket(t))
	const many = 1100 // more than there are in an answer
	for n := range many {
		if err := b.Write(t.Context(), "x/"+strings.Repeat("0", n%7)+"-"+time.Duration(n).String(), buckettest.Text("x")); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := b.List(t.Context(), "x/"); err != nil || len(list) != many {
		t.Error(len(list), err)
	}
}

// TestUploadsThatWereGivenUpAreSwept leaves an upload behind as a writer does that gives up between two parts.
func TestUploadsThatWereGivenUpAreSwept(t *testing.T) {
	b := buckettest.Open(t, newBucket(t))
	failed := errors.New("given up")
	err := b.Write(t.Context(), "x", func(w io.Writer) error {
		_, err := w.Write(bytes.Repeat([]byte("x"), 3*buckettest.Large))
		return errors.Join(err, failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	before, err := b.Sweep(t.Context(), time.Now().Add(-time.Hour))
	now, errNow := b.Sweep(t.Context(), time.Now().Add(time.Hour))
	again, errAgain := b.Sweep(t.Context(), time.Now().Add(time.Hour))
	if err := errors.Join(err, errNow, errAgain); err != nil || before != 0 || now != 1 || again != 0 {
		t.Error(before, now, again, err)
	}
}

func TestWhatAServiceRefusesIsTold(t *testing.T) {
	url := newBucket(t)
	for _, c := range []struct{ url, key, secret, want string }{
		{url, accessKey, "wrong", "the keys are not right: look at AWS_ACCESS_KEY_ID"},
		{
			strings.Replace(url, "s3://", "s3://no", 1), accessKey, secretKey,
			" at " + endpoint + ": there is no such bucket: make it, or look at its name",
		},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", c.key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", c.secret)
		b := buckettest.Open(t, c.url)
		_, err := b.Read(t.Context(), "x")
		_, errList := b.List(t.Context(), "")
		for _, err := range []error{err, errList, b.Write(t.Context(), "x", buckettest.Text("x"))} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s %s: %v", c.url, c.key, c.secret, err)
			}
		}
	}
}
