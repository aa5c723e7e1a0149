package tidy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// none stands in the arrows for no package.
const none = "NONE"

// arrows are the imports that the policy permits.
type arrows struct {
	below map[string]map[string]bool // package -> those that it may import, the indirect ones included
}

// parseArrows reads a policy: rules that end with a semicolon, each two or more lists of names parted by "<"; "#" begins a comment.
func parseArrows(policy string) (*arrows, error) {
	var text strings.Builder
	for line := range strings.Lines(policy) {
		code, _, _ := strings.Cut(line, "#")
		text.WriteString(code + "\n")
	}
	a := &arrows{below: map[string]map[string]bool{}}
	rules := strings.Split(text.String(), ";")
	if rest := strings.TrimSpace(rules[len(rules)-1]); rest != "" {
		return nil, fmt.Errorf("rule %q does not end with a semicolon", rest)
	}
	for _, rule := range rules[:len(rules)-1] {
		if err := a.add(strings.TrimSpace(rule)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// add takes in one rule. What a package may import must have its own place before, so that no circle can be drawn.
func (a *arrows) add(rule string) error {
	lists := strings.Split(rule, "<")
	if len(lists) < 2 {
		return fmt.Errorf("rule %q has no <", rule)
	}
	var lower []string
	for i, list := range lists {
		var names []string
		for name := range strings.SplitSeq(list, ",") {
			name = strings.TrimSpace(name)
			if name == "" || strings.ContainsAny(name, " \t\n") {
				return fmt.Errorf("rule %q has %q in the place of a name", rule, name)
			}
			if i == 0 && name != none && a.below[name] == nil {
				return fmt.Errorf("rule %q: %s has no place of its own before", rule, name)
			}
			names = append(names, name)
		}
		for _, name := range names {
			if err := a.permit(name, lower); i > 0 && err != nil {
				return fmt.Errorf("rule %q: %w", rule, err)
			}
		}
		lower = names
	}
	return nil
}

// permit lets a package import the ones in a list of lower ones.
func (a *arrows) permit(name string, lower []string) error {
	if a.below[name] != nil {
		return fmt.Errorf("%s has a place already: put all that it may import into one rule", name)
	}
	if name == none {
		return fmt.Errorf("%s is no package and imports nothing", none)
	}
	a.below[name] = map[string]bool{}
	for _, low := range lower {
		if low != none {
			a.below[name][low] = true
			maps.Copy(a.below[name], a.below[low])
		}
	}
	return nil
}

// check compares the packages of a tree, each with those of the tree that it imports, with the policy.
func (a *arrows) check(imports map[string][]string) (findings []string) {
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		permitted, known := a.below[name]
		if !known {
			findings = append(findings, fmt.Sprintf("%s: the package has no place in arrows.txt: say there what it may import", name))
			continue
		}
		for _, imported := range slices.Compact(slices.Sorted(slices.Values(imports[name]))) {
			if !permitted[imported] {
				findings = append(findings, fmt.Sprintf("%s: imports %s against arrows.txt, which permits %s",
					name, imported, strings.Join(slices.Sorted(maps.Keys(permitted)), ", ")))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.below)) {
		if _, there := imports[name]; !there {
			findings = append(findings, fmt.Sprintf("%s: stands in arrows.txt and is not there", name))
		}
	}
	return findings
}
