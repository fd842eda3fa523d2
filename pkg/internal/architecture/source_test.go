package architecture

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// maxLines is where a file must be split; the aim is 500.
const maxLines = 600

// sourceFaults names what a shipped file must not contain: an init function, state at package level, too many lines, hooks of tests.
// Generated files are left alone.
func sourceFaults(name string, source []byte) []string {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments)
	if err != nil {
		return []string{err.Error()}
	}
	if ast.IsGenerated(file) {
		return nil
	}
	var found []string
	report := func(at token.Pos, format string, arguments ...any) {
		found = append(found, fmt.Sprintf("%s:%d: %s", name, files.Position(at).Line, fmt.Sprintf(format, arguments...)))
	}
	if lines := bytes.Count(source, []byte("\n")); lines > maxLines {
		found = append(found, fmt.Sprintf("%s: %d lines, more than %d: split it by noun", name, lines, maxLines))
	}
	reportTestDoor(file, report)
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				report(d.Pos(), "func init: hand values to constructors")
			}
			reportWrites(file, d, report)
		case *ast.GenDecl:
			reportState(d, report)
		}
	}
	return found
}

type reporter func(at token.Pos, format string, arguments ...any)

// reportState reports variables of package level whose type exists to be changed.
func reportState(declaration *ast.GenDecl, report reporter) {
	if declaration.Tok != token.VAR {
		return
	}
	for _, spec := range declaration.Specs {
		value := spec.(*ast.ValueSpec) // the only kind that a var declaration holds
		for _, of := range append([]ast.Expr{value.Type}, value.Values...) {
			if named := stateful(of); named != "" {
				report(value.Pos(), "%s of type %s: no state at package level", value.Names[0].Name, named)
			}
		}
	}
}

// stateful is the name of the type when an expression makes, or is, a lock, a counter or the like.
func stateful(of ast.Expr) string {
	switch e := of.(type) {
	case *ast.StarExpr:
		return stateful(e.X)
	case *ast.UnaryExpr:
		return stateful(e.X)
	case *ast.CompositeLit:
		return stateful(e.Type)
	case *ast.IndexExpr:
		return stateful(e.X)
	case *ast.ChanType:
		return "chan"
	case *ast.CallExpr:
		if called, ok := e.Fun.(*ast.Ident); ok && called.Name == "make" {
			return "make(…)"
		}
	case *ast.SelectorExpr:
		of, ok := e.X.(*ast.Ident)
		if ok && (of.Name == "atomic" || of.Name == "sync" && e.Sel.Name != "Pool") {
			return of.Name + "." + e.Sel.Name
		}
	}
	return ""
}

// reportWrites reports assignments to variables of package level.
func reportWrites(file *ast.File, function *ast.FuncDecl, report reporter) {
	ast.Inspect(function, func(node ast.Node) bool {
		for _, target := range writtenBy(node) {
			if root := rootOf(target); root != nil && packageLevel(file, root) {
				report(node.Pos(), "changes %s, a variable of package level", root.Name)
			}
		}
		return true
	})
}

// writtenBy lists the places that a statement writes to, without those that it declares.
func writtenBy(node ast.Node) []ast.Expr {
	switch n := node.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	}
	return nil
}

// rootOf is the variable that a place belongs to: v in v.field[i]. It is nil for the result of a call.
func rootOf(place ast.Expr) *ast.Ident {
	switch e := place.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return rootOf(e.X)
	case *ast.SelectorExpr:
		return rootOf(e.X)
	case *ast.ParenExpr:
		return rootOf(e.X)
	case *ast.StarExpr:
		return rootOf(e.X)
	}
	return nil
}

// packageLevel tells whether a name means something declared outside of functions. The parser resolves names within
// a file; what it does not find there is declared in another file, or is an imported package.
func packageLevel(file *ast.File, name *ast.Ident) bool {
	if name.Name == "_" {
		return false
	}
	return name.Obj == nil || name.Obj == file.Scope.Lookup(name.Name)
}
