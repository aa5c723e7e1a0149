package wallaroo_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// TestEachExportedNameHasAnExample wants an example of each function, method and type; of a type, also one of a function that makes it.
// Native is for Wallaroo's own packages.
func TestEachExportedNameHasAnExample(t *testing.T) {
	t.Parallel()
	for folder, path := range map[string]string{".": "wallaroo", "tcp": "wallaroo/tcp", "codec": "wallaroo/codec"} {
		for _, name := range undocumented(t, folder, path) {
			if name != "App.Native" {
				t.Errorf("%s.%s has no example", path, name)
			}
		}
	}
}

// undocumented are the exported names of a package that have no example.
func undocumented(t *testing.T, folder, path string) (names []string) {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files, set := []*ast.File{}, token.NewFileSet()
	for _, source := range sources {
		file, err := parser.ParseFile(set, source, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(set, files, path)
	if err != nil {
		t.Fatal(err)
	}
	functions := func(prefix string, list []*doc.Func) (shown bool) {
		for _, f := range list {
			if len(f.Examples) == 0 {
				names = append(names, prefix+f.Name)
			}
			shown = shown || len(f.Examples) > 0
		}
		return shown
	}
	functions("", p.Funcs)
	for _, typ := range p.Types {
		made, used := functions("", typ.Funcs), functions(typ.Name+".", typ.Methods)
		if !made && !used && len(typ.Examples) == 0 {
			names = append(names, typ.Name)
		}
	}
	return names
}
