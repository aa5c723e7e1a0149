package application

import "fmt"

// Addresses are those that the sources, or the sinks, of a Native that have none take one after another.
type Addresses struct {
	From  string // what the user calls them
	List  []string
	taken int
	// Any has each take one that nobody uses.
	Any bool
}

// anyAddress is a free port.
const anyAddress = "127.0.0.1:0"

// Next takes the next one.
func (a *Addresses) Next() (string, error) {
	a.taken++
	switch {
	case a.Any:
		return anyAddress, nil
	case a.taken > len(a.List):
		return "", fmt.Errorf("it takes address %d of %s, which has %d: give one more there, or one to the step", a.taken, a.From, len(a.List))
	default:
		return a.List[a.taken-1], nil
	}
}

// Rest reports those that are left, which no source, or sink, takes.
func (a *Addresses) Rest(what string) error {
	if a.Any || a.taken >= len(a.List) {
		return nil
	}
	return fmt.Errorf("%s: addresses given %d, taken %d: there is no %s without one for the rest", a.From, len(a.List), a.taken, what)
}
