package codec

import (
	"fmt"
	"reflect"
	"strings"
)

// Shape is what CBOR sees of the type: names and types of the fields of its structs, as "Name string; Home main.Address;
// main.Address.Street string". Bytes of a type with other fields are read without an error: what they have no field for is lost, and what
// they do not have is zero.
func (byCBOR[T]) Shape() string {
	s := shape{known: map[reflect.Type]bool{}, open: map[reflect.Type]bool{}}
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Struct && !writesItself(t) {
		s.known[t] = true
		s.fields(t, "")
	} else {
		s.line("", func() string { return s.text(t, "") })
	}
	return strings.Join(s.lines, "; ")
}

// shape collects what CBOR sees of a type.
type shape struct {
	known map[reflect.Type]bool // named types that have their lines
	open  map[reflect.Type]bool // structs whose fields are being collected
	lines []string
}

// line adds a line; those that come of its type stand behind it.
func (s *shape) line(name string, text func() string) {
	at := len(s.lines)
	s.lines = append(s.lines, "")
	s.lines[at] = name + text()
}

// fields adds those of a struct, each with a prefix that says whose they are.
func (s *shape) fields(t reflect.Type, prefix string) {
	if s.open[t] {
		return // it is embedded in itself
	}
	s.open[t] = true
	defer delete(s.open, t)
	asArray := isArray(t)
	for n := range t.NumField() {
		f := t.Field(n)
		name, options := tagOf(f)
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case name == "-" || f.Name == "_":
			continue
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct && !writesItself(inner):
			s.fields(inner, prefix) // its fields are the struct's own
			continue
		case !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		if strings.Contains(options, "keyasint") {
			name += " (keyasint)"
		}
		if asArray { // by its place, and only if there are as many
			name = fmt.Sprintf("%s (%d of %d)", name, n, t.NumField())
		}
		s.line(prefix+name+" ", func() string { return s.text(f.Type, prefix+name+".") })
	}
}

// text is a type in short. Where it is named and has parts, these get lines of their own, once; those of a struct without a name have a
// prefix.
func (s *shape) text(t reflect.Type, prefix string) string {
	parts := t.Kind() >= reflect.Array && t.Kind() != reflect.String && t.Kind() != reflect.Interface
	switch {
	case writesItself(t):
		return t.String()
	case !parts:
		return t.Kind().String()
	case t.Name() == "":
		return s.parts(t, prefix)
	case s.known[t]:
		return t.String()
	}
	s.known[t] = true
	if t.Kind() == reflect.Struct {
		s.fields(t, t.String()+".")
	} else {
		s.line(t.String()+" = ", func() string { return s.parts(t, t.String()+".") })
	}
	return t.String()
}

// parts is a type by what it is made of.
func (s *shape) parts(t reflect.Type, prefix string) string {
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + s.text(t.Elem(), prefix)
	case reflect.Slice:
		return "[]" + s.text(t.Elem(), prefix)
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), s.text(t.Elem(), prefix))
	case reflect.Map:
		return fmt.Sprintf("map[%s]%s", s.text(t.Key(), prefix), s.text(t.Elem(), prefix))
	case reflect.Struct:
		s.fields(t, prefix)
		return "struct"
	default: // what has no bytes
		return t.String()
	}
}

// writesItself reports whether a value inside another is written by methods of its own.
func writesItself(t reflect.Type) bool { return within(t) == both || has(t, fromItem, toItem) == both }

// isArray reports whether a struct is written without names.
func isArray(t reflect.Type) bool {
	f, found := t.FieldByName("_")
	_, options := tagOf(f)
	return found && strings.Contains(options, "toarray")
}

// tagOf is the name of a field that its tag says, or "", and what else the tag says.
func tagOf(f reflect.StructField) (name, options string) {
	tag, tagged := f.Tag.Lookup("cbor")
	if !tagged {
		tag = f.Tag.Get("json")
	}
	name, options, _ = strings.Cut(tag, ",")
	return name, options
}
