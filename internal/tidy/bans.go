package tidy

import (
	"go/ast"
	"slices"
	"strings"
)

// ban is a function that is not called in some files, with the reason or what to do instead.
type ban struct {
	calls   []string // "path.Name"; a name alone is a builtin; a name that ends in * is any that begins so
	free    func(*file) bool
	instead string
}

var bans = []ban{
	{
		calls:   []string{"time.Sleep"},
		free:    func(f *file) bool { return !f.isTest() || f.uses("testing/synctest") },
		instead: "wait for the event, or let the test run in testing/synctest",
	},
	{
		calls:   []string{"panic"},
		free:    func(f *file) bool { return f.isTest() || f.in("internal/invariant") },
		instead: "return an error, or state what must hold through internal/invariant",
	},
	{
		calls: []string{"fmt.Print*", "print", "println"},
		free: func(f *file) bool {
			return f.isTest() || f.in("cmd", "internal/command", "bench", "examples", "internal/worker/mutants")
		},
		instead: "write to a writer that the caller gives, or log",
	},
	{
		calls: []string{"os.Exit", "log.Fatal*", "log.Panic*"},
		free: func(f *file) bool {
			return f.isTest() || f.in("cmd", "internal/command", "bench", "examples", "internal/worker/mutants")
		},
		instead: "return the error: only a command ends the process",
	},
}

func (f *file) uses(imported string) bool {
	for _, have := range f.imports {
		if have == imported {
			return true
		}
	}
	return false
}

// checkBans finds calls that are banned, and init functions, which are calls that nobody sees.
func checkBans(f *file) (findings []string) {
	active := slices.DeleteFunc(slices.Clone(bans), func(b ban) bool { return b.free(f) })
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				findings = append(findings, f.at(n.Pos(), "init runs unseen: call it from where it is needed"))
			}
		case *ast.CallExpr:
			called := f.called(n.Fun)
			for _, b := range active {
				if slices.ContainsFunc(b.calls, func(banned string) bool { return matches(banned, called) }) {
					findings = append(findings, f.at(n.Pos(), "%s: %s", called, b.instead))
				}
			}
		}
		return true
	})
	return findings
}

// called names a function as the bans do; it is empty for one that is no plain name or one of a package.
func (f *file) called(function ast.Expr) string {
	switch x := function.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		if name, ok := x.X.(*ast.Ident); ok {
			if imported, ok := f.imports[name.Name]; ok {
				return imported + "." + x.Sel.Name
			}
		}
	}
	return ""
}

func matches(banned, called string) bool {
	if prefix, several := strings.CutSuffix(banned, "*"); several {
		return strings.HasPrefix(called, prefix)
	}
	return called == banned
}
