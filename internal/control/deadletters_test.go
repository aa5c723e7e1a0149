package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/status"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// imaginedLetters are so many dead letters; a page has two.
type imaginedLetters struct {
	count    int
	replayed [][]string
}

func (i *imaginedLetters) List(after string, _ int) (deadletters.Page, error) {
	var from int
	_, _ = fmt.Sscan(after, &from)
	var page deadletters.Page
	for n := from + 1; n <= i.count && len(page.Letters) < 2; n++ {
		page.Letters = append(page.Letters, deadletters.Letter{ID: fmt.Sprint(n)})
	}
	page.More = from+len(page.Letters) < i.count
	return page, nil
}

func (i *imaginedLetters) Replay(_ context.Context, ids []string) error {
	i.replayed = append(i.replayed, ids)
	if ids[0] == "99" {
		return &RefusedError{http.StatusNotFound, "there is no dead letter 99"}
	}
	return nil
}

func (i *imaginedLetters) Counts() deadletters.Counts { return deadletters.Counts{Written: 7} }

func TestDeadLettersAreListedAndReplayed(t *testing.T) {
	letters := &imaginedLetters{count: 3}
	about := running(promptly)
	about.DeadLetters = letters
	at, _ := serve(t, about)
	c := NewClient(at, token)
	defer c.Close()
	first, err := c.DeadLetters(t.Context(), "")
	if err != nil || len(first.DeadLetters) != 2 || !first.More {
		t.Errorf("%+v, %v", first, err)
	}
	last, err := c.DeadLetters(t.Context(), "2")
	if err != nil || len(last.DeadLetters) != 1 || last.DeadLetters[0].ID != "3" || last.More {
		t.Errorf("%+v, %v", last, err)
	}
	if none, err := c.DeadLetters(t.Context(), "3"); err != nil || none.DeadLetters == nil || len(none.DeadLetters) > 0 {
		t.Errorf("%+v, %v", none, err)
	}
	replayed, err := c.Replay(t.Context(), []string{"1", "3"})
	if err != nil || strings.Join(replayed.Replayed, " ") != "1 3" || len(letters.replayed) != 1 {
		t.Errorf("%+v, %v", replayed, err)
	}
	_, err = c.Replay(t.Context(), []string{"99"})
	if r, ok := errors.AsType[*RefusedError](err); !ok || r.Status != http.StatusNotFound || r.Text != "there is no dead letter 99" {
		t.Error(err)
	}
	if got := about.letters(); got.Written != 7 {
		t.Errorf("metrics have %+v", got)
	}
}

func TestReplaysThatAreRefused(t *testing.T) {
	letters := &imaginedLetters{}
	about := running(promptly)
	about.DeadLetters = letters
	at, _ := serve(t, about)
	for _, c := range []struct {
		request
		status int
		why    string
	}{
		{request{body: `{"ids": []}`, contentType: jsonType}, 400, "no dead letter is named"},
		{request{body: `{"ids": [1]}`, contentType: jsonType}, 400, `the body is not {\"ids\": [\"ID\", ...]}`},
		{request{body: `{"ids": ["1"]} x`, contentType: jsonType}, 400, "something behind it"},
		{request{body: `{"ids": ["1"]}`, contentType: jsonType, noToken: true}, 401, "needs the application's token"},
		{request{body: `{"ids": ["1"]}`, contentType: jsonType, authorization: "Bearer x"}, 401, "the token is not the application's"},
		{request{body: `{"ids": ["1"]}`, contentType: jsonType, origin: "http://127.0.0.1"}, 403, "web pages are not answered"},
		{request{body: `{"ids": ["1"]}`}, 415, "is not application/json"},
	} {
		c.path = replayPath
		if status, body := c.send(t, at); status != c.status || !strings.Contains(body, c.why) {
			t.Errorf("%.80v: %d %s", c.request, status, body)
		}
	}
	if len(letters.replayed) > 0 {
		t.Errorf("replayed %v", letters.replayed)
	}
}

// TestDeadLettersAreNotForWebPages: they hold what users sent.
func TestDeadLettersAreNotForWebPages(t *testing.T) {
	about := running(promptly)
	about.DeadLetters = &imaginedLetters{count: 1}
	at, _ := serve(t, about)
	for _, q := range []request{
		{method: http.MethodGet, path: lettersPath, origin: "http://127.0.0.1"},
		{method: http.MethodGet, path: lettersPath, host: "rebound.test"},
	} {
		if status, body := q.send(t, at); status != 403 {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, body := (request{method: http.MethodGet, path: lettersPath, noToken: true}).send(t, at); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

func TestWithoutADataDirectoryThereAreNoDeadLetters(t *testing.T) {
	about := running(promptly)
	at, _ := serve(t, about)
	c := NewClient(at, token)
	defer c.Close()
	_, listing := c.DeadLetters(t.Context(), "")
	_, replaying := c.Replay(t.Context(), []string{"1"})
	for _, err := range []error{listing, replaying} {
		if r, ok := errors.AsType[*RefusedError](err); !ok || r.Status != 404 || !strings.Contains(r.Text, "start it with --data-dir DIR") {
			t.Error(err)
		}
	}
	starting := &Application{Token: token, DeadLetters: &imaginedLetters{}}
	starting.Set(status.Starting, "loading the application")
	at, _ = serve(t, starting)
	early := NewClient(at, token)
	defer early.Close()
	_, err := early.Replay(t.Context(), []string{"1"})
	want := worker.ErrNotRunning.Error() + ": loading the application"
	if r, ok := errors.AsType[*RefusedError](err); !ok || r.Status != 503 || r.Text != want {
		t.Error(err)
	}
}
