package control

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard lets through what a program on purpose asks for, and nothing that a web page makes a browser ask for. A page of another origin
// shows in the Origin header; one whose name was made to mean this machine (DNS rebinding) shows in the Host header, since it is asked for
// by that name; and a form cannot send JSON.
func guard(listens net.Addr, to function) function {
	return func(r *http.Request) (any, error) {
		if origin := r.Header.Get("Origin"); origin != "" {
			return nil, &RefusedError{http.StatusForbidden, fmt.Sprintf("changes are not taken from web pages; this comes from %q", origin)}
		}
		if !isOurs(r.Host, listens) {
			return nil, &RefusedError{
				http.StatusForbidden,
				fmt.Sprintf("changes are not taken under the name %q: ask localhost, or the address that HTTP listens at, %s", r.Host, listens),
			}
		}
		if kind := r.Header.Get("Content-Type"); !isJSON(kind) {
			return nil, &RefusedError{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type: %q is not %s", kind, jsonType)}
		}
		return to(r)
	}
}

// isOurs reports whether a Host header names this worker: this machine from within, or the address that is listened at. Who listens at all
// addresses does not know them all, so that any will do there; a name will not.
func isOurs(host string, listens net.Addr) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]") // without a port
	}
	if name == "localhost" {
		return true
	}
	asked, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	at, err := netip.ParseAddrPort(listens.String())
	return asked.IsLoopback() || err == nil && (at.Addr().IsUnspecified() || asked.Unmap() == at.Addr().Unmap())
}
