package control

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// tokenScheme is how a token is shown: Authorization: Bearer TOKEN.
const tokenScheme = "Bearer"

// guard lets those through who change something: who knows the token, on purpose, and not because a web page makes a browser ask; a form
// cannot send JSON. Without a token nobody may.
func guard(listens net.Addr, token string, to function) function {
	return local(listens, func(r *http.Request) (any, error) {
		if kind := r.Header.Get("Content-Type"); !isJSON(kind) {
			return nil, &RefusedError{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Type: %q is not %s", kind, jsonType)}
		}
		if err := checkToken(token, r.Header.Get("Authorization")); err != nil {
			return nil, err
		}
		return to(r)
	})
}

// local lets through what a program asks for, and nothing that a web page makes a browser ask for. A page of another origin shows in the
// Origin header; one whose name was made to mean this machine (DNS rebinding) shows in the Host header, since it is asked for by that name.
func local(listens net.Addr, to function) function {
	return func(r *http.Request) (any, error) {
		if origin := r.Header.Get("Origin"); origin != "" {
			return nil, &RefusedError{http.StatusForbidden, fmt.Sprintf("web pages are not answered; this comes from %q", origin)}
		}
		if !isOurs(r.Host, listens) {
			return nil, &RefusedError{
				http.StatusForbidden,
				fmt.Sprintf("nothing is answered under the name %q: ask localhost, or the address that HTTP listens at, %s", r.Host, listens),
			}
		}
		return to(r)
	}
}

// checkToken compares what was shown with the token.
func checkToken(token, authorization string) error {
	if token == "" {
		return &RefusedError{
			http.StatusForbidden,
			"changes are off, since the application has no data directory to keep their token in: start it with --data-dir DIR",
		}
	}
	scheme, shown, _ := strings.Cut(authorization, " ")
	switch {
	case authorization == "":
		return &RefusedError{
			http.StatusUnauthorized, "a change needs the application's token: give --data-dir DIR as the application has it, or --token-file FILE " +
				"with a copy of its DIR/cluster.key",
		}
	case !strings.EqualFold(scheme, tokenScheme) || subtle.ConstantTimeCompare([]byte(strings.TrimSpace(shown)), []byte(token)) != 1:
		return &RefusedError{http.StatusUnauthorized, "the token is not the application's, which is in cluster.key of its data directory"}
	default:
		return nil
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
