package plan

import (
	"slices"
	"testing"
)

// TestFieldsThatAreGone are a difference unless the application reads what was saved by itself; fields that are new alone are none.
func TestFieldsThatAreGone(t *testing.T) {
	const renamed = `state "s": field Bal int64 is gone, Balance int64 is new: a Version says how such entities become those of now`
	for _, c := range []struct {
		what     string
		was, now State
		want     []string
	}{
		{"renamed", State{Shape: "Name string; Bal int64"}, State{Shape: "Balance int64; Name string"}, []string{renamed}},
		{"gone", State{Shape: "A int; B int; C int"}, State{Shape: "C int"}, []string{
			`state "s": field A int, B int is gone: a Version says how such entities become those of now`,
		}},
		{"new", State{Shape: "A int"}, State{Shape: "B int; A int"}, nil},
		{"in another order", State{Shape: "A int; B int"}, State{Shape: "B int; A int"}, nil},
		{"not known before", State{}, State{Shape: "A int"}, nil},
		{"bytes of its own now", State{Shape: "A int"}, State{}, nil},
		{"upgraded", State{Shape: "A int"}, State{Shape: "B int", Version: 1}, nil},
		{"of one version", State{Shape: "Bal int64", Version: 1}, State{Shape: "Balance int64", Version: 1}, []string{renamed}},
	} {
		c.was.Name, c.now.Name = "s", "s"
		was, now := Fingerprint{States: []State{c.was}}, Fingerprint{States: []State{c.now}}
		if got := was.Differences(&now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q; want %q", c.what, got, c.want)
		}
		if c.now.Fits(&c.was) != (c.want == nil) {
			t.Errorf("%s: fits is %v", c.what, c.now.Fits(&c.was))
		}
	}
}
