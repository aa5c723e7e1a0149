package address

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
)

func TestListenSaysWhatToDo(t *testing.T) {
	taken, err := Listen(Address{Host: Loopback}, "--http")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := uint16(taken.Addr().(*net.TCPAddr).Port)
	for a, want := range map[Address]struct {
		err  error
		text string
	}{
		{Loopback, port}:    {syscall.EADDRINUSE, "address already in use: choose another port in --http, or 0 for a free one"},
		{"192.0.2.1", port}: {syscall.EADDRNOTAVAIL, "name an address of this machine in --http"},
	} {
		_, err := Listen(a, "--http")
		if !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %v", a, err)
		}
	}
}
