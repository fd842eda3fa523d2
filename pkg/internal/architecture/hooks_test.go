package architecture

import (
	"go/ast"
)

// testDoor is by which tests make a process fail where they want it to. What ships has no way through it.
const testDoor = "WithHooks"

// reportTestDoor reports whatever names the door in a shipped file, besides its declaration.
func reportTestDoor(file *ast.File, report reporter) {
	declared := map[*ast.Ident]bool{}
	for _, declaration := range file.Decls {
		if f, ok := declaration.(*ast.FuncDecl); ok {
			declared[f.Name] = true
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok && name.Name == testDoor && !declared[name] {
			report(name.Pos(), "uses %s, which is for tests alone", testDoor)
		}
		return true
	})
}
