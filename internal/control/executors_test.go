package control

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/plan"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// token is that of the applications in these tests.
const token = "of-a-test"

// imagined is a worker that has two executors and does with a change what the test says.
type imagined struct {
	resize func(ctx context.Context, executors int) (worker.Resized, error)
}

func (i imagined) Figures() worker.Figures {
	return worker.Figures{Executors: []worker.ExecutorFigures{{Partitions: 512, Queued: 7, Waiting: 640, OutOfRoom: 1}, {Partitions: 511}}}
}

func (i imagined) Kept() *worker.Kept { return nil }

func (i imagined) Resize(ctx context.Context, executors int) (worker.Resized, error) {
	return i.resize(ctx, executors)
}

// promptly has the change done at once.
func promptly(_ context.Context, executors int) (worker.Resized, error) {
	return worker.Resized{
		Before: 2, After: executors, Partitions: 341, Markers: 40, LongestWait: 12 * time.Millisecond, Took: 1300 * time.Millisecond,
	}, nil
}

// serve answers about an application until the test ends, or end is called.
func serve(t *testing.T, about *Application) (at address.Address, end func()) {
	t.Helper()
	listener, err := Listen(&address.Address{Host: address.Loopback})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, about) }()
	end = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(end)
	at, err = address.Parse(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return at, end
}

// running is an application that processes, of 1024 partitions.
func running(resize func(context.Context, int) (worker.Resized, error)) *Application {
	about := &Application{Token: token}
	about.Load(Loaded{Plan: &plan.Plan{}, Partitions: 1024, Worker: imagined{resize}})
	about.Set(status.Running, "")
	return about
}

// request is a change as a program asks for it, with what a test has different.
type request struct {
	body, contentType, origin, host, authorization string
	method, path                                   string // POST /api/executors if they are ""

	noToken bool
}

func (q request) send(t *testing.T, at address.Address) (status int, body string) {
	t.Helper()
	method, path := cmp.Or(q.method, http.MethodPost), cmp.Or(q.path, "/api/executors")
	r, err := http.NewRequest(method, "http://"+at.String()+path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", q.contentType)
	if !q.noToken {
		r.Header.Set("Authorization", cmp.Or(q.authorization, "Bearer "+token))
	}
	if q.origin != "" {
		r.Header.Set("Origin", q.origin)
	}
	r.Host = q.host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("an answer of type %q", kind)
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}

func TestAChangeIsAnsweredWhenItIsDone(t *testing.T) {
	at, _ := serve(t, running(promptly))
	status, body := request{body: `{"executors": 3}`, contentType: "application/json; charset=utf-8", host: "localhost:1"}.send(t, at)
	const want = `{"before":2,"after":3,"partitions":1024,"partitions_moved":341,"markers":40,"longest_wait_seconds":0.012,"took_seconds":1.3}`
	if status != 200 || body != want {
		t.Errorf("%d %s", status, body)
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	at, _ := serve(t, running(func(context.Context, int) (worker.Resized, error) {
		t.Error("it reached the worker")
		return worker.Resized{}, nil
	}))
	const kind = "application/json"
	for _, c := range []struct {
		request
		status int
		why    string
	}{
		{request{body: `{"executors": "2"}`, contentType: kind}, 400, "executors: a string is not a number from 1 to 1024"},
		{request{body: `{"executors": 1.5}`, contentType: kind}, 400, "1.5 is not a number from 1 to 1024"},
		{request{body: `{}`, contentType: kind}, 400, "it names no number"},
		{request{body: ``, contentType: kind}, 400, `the body is not {\"executors\": N}`},
		{request{body: `{"executors": 2, "workers": 1}`, contentType: kind}, 400, "workers"},
		{request{body: `{"executors": 2} {}`, contentType: kind}, 400, "something behind it"},
		{request{body: `{"executors": 2` + strings.Repeat(" ", mostBody) + "}", contentType: kind}, 400, "the body is not"},
		{request{body: `{"executors": 2}`, contentType: "text/plain"}, 415, `\"text/plain\" is not application/json`},
		{request{body: `{"executors": 2}`}, 415, `\"\" is not application/json`},
		{request{body: `{"executors": 2}`, contentType: kind, origin: "http://127.0.0.1"}, 403, "web pages are not answered"},
		{request{body: `{"executors": 2}`, contentType: kind, origin: "null"}, 403, "web pages are not answered"},
		{request{body: `{"executors": 2}`, contentType: kind, host: "rebound.test"}, 403, `nothing is answered under the name \"rebound.test\"`},
		{request{body: `{"executors": 2}`, contentType: kind, noToken: true}, 401, "needs the application's token: give --data-dir DIR"},
		{request{body: `{"executors": 2}`, contentType: kind, authorization: "Bearer of-another"}, 401, "the token is not the application's"},
		{request{body: `{"executors": 2}`, contentType: kind, authorization: "Basic " + token}, 401, "the token is not the application's"},
		{request{body: `{"executors": 2}`, contentType: kind, authorization: token}, 401, "the token is not the application's"},
	} {
		if status, body := c.send(t, at); status != c.status || !strings.HasPrefix(body, `{"error":"`) || !strings.Contains(body, c.why) {
			t.Errorf("%.80v: %d %s", c.request, status, body)
		}
	}
}

func TestWithoutADataDirectoryChangesAreOff(t *testing.T) {
	about := running(promptly)
	about.Token = ""
	at, _ := serve(t, about)
	for _, authorization := range []string{"", "Bearer ", "Bearer x"} {
		q := request{body: `{"executors": 2}`, contentType: jsonType, authorization: authorization, noToken: authorization == ""}
		if status, body := q.send(t, at); status != 403 || !strings.Contains(body, "start it with --data-dir DIR") {
			t.Errorf("%q: %d %s", authorization, status, body)
		}
	}
}

func TestTheWorkerJudgesTheNumber(t *testing.T) {
	at, _ := serve(t, running(func(_ context.Context, executors int) (worker.Resized, error) {
		return worker.Resized{}, &worker.CountError{Executors: executors, Partitions: 1024}
	}))
	const want = `{"error":"executors: 1025 is not a number from 1 to 1024, the number of partitions"}`
	status, body := request{body: `{"executors": 1025}`, contentType: "application/json"}.send(t, at)
	if status != 400 || body != want {
		t.Errorf("%d %s", status, body)
	}
}

func TestNamesOfThisWorker(t *testing.T) {
	for _, c := range []struct {
		host, listens string
		ours          bool
	}{
		{"localhost:5050", "127.0.0.1:5050", true},
		{"127.0.0.1", "127.0.0.1:5050", true},
		{"[::1]:5050", "127.0.0.1:5050", true},
		{"[::1]", "127.0.0.1:5050", true},
		{"10.0.0.5:5050", "10.0.0.5:5050", true},
		{"10.0.0.6:5050", "10.0.0.5:5050", false},
		{"10.0.0.5:5050", "127.0.0.1:5050", false},
		{"10.0.0.5:5050", "[::]:5050", true},
		{"worker.test:5050", "[::]:5050", false},
		{"localhost.test", "127.0.0.1:5050", false},
		{"127.0.0.1.test", "127.0.0.1:5050", false},
		{"", "127.0.0.1:5050", false},
	} {
		listens, err := net.ResolveTCPAddr("tcp", c.listens)
		if err != nil {
			t.Fatal(err)
		}
		if isOurs(c.host, listens) != c.ours {
			t.Errorf("%q at %s: want %t", c.host, c.listens, c.ours)
		}
	}
}

func TestAnApplicationThatDoesNotProcessIsNotChanged(t *testing.T) {
	ask := func(about *Application) (error, error) {
		at, _ := serve(t, about)
		c := NewClient(at, token)
		defer c.Close()
		_, listing := c.Executors(t.Context())
		_, changing := c.Resize(t.Context(), 2)
		return listing, changing
	}
	expect := func(err error, status int, text string) {
		t.Helper()
		if r, ok := errors.AsType[*RefusedError](err); !ok || r.Status != status || r.Text != text {
			t.Errorf("%v; want %d %s", err, status, text)
		}
	}
	starting := &Application{Token: token}
	starting.Set(status.Starting, "loading the application")
	listing, changing := ask(starting)
	expect(listing, 503, "the application is not processing: loading the application")
	expect(changing, 503, "the application is not processing: loading the application")

	stopping := running(func(context.Context, int) (worker.Resized, error) { return worker.Resized{}, worker.ErrNotRunning })
	stopping.Set(status.Stopping, "stopping")
	listing, changing = ask(stopping)
	expect(changing, 503, "the application is not processing: stopping")
	if listing != nil {
		t.Error(listing)
	}

	_, changing = ask(running(func(context.Context, int) (worker.Resized, error) {
		return worker.Resized{}, errors.New("start executor 1: no python")
	}))
	expect(changing, 500, "executors 2: start executor 1: no python")
}

func TestHowExecutorsStand(t *testing.T) {
	at, _ := serve(t, running(promptly))
	response, err := http.Get("http://" + at.String() + "/api/executors")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(response.Body)
	const want = `{"executors":2,"partitions":1024,"each":[` +
		`{"executor":0,"partitions":512,"queued_messages":7,"move_buffer_bytes":640,"edges_without_credit":1},` +
		`{"executor":1,"partitions":511,"queued_messages":0,"move_buffer_bytes":0,"edges_without_credit":0}]}`
	if strings.TrimSpace(string(body)) != want || err != nil {
		t.Errorf("%s %v", body, err)
	}
}

func TestAChangeGoesOnWithoutWhoAskedForIt(t *testing.T) {
	about := running(func(ctx context.Context, executors int) (worker.Resized, error) {
		if err := ctx.Err(); err != nil {
			t.Error(err)
		}
		return promptly(ctx, executors)
	})
	asking, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(asking, http.MethodPost, "http://127.0.0.1/api/executors", strings.NewReader(`{"executors": 3}`))
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Authorization", "bearer "+token)
	w := httptest.NewRecorder()
	handler(t.Context(), &net.TCPAddr{}, about).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAChangeEndsWithTheServer(t *testing.T) {
	defer goleak.VerifyNone(t)
	begun := make(chan struct{})
	at, end := serve(t, running(func(ctx context.Context, _ int) (worker.Resized, error) {
		close(begun)
		<-ctx.Done()
		return worker.Resized{}, ctx.Err()
	}))
	c := NewClient(at, token)
	answered := make(chan error, 1)
	go func() {
		_, err := c.Resize(t.Context(), 2)
		answered <- err
	}()
	<-begun
	end()
	if r, ok := errors.AsType[*RefusedError](<-answered); !ok || r.Status != 503 {
		t.Error(r)
	}
	c.Close()
}

func TestWhatAClientSaysOfOthers(t *testing.T) {
	foreign := httptest.NewServer(http.NotFoundHandler())
	defer foreign.Close()
	boasting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		_, _ = io.WriteString(w, "[]")
	}))
	defer boasting.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for at, want := range map[string]string{
		foreign.Listener.Addr().String():  "is not a Wallaroo application of this version: it says 404 Not Found",
		boasting.Listener.Addr().String(): "is not a Wallaroo application of this version: json",
		silent.Addr().String():            "does not answer as a Wallaroo application does; its log says where HTTP answers",
		gone.Addr().String():              "nothing listens at 127.0.0.1:",
	} {
		to, err := address.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		c := NewClient(to, "")
		if _, err := c.Executors(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
		c.Close()
	}
}
