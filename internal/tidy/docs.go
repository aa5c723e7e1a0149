package tidy

import (
	"go/ast"
	"go/token"
)

// explained are methods whose names say all: an interface of the standard library documents them.
var explained = map[string]bool{"As": true, "Error": true, "Is": true, "String": true, "Unwrap": true}

// checkDocs finds exported names without a comment. A comment on a group, or at the end of a line in one, is a comment.
func checkDocs(f *file) (findings []string) {
	for _, declaration := range f.syntax.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && !excused(d) {
				findings = append(findings, undocumented(f, d.Name))
			}
		case *ast.GenDecl:
			if d.Tok != token.IMPORT && d.Doc == nil {
				findings = append(findings, checkSpecs(f, d.Specs)...)
			}
		}
	}
	return findings
}

func checkSpecs(f *file, specs []ast.Spec) (findings []string) {
	for _, spec := range specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && s.Comment == nil {
				findings = append(findings, undocumented(f, s.Name))
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && s.Doc == nil && s.Comment == nil {
					findings = append(findings, undocumented(f, name))
				}
			}
		}
	}
	return findings
}

func undocumented(f *file, name *ast.Ident) string {
	return f.at(name.Pos(), "%s has no comment: say what it promises to those who use it", name.Name)
}

// excused reports whether a function is a method that needs no comment: a well-known one, or one of a type that is not exported.
func excused(function *ast.FuncDecl) bool {
	return function.Recv != nil && (explained[function.Name.Name] || !receiver(function).IsExported())
}

// receiver is the name of a method's type.
func receiver(method *ast.FuncDecl) *ast.Ident {
	expr := method.Recv.List[0].Type
	for {
		switch x := expr.(type) {
		case *ast.StarExpr:
			expr = x.X
		case *ast.IndexExpr:
			expr = x.X
		case *ast.IndexListExpr:
			expr = x.X
		case *ast.Ident:
			return x
		default:
			return ast.NewIdent("")
		}
	}
}
