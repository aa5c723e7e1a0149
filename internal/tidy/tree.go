package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// tree is the files of a module that people write.
type tree struct {
	module string // the module's path
	files  []*file
}

// file is a text in the tree. The fields from syntax on are those of a Go file.
type file struct {
	path    string // in the tree, with slashes
	text    string
	syntax  *ast.File
	fset    *token.FileSet
	imports map[string]string // the name in this file -> the import's path
}

// load reads the module whose root is a folder.
func load(root string) (*tree, error) {
	modfile, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	t := &tree{module: strings.TrimSpace(strings.TrimPrefix(string(bytes.SplitN(modfile, []byte("\n"), 2)[0]), "module "))}
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && foreign(name):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err // what holds zero bytes is no text
		}
		f, err := newFile(name, string(text))
		if err == nil {
			t.files = append(t.files, f)
		}
		return err
	})
	return t, err
}

// foreign reports whether nobody writes what is in a folder: it is built, fetched or kept by a tool.
func foreign(folder string) bool {
	base := path.Base(folder)
	if folder == "." || base == ".ci" || base == ".github" {
		return false
	}
	return strings.HasPrefix(base, ".") || folder == "bin" || base == "__pycache__" || strings.HasSuffix(base, ".egg-info")
}

// newFile takes a text in, and parses it if it is a Go file.
func newFile(name, text string) (*file, error) {
	f := &file{path: name, text: text}
	if path.Ext(name) != ".go" || inTestdata(name) {
		return f, nil
	}
	f.fset = token.NewFileSet()
	syntax, err := parser.ParseFile(f.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f.syntax = syntax
	f.imports = map[string]string{}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		local := path.Base(imported)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		f.imports[local] = imported
	}
	return f, nil
}

func inTestdata(name string) bool { return slices.Contains(strings.Split(name, "/"), "testdata") }

// isGo reports whether the file is Go that people write.
func (f *file) isGo() bool { return f.syntax != nil && !ast.IsGenerated(f.syntax) }

func (f *file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// in reports whether the file lies in one of some folders.
func (f *file) in(folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(f.path, folder+"/") })
}

// at is a finding at a place of a Go file.
func (f *file) at(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", f.path, f.fset.Position(pos).Line, fmt.Sprintf(format, args...))
}

// packageName is what the arrows call the package in a folder.
func packageName(folder string) string {
	if folder == "." {
		return "wallaroo"
	}
	return strings.TrimPrefix(folder, "internal/")
}

// packages groups the files outside of tests by the package that they are in.
func (t *tree) packages() map[string][]*file {
	packages := map[string][]*file{}
	for _, f := range t.files {
		if f.syntax != nil && !f.isTest() {
			name := packageName(path.Dir(f.path))
			packages[name] = append(packages[name], f)
		}
	}
	return packages
}

// imports are the imports from the tree of each package of it.
func (t *tree) imports() map[string][]string {
	imports := map[string][]string{}
	for name, files := range t.packages() {
		imports[name] = nil
		for _, f := range files {
			for _, imported := range f.imports {
				if folder, ours := strings.CutPrefix(imported+"/", t.module+"/"); ours {
					imports[name] = append(imports[name], packageName(path.Clean(folder)))
				}
			}
		}
	}
	return imports
}
