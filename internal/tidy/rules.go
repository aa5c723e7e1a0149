package tidy

import (
	"fmt"
	"go/ast"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits. What grows past one has a second thing in it that deserves a place and a name of its own.
const (
	maxFileLines     = 500
	maxFunctionLines = 70
	maxGoWidth       = 140 // characters in a line
	maxPythonWidth   = 120
)

// checkPackages finds packages without their one comment.
func checkPackages(packages map[string][]*file) (findings []string) {
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		var documented []string
		for _, f := range packages[name] {
			if f.syntax.Doc != nil {
				documented = append(documented, f.path)
			}
		}
		switch len(documented) {
		case 0:
			findings = append(findings, name+": the package has no comment: say what it is and what it promises")
		case 1:
		default:
			findings = append(findings, fmt.Sprintf("%s: the package has more than one comment: %s", name, strings.Join(documented, ", ")))
		}
	}
	return findings
}

// checkFile applies all rules on single files.
func checkFile(f *file) (findings []string) {
	findings = append(findings, checkSize(f)...)
	findings = append(findings, checkText(f)...)
	if f.isGo() {
		findings = append(findings, checkFunctions(f)...)
		findings = append(findings, checkMarks(f)...)
		findings = append(findings, checkBans(f)...)
		if !f.isTest() {
			findings = append(findings, checkDocs(f)...)
		}
	}
	return findings
}

// checkSize finds long files and lines in Go and Python.
func checkSize(f *file) (findings []string) {
	width := maxGoWidth
	switch {
	case f.isGo():
	case path.Ext(f.path) == ".py":
		width = maxPythonWidth
	default:
		return nil
	}
	count := 0
	for line := range strings.Lines(f.text) {
		count++
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
			findings = append(findings, fmt.Sprintf("%s:%d: a line of %d characters: the limit is %d", f.path, count, n, width))
		}
	}
	if count > maxFileLines {
		findings = append(findings, fmt.Sprintf("%s: %d lines: the limit is %d; split it", f.path, count, maxFileLines))
	}
	return findings
}

var (
	home = regexp.MustCompile(`(^|[^\w.~/-])/(home|root|Users)/\w`)
	mark = regexp.MustCompile(`\b(TODO|FIXME)\b`)
)

// checkText finds what no text may hold.
func checkText(f *file) (findings []string) {
	number := 0
	for line := range strings.Lines(f.text) {
		number++
		if home.MatchString(line) {
			findings = append(findings, fmt.Sprintf("%s:%d: a path in somebody's home folder", f.path, number))
		}
		if _, comment, found := strings.Cut(line, "#"); found && path.Ext(f.path) == ".py" && mark.MatchString(comment) {
			findings = append(findings, fmt.Sprintf("%s:%d: %s", f.path, number, doNow))
		}
	}
	return findings
}

const doNow = "something left for later: do it, or say in the documentation what is not there"

// checkMarks finds comments about work left for later.
func checkMarks(f *file) (findings []string) {
	for _, group := range f.syntax.Comments {
		for _, comment := range group.List {
			if mark.MatchString(comment.Text) {
				findings = append(findings, f.at(comment.Pos(), doNow))
			}
		}
	}
	return findings
}

// checkFunctions finds long functions.
func checkFunctions(f *file) (findings []string) {
	for _, declaration := range f.syntax.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := 1 + f.fset.Position(function.End()).Line - f.fset.Position(function.Pos()).Line
		if lines > maxFunctionLines {
			findings = append(findings, f.at(function.Pos(), "%s has %d lines: the limit is %d; give a part a name",
				function.Name.Name, lines, maxFunctionLines))
		}
	}
	return findings
}
