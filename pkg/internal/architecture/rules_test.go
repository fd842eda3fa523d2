package architecture

import (
	"fmt"
	"slices"
	"strings"
)

const module = "github.com/anchorkit/anchor"

// Package is what the rules need to know of one package; the names are those of go list -json.
type Package struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// path is the package's folder below the root of the module, "" for the root itself.
func (p Package) path() string { return relative(p.ImportPath) }

// relative is an import path below the root of the module; other modules' paths stay as they are.
func relative(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

func ours(importPath string) bool { return within(importPath, module) }

// within tells whether the path is the folder or lies below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func withinAny(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
}

// layer is a height: a package imports packages of lower layers only.
type layer int

const (
	words       layer = iota + 1 // what everything speaks
	foundations                  // the database, the network, other people's addresses, loops
	nouns                        // what a request or a worker may do
	edges                        // what the outside talks to
	wiring                       // settings and business become roles
	surface                      // what a person or an integrator starts
)

// component is a package together with the packages below it, which import each other as they like.
type component struct {
	folder string
	layer  layer
}

// components is the layout. A new package gets its line here, in the layer where it belongs.
var components = []component{
	{"pkg/money", words},
	{"pkg/anchor", words},

	{"pkg/internal/store", foundations},
	{"pkg/internal/stellar", foundations},
	{"pkg/internal/outbound", foundations},
	{"pkg/internal/worker", foundations},
	{"pkg/internal/jsonbody", foundations},
	{"pkg/internal/decision", foundations},
	{"pkg/internal/sandbox", foundations},
	{"pkg/internal/sender", foundations},
	{"pkg/rails", foundations},

	{"pkg/internal/assets", nouns},
	{"pkg/internal/customers", nouns},
	{"pkg/internal/quotes", nouns},
	{"pkg/internal/transactions", nouns},
	{"pkg/internal/payments", nouns},
	{"pkg/internal/payouts", nouns},
	{"pkg/internal/refunds", nouns},
	{"pkg/internal/callbacks", nouns},
	{"pkg/internal/apikeys", nouns},

	{"pkg/internal/sep1", edges},
	{"pkg/internal/sep10", edges},
	{"pkg/internal/sep12", edges},
	{"pkg/internal/sep31", edges},
	{"pkg/internal/sep38", edges},
	{"pkg/internal/operations", edges},
	{"pkg/internal/openapi", edges},
	{"pkg/internal/httpserver", edges},
	{"pkg/internal/integration/declared", edges},
	{"pkg/internal/integration/remote", edges},
	{"pkg/internal/inspect", edges},
	{"config", edges},

	{"pkg/internal/app", wiring},

	{"pkg/cli", surface},
	{"pkg/anchortest", surface},
	{"pkg/internal/e2e", surface},         // tests only, of what is run
	{"pkg/internal/conformance", surface}, // used by tests only
}

// sameLayer lists the imports that are allowed although both sides are of one layer.
var sameLayer = map[string][]string{
	"pkg/anchor":                {"pkg/money"},
	"pkg/internal/transactions": {"pkg/internal/customers"},
	"pkg/internal/payouts":      {"pkg/internal/customers"},
	"pkg/anchortest":            {"pkg/cli"},
}

// public is what an integrator may import.
var public = []string{"config", "pkg/anchor", "pkg/money", "pkg/rails", "pkg/anchortest", "pkg/cli"}

// restriction: whatever lies in `of` is imported by `by` only, and in tests by everybody unless `tests` says otherwise.
type restriction struct {
	of    []string // import paths, ours as folders below the root
	by    []string // folders below the root
	tests bool     // tests keep to it as well
	why   string
}

var restrictions = []restriction{
	{
		of:  []string{"database/sql", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/pressly/goose"},
		by:  []string{"pkg/internal/store", "scripts"}, // scripts measure bare statements
		why: "only the store knows SQL",
	},
	{
		of:  []string{"github.com/spf13/viper", "github.com/spf13/cobra", "github.com/spf13/pflag"},
		by:  []string{"config", "pkg/cli"},
		why: "only config and cli know viper and cobra",
	},
	{
		of: []string{"github.com/labstack/echo"},
		by: []string{
			"pkg/internal/sep1", "pkg/internal/sep10", "pkg/internal/sep12", "pkg/internal/sep31", "pkg/internal/sep38",
			"pkg/internal/operations", "pkg/internal/openapi", "pkg/internal/httpserver", "pkg/internal/integration", "pkg/internal/inspect",
		},
		why: "only the edges know echo",
	},
	{
		of:  []string{"github.com/cockroachdb/apd"},
		by:  []string{"pkg/money"},
		why: "only money knows the decimal library",
	},
	{
		of:  []string{"config"},
		by:  []string{"pkg/internal/app", "pkg/cli", "pkg/anchortest", "scripts", "examples"},
		why: "settings reach the other packages as arguments",
	},
	{
		of:  []string{"pkg/internal/sandbox", "pkg/internal/sender"},
		by:  []string{"pkg/internal/app", "pkg/cli", "pkg/anchortest", "scripts"},
		why: "the network on this machine and the sending anchor are for demonstrations and tests",
	},
	{
		of: []string{"pkg/internal/store"},
		by: []string{
			"pkg/internal/assets", "pkg/internal/customers", "pkg/internal/quotes", "pkg/internal/transactions", "pkg/internal/payments",
			"pkg/internal/payouts", "pkg/internal/refunds", "pkg/internal/callbacks", "pkg/internal/apikeys", "pkg/internal/inspect",
			"pkg/internal/app", "pkg/cli", "pkg/anchortest", "scripts",
		},
		why: "handlers never see the store",
	},
	{
		of:    []string{"github.com/stellar/go"},
		tests: true,
		why:   "it moved to github.com/stellar/go-stellar-sdk",
	},
	{
		of: []string{
			"github.com/stretchr/testify/assert", "github.com/stretchr/testify/mock", "github.com/stretchr/testify/suite",
		},
		tests: true,
		why:   "tests use testify/require only",
	},
	{
		of:  []string{"github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/getkin/kin-openapi"},
		by:  []string{"pkg/anchortest"},
		why: "test libraries do not ship",
	},
	{
		of:    []string{"cmd", "scripts", "examples", "pkg/internal/architecture"},
		tests: true,
		why:   "nothing is built on top of it",
	},
}

// confined components import nothing of ours but what is listed.
var confined = map[string][]string{
	"pkg/money":            nil,
	"pkg/anchor":           {"pkg/money"},
	"pkg/rails":            {"pkg/anchor", "pkg/money"},
	"pkg/internal/sandbox": nil,
	"pkg/internal/sender":  nil, // it shares nothing with the anchor, else both could be wrong alike

	"pkg/internal/conformance": nil, // for the same reason
	"cmd":                      {"pkg/cli"},
	"examples":                 public,
}

// faults names every breach of the rules about imports, one line each.
func faults(packages []Package) []string {
	var found []string
	for _, p := range packages {
		found = append(found, layerFaults(p)...)
		found = append(found, restrictionFaults(p)...)
		found = append(found, confinementFaults(p)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func layerFaults(p Package) []string {
	if len(p.GoFiles) == 0 || !layered(p) {
		return nil
	}
	from, known := componentOf(p.path())
	if !known {
		return []string{fmt.Sprintf("%s has no layer: give it one in the list of components", p.path())}
	}
	var found []string
	for _, imported := range p.Imports {
		if !ours(imported) {
			continue
		}
		if why := layerFault(from, relative(imported)); why != "" {
			found = append(found, fmt.Sprintf("%s imports %s: %s", p.path(), relative(imported), why))
		}
	}
	return found
}

// layered tells whether the package has a place in the layers: programs, examples and test helpers have none.
func layered(p Package) bool {
	return !withinAny(p.path(), []string{"cmd", "examples", "scripts", "pkg/internal/architecture"}) && !testHelper(p.path())
}

// testHelper tells whether a package exists for tests only, which its name says: pgtest, storetest. They use what
// they like, and only tests may import them. The kit for integrators is no such helper.
func testHelper(path string) bool {
	return within(path, "pkg/internal") && slices.ContainsFunc(strings.Split(path, "/"), func(name string) bool {
		return strings.HasSuffix(name, "test")
	})
}

func componentOf(path string) (component, bool) {
	i := slices.IndexFunc(components, func(c component) bool { return within(path, c.folder) })
	if i < 0 {
		return component{}, false
	}
	return components[i], true
}

// layerFault says why the component may not import the path, or nothing.
func layerFault(from component, imported string) string {
	if testHelper(imported) {
		return "a test helper does not ship"
	}
	to, known := componentOf(imported)
	switch {
	case !known, to == from:
		return ""
	case to.layer > from.layer:
		return "imports point down the layers only"
	case to.layer == from.layer && !slices.Contains(sameLayer[from.folder], to.folder):
		return "packages of one layer do not import each other"
	}
	return ""
}

func restrictionFaults(p Package) []string {
	var found []string
	for _, r := range restrictions {
		for _, imported := range restrictedImports(p, r) {
			if name := relative(imported); withinAny(name, r.of) && !withinAny(p.path(), r.by) && !sameFolder(p.path(), name, r.of) {
				found = append(found, fmt.Sprintf("%s imports %s: %s", p.path(), name, r.why))
			}
		}
	}
	return found
}

// restrictedImports are the imports that the restriction looks at.
func restrictedImports(p Package, r restriction) []string {
	switch {
	case r.tests:
		return slices.Concat(p.Imports, p.TestImports, p.XTestImports)
	case testHelper(p.path()):
		return nil
	}
	return p.Imports
}

// sameFolder tells whether both paths lie in one of the folders: a package may import its own parts.
func sameFolder(path, imported string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return within(path, f) && within(imported, f) })
}

func confinementFaults(p Package) []string {
	var found []string
	for folder, allowed := range confined {
		if !within(p.path(), folder) {
			continue
		}
		for _, imported := range p.Imports {
			name := relative(imported)
			if ours(imported) && !within(name, folder) && !withinAny(name, allowed) {
				found = append(found, fmt.Sprintf("%s imports %s: of ours it may import %s only", p.path(), name, listed(allowed)))
			}
		}
	}
	return found
}

func listed(folders []string) string {
	if len(folders) == 0 {
		return "itself"
	}
	return strings.Join(folders, ", ")
}
