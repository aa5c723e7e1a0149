package address

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Listen claims an address for TCP. Where that is refused, the error says what to do, where the address was given, as with a flag.
func Listen(a Address, given string) (*net.TCPListener, error) {
	listener, err := net.Listen("tcp", a.String())
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w: choose another port in %s, or 0 for a free one", err, given)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%w: name an address of this machine in %s, or 0.0.0.0 for all of them", err, given)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%w: choose a port from 1024 on in %s, since those below are root's", err, given)
	case err != nil:
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}
