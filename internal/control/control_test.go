package control

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/status"
)

func TestServeUntilItIsStopped(t *testing.T) {
	defer goleak.VerifyNone(t)
	listener, err := Listen(&address.Address{Host: address.Loopback})
	if err != nil {
		t.Fatal(err)
	}
	about := &Application{}
	about.Set(status.Starting, "loading the application")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, about) }()
	client := &http.Client{Transport: &http.Transport{}}
	ask := func(path string) (int, string) {
		t.Helper()
		response, err := client.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	if code, body := ask("/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("/healthz: %d %q", code, body)
	}
	if code, body := ask("/readyz"); code != 503 || body != "loading the application\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	about.Set(status.Running, "")
	if code, body := ask("/readyz"); code != 200 || body != "ready\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	if code, body := ask("/metrics"); code != 200 || !strings.Contains(body, "\ngo_goroutines ") {
		t.Errorf("/metrics: %d %q", code, body)
	}
	if code, _ := ask("/nothing"); code != 404 {
		t.Errorf("/nothing: %d", code)
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTheNextPortIsTakenIfTheUsualOneIsNotFree(t *testing.T) {
	first, err := Listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := Listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if a, b := port(first), port(second); b <= a || a < int(DefaultAddress.Port) {
		t.Errorf("ports %d and %d", a, b)
	}
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
