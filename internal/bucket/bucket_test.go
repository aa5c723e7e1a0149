package bucket_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/bucket/buckettest"
)

func TestPlaces(t *testing.T) {
	here, err := filepath.Abs("here")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, url, name, joined string }{
		{"/a/b", "file:///a/b", "file:///a/b", "file:///a/b/c"},
		{"here", "file://" + here, "file://" + here, "file://" + here + "/c"},
		{"file:///a%20b", "file:///a%20b", "file:///a%20b", "file:///a%20b/c"},
		{"s3://some-bucket", "s3://some-bucket", "s3://some-bucket", "s3://some-bucket/c"},
		{
			"s3://b/p/q/?endpoint=http://127.0.0.1:9000&region=r", "s3://b/p/q?endpoint=http%3A%2F%2F127.0.0.1%3A9000&region=r", "s3://b/p/q",
			"s3://b/p/q/c?endpoint=http%3A%2F%2F127.0.0.1%3A9000&region=r",
		},
	} {
		p, err := bucket.Parse(c.text)
		if err != nil || p.String() != c.url || p.Name() != c.name || p.Join("c").String() != c.joined {
			t.Errorf("%s: %s, %s, %s, %v", c.text, p, p.Name(), p.Join("c"), err)
		}
		if again, err := bucket.Parse(p.String()); again != p || err != nil {
			t.Errorf("%s: %s, %v", p, again, err)
		}
	}
}

func TestPlacesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "it names no place",
		"gs://b/p":                      "is not a place that can be used: want FOLDER, file:///FOLDER or s3://",
		"file://a/b":                    "want an absolute path behind three slashes",
		"file:///a?x=y":                 "a folder takes no parameters",
		"s3:///p":                       "names no bucket",
		"s3://127.0.0.1:9000/p":         "names no bucket: want s3://BUCKET/PREFIX; an address of a service is ?endpoint=URL",
		"s3://b/p?regoin=r":             `there is no parameter "regoin"`,
		"s3://b/p?endpoint=127.0.0.1:1": "is not where a service is: want http://HOST:PORT",
		"s3://k:secret@b/p":             "holds a user or a password",
		"s3://b/%zz":                    "is not a URL",
	} {
		_, err := bucket.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// serviceInMemory is a small S3 service with a bucket "some-bucket". No settings of whoever runs the tests are read.
func serviceInMemory(t *testing.T) http.Handler {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "k")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	memory := s3mem.New()
	if err := memory.CreateBucket("some-bucket"); err != nil {
		t.Fatal(err)
	}
	return gofakes3.New(memory).Server()
}

func TestBucketsKeepTheirPromises(t *testing.T) {
	service := httptest.NewServer(serviceInMemory(t))
	defer service.Close()
	for name, c := range map[string]struct {
		place string
		size  int
	}{
		"folder": {filepath.Join(t.TempDir(), "a", "b"), buckettest.Large},
		// What this one is sent in several pieces overwrites; s3test has a real one.
		"S3": {"s3://some-bucket/some/prefix?endpoint=" + service.URL, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			buckettest.Check(t, buckettest.Open(t, c.place), c.size)
		})
	}
}

// TestANameIsTakenThoughTheWriteIsCut has a service refuse writes by cutting them, as one may that need not read what it refuses.
func TestANameIsTakenThoughTheWriteIsCut(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	memory := serviceInMemory(t)
	var cuts atomic.Bool
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && cuts.Load() {
			panic(http.ErrAbortHandler)
		}
		memory.ServeHTTP(w, r)
	}))
	defer service.Close()
	b := buckettest.Open(t, "s3://some-bucket?endpoint="+service.URL)
	if err := b.Write(t.Context(), "taken", buckettest.Text("x")); err != nil {
		t.Fatal(err)
	}
	cuts.Store(true)
	pieces := 0
	inPieces := func(w io.Writer) error { // the service is told of the first before the last is made
		for ; pieces < 100; pieces++ {
			if _, err := w.Write(make([]byte, buckettest.Large)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, content := range []func(io.Writer) error{buckettest.Text("y"), inPieces} {
		pieces = 0
		if err := b.Write(t.Context(), "taken", content); !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
		pieces = 0
		if err := b.Write(t.Context(), "free", content); err == nil || !strings.Contains(err.Error(), "the service does not answer") {
			t.Error(err)
		}
	}
	if pieces == 0 || pieces == 100 {
		t.Errorf("a write was cut behind %d pieces; want some", pieces)
	}
}

func TestWhatIsWrongWithABucketIsTold(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	for _, c := range []struct{ url, key, want string }{
		{"s3://b/p", "", "s3://b/p: no region is named: give ?region=REGION, or AWS_REGION"},
		{"s3://b/p?endpoint=http://127.0.0.1:1", "", "s3://b/p/x at http://127.0.0.1:1: no keys are found"},
		{"s3://b/p?endpoint=http://127.0.0.1:1", "k", "s3://b/p/x at http://127.0.0.1:1: the service does not answer: look at the endpoint"},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", c.key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", c.key)
		p, err := bucket.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.Open(t.Context())
		if err == nil {
			_, err = b.Read(t.Context(), "x")
			b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.url, err)
		}
	}
}
