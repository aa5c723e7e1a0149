package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Fingerprint is what of an application must be the same for its state to go on: names, kinds and ways, but no code and no addresses.
type Fingerprint struct {
	Application string            `json:"application"`
	Steps       []FingerprintStep `json:"steps"`
	States      []State           `json:"states"`
}

// FingerprintStep is a step of a fingerprint.
type FingerprintStep struct {
	ID        string   `json:"id"` // PIPELINE/NAME
	Kind      Kind     `json:"kind"`
	After     []string `json:"after,omitempty"` // the steps whose results it takes
	State     string   `json:"state,omitempty"`
	Connector string   `json:"connector,omitempty"` // of a source or sink
}

// Fingerprint is that of the application.
func (p *Plan) Fingerprint() Fingerprint {
	f := Fingerprint{Application: p.Application, States: p.States}
	for i := range p.Steps {
		s := &p.Steps[i]
		of := FingerprintStep{ID: s.ID(), Kind: s.Kind, State: s.State}
		for _, before := range s.After {
			of.After = append(of.After, p.Steps[before].ID())
		}
		if s.Outside != nil {
			of.Connector = s.Outside.Connector
		}
		f.Steps = append(f.Steps, of)
	}
	return f
}

// Differences are what is other in an application than in this one, a line each; none if its state may go on. The version of a state may
// differ: its entities are upgraded. Fields of its entities may be new: they are zero in what was saved.
func (f *Fingerprint) Differences(now *Fingerprint) (lines []string) {
	if f.Application != now.Application {
		lines = append(lines, fmt.Sprintf("it was application %q and is %q", f.Application, now.Application))
	}
	for _, was := range f.States {
		at := slices.IndexFunc(now.States, func(s State) bool { return s.Name == was.Name })
		switch {
		case at < 0:
			lines = append(lines, fmt.Sprintf("state %q is no more", was.Name))
		case now.States[at].Class != was.Class || now.States[at].Keyed != was.Keyed || now.States[at].U64 != was.U64:
			lines = append(lines, fmt.Sprintf("state %q was %s and is %s", was.Name, was.shown(), now.States[at].shown()))
		default:
			if what := now.States[at].lost(&was); what != "" {
				lines = append(lines, fmt.Sprintf("state %q: %s: a Version says how such entities become those of now", was.Name, what))
			}
		}
	}
	for _, was := range f.Steps {
		at := slices.IndexFunc(now.Steps, func(s FingerprintStep) bool { return s.ID == was.ID })
		switch {
		case at < 0:
			lines = append(lines, fmt.Sprintf("%s %q is no more", was.Kind, was.ID))
		case was.shown() != now.Steps[at].shown():
			lines = append(lines, fmt.Sprintf("%q was a %s and is a %s", was.ID, was.shown(), now.Steps[at].shown()))
		}
	}
	for _, is := range now.Steps {
		if !slices.ContainsFunc(f.Steps, func(s FingerprintStep) bool { return s.ID == is.ID }) {
			lines = append(lines, fmt.Sprintf("%s %q is new", is.Kind, is.ID))
		}
	}
	return lines
}

// Fits reports whether entities of a state can be those of this one.
func (s *State) Fits(was *State) bool {
	return s.Name == was.Name && s.Class == was.Class && s.Keyed == was.Keyed && s.U64 == was.U64 && s.lost(was) == ""
}

// lost says which fields of entities that were saved would be dropped, and which are new then; "" if none would be. Nothing is lost where
// the version is another one: then the application reads them itself.
func (s *State) lost(was *State) string {
	if s.Version != was.Version || s.Shape == "" || was.Shape == "" {
		return ""
	}
	before, after := strings.Split(was.Shape, "; "), strings.Split(s.Shape, "; ")
	gone, come := without(before, after), without(after, before)
	if len(gone) == 0 {
		return ""
	}
	text := "field " + strings.Join(gone, ", ") + " is gone"
	if len(come) > 0 {
		text += ", " + strings.Join(come, ", ") + " is new"
	}
	return text
}

// without is a list without what is in another.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

func (s *State) shown() string {
	text := s.Class
	switch {
	case !s.Keyed:
		text += " without keys"
	case s.U64:
		text += " by 64-bit keys"
	}
	return text
}

func (s *FingerprintStep) shown() string {
	text := string(s.Kind)
	if s.Connector != "" {
		text += " (" + s.Connector + ")"
	}
	if s.State != "" {
		text += fmt.Sprintf(" with state %q", s.State)
	}
	if len(s.After) > 0 {
		text += " behind " + strings.Join(s.After, " and ")
	}
	return text
}
