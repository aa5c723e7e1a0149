// Package commandline reads the command line of an application: which tokens are Wallaroo's, and which are the application's own.
package commandline

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/wallaroo-stream/wallaroo/internal/address"
)

// Flag is a flag of Wallaroo's. An application may have any other.
type Flag struct {
	Name  string // without the dashes
	Short string // one letter, or ""
	Value string // what its value is called in help, or "" if it has none
	Help  string
	// Default is what stands for a value that is not given, or "" if nothing does.
	Default string
	// Addresses flags take a list of addresses parted by commas, and are given once: several addresses are one list.
	Addresses bool
	// Shared flags are read by Wallaroo and go to the application too.
	Shared bool
	// Retired flags had a meaning for the original Wallaroo and have none today. Former ones are such that an application may well have, too:
	// they go to it.
	Retired, Former bool
	// Instead is what there is today in the place of a retired or former flag, or "" if nothing is.
	Instead string
	// Hidden flags are not told of: they are for tests of the engine.
	Hidden bool
}

// long is the flag as it is typed.
func (f *Flag) long() string { return "--" + f.Name }

// Line is what a command line says.
type Line struct {
	App string
	// Args are the application's own tokens, with those of shared flags, in order.
	Args []string
	// Values are those of Wallaroo's flags, by name; the last one given, where a flag may be given again. A flag without a value has "".
	Values map[string]string
	// Old are the retired and former flags that were given.
	Old []Old
	// Help is whether help was asked for; nothing else matters then.
	Help bool
}

// Old is a flag of the original Wallaroo that was given.
type Old struct {
	Typed   string // as it was
	Instead string // as Flag has it
	Passed  bool   // it went to the application
}

// protected is the length from which on a name is so long that one like it must be a mistake.
const protected = 6

// beginning is how many letters of a name tell that it is meant, whatever follows.
const beginning = 5

// Parse reads the tokens behind the command. If the application is not known, it is the first one that is neither a flag nor its value;
// before it all flags must be Wallaroo's. What follows "--" is the application's. A token that is all but equal to one of Wallaroo's
// flags is an error: what the flag is for would be left undone, silently. So is a list of addresses that is given twice, or in two tokens.
func Parse(flags []Flag, app string, tokens []string) (*Line, error) {
	line := &Line{App: app, Values: map[string]string{}}
	for len(tokens) > 0 {
		token := tokens[0]
		if token == "--" && line.App != "" {
			line.Args = append(line.Args, tokens[1:]...)
			break
		}
		if token == "--help" || token == "-h" && line.App == "" {
			return &Line{Help: true}, nil
		}
		used, err := line.take(flags, tokens)
		if err != nil {
			return nil, err
		}
		if used == 0 {
			if err := line.takeOther(flags, token); err != nil {
				return nil, err
			}
			used = 1
		}
		tokens = tokens[used:]
	}
	if line.App == "" {
		return nil, fmt.Errorf("no application is named: give a Python file, as in word_count.py")
	}
	return line, nil
}

// take takes a flag of Wallaroo's and its value; it returns how many tokens those are, 0 if the first is no such flag.
func (l *Line) take(flags []Flag, tokens []string) (int, error) {
	name, value, joined := strings.Cut(tokens[0], "=")
	flag := find(flags, name)
	switch {
	case flag == nil:
		return 0, nil
	case flag.Former && l.App != "":
		l.Old = append(l.Old, Old{Typed: name, Instead: flag.Instead, Passed: true})
		return 0, nil
	case flag.Former && flag.Instead != "":
		return 0, fmt.Errorf("unknown flag %s, which the original Wallaroo had: now there is %s", name, flag.Instead)
	case flag.Former:
		return 0, nil
	}
	used := 1
	switch {
	case flag.Value == "" && joined:
		return 0, fmt.Errorf("%s takes no value", name)
	case flag.Value != "" && !joined:
		if len(tokens) < 2 {
			return 0, fmt.Errorf("%s needs a value: %s %s", name, flag.long(), flag.Value)
		}
		value, used = tokens[1], 2
	}
	if flag.Addresses {
		if err := l.checkList(flag, value, tokens[used:]); err != nil {
			return 0, err
		}
	}
	switch {
	case flag.Retired:
		l.Old = append(l.Old, Old{Typed: name, Instead: flag.Instead})
	default:
		l.Values[flag.Name] = value
	}
	if flag.Shared {
		l.Args = append(l.Args, tokens[:used]...)
	}
	return used, nil
}

// checkList reports a list of addresses that is not one: the flag was given before, or its next address stands behind it.
func (l *Line) checkList(flag *Flag, value string, behind []string) error {
	join := func(first, second string) string {
		return fmt.Sprintf("several addresses are one list, %s %s,%s", flag.long(), strings.TrimRight(first, ","), second)
	}
	if first, again := l.Values[flag.Name]; again {
		return fmt.Errorf("%s is given twice: %s", flag.long(), join(first, value))
	}
	if len(behind) == 0 || strings.HasPrefix(behind[0], "-") {
		return nil
	}
	if _, err := address.ParseList(behind[0]); err != nil {
		return nil //nolint:nilerr // it is no address, and so may be the application or its own
	}
	return fmt.Errorf("%s stands alone behind %s %s: %s (behind -- it would go to the application)",
		behind[0], flag.long(), value, join(value, behind[0]))
}

// takeOther takes a token that is not a flag of Wallaroo's.
func (l *Line) takeOther(flags []Flag, token string) error {
	if like := resembled(flags, token); like != nil {
		return fmt.Errorf("unknown flag %s: did you mean %s? (behind -- it would go to the application)", token, like.long())
	}
	switch {
	case l.App != "":
		l.Args = append(l.Args, token)
	case strings.HasPrefix(token, "-"):
		return fmt.Errorf("unknown flag %s: the application's own flags stand behind the application", token)
	default:
		l.App = token
	}
	return nil
}

func find(flags []Flag, typed string) *Flag {
	for i := range flags {
		f := &flags[i]
		if typed == f.long() || f.Short != "" && typed == "-"+f.Short {
			return f
		}
	}
	return nil
}

// resembled is the flag of which a token must be a mistyped form.
func resembled(flags []Flag, token string) *Flag {
	name, _, _ := strings.Cut(token, "=")
	if !strings.HasPrefix(name, "-") {
		return nil
	}
	typed, long := letters(name), strings.HasPrefix(name, "--")
	for _, alike := range []func(f *Flag, known string) bool{
		func(_ *Flag, known string) bool { return typed == known && (long || len(known) >= protected) },
		func(_ *Flag, known string) bool { return len(known) >= protected && nearlyEqual(typed, known) },
		func(f *Flag, known string) bool { return long && f.Told() && begins(typed, known) },
	} {
		for i := range flags {
			if f := &flags[i]; !f.Former && alike(f, letters(f.Name)) {
				return f
			}
		}
	}
	return nil
}

// letters is a name without its punctuation.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

// begins reports whether one text begins with the other, and that is long enough to be no accident.
func begins(a, b string) bool {
	return min(len(a), len(b)) >= beginning && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
}

// nearlyEqual reports whether one letter put in, left out or replaced, or two neighbours that change places, make one text of the
// other.
func nearlyEqual(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	same := 0
	for same < len(a) && a[same] == b[same] {
		same++
	}
	a, b = a[same:], b[same:]
	switch {
	case len(a) < len(b):
		return a == b[1:]
	case len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]:
		return true
	default:
		return a != "" && a[1:] == b[1:]
	}
}

// Told reports whether help tells of a flag.
func (f *Flag) Told() bool { return !f.Retired && !f.Former && !f.Hidden }

// Usage lists the flags that help tells of, in lines of at most columns characters.
func Usage(flags []Flag, columns int) string {
	var names, texts []string
	widest := 0
	for i := range flags {
		f := &flags[i]
		if !f.Told() {
			continue
		}
		name := "  "
		if f.Short == "" {
			name += "    "
		} else {
			name += "-" + f.Short + ", "
		}
		name = strings.TrimRight(name+f.long()+" "+f.Value, " ")
		text := f.Help
		if f.Default != "" {
			text += " (default " + f.Default + ")"
		}
		names, texts, widest = append(names, name), append(texts, text), max(widest, len(name))
	}
	var b strings.Builder
	for i := range names {
		indent := widest + 3
		fmt.Fprintf(&b, "%-*s%s\n", indent, names[i], wrap(texts[i], columns-indent, indent))
	}
	return b.String()
}

// wrap puts a text into lines of at most width characters, all but the first indented.
func wrap(text string, width, indent int) string {
	var b strings.Builder
	at := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case at == 0:
		case at+1+len(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}
