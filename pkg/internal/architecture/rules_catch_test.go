package architecture

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// shipped is a package of ours with one source file.
func shipped(path string, imports ...string) Package {
	return Package{ImportPath: full(path), GoFiles: []string{"file.go"}, Imports: fullAll(imports)}
}

// tested is a package of which only the tests import something.
func tested(path string, imports ...string) Package {
	return Package{ImportPath: full(path), GoFiles: []string{"file.go"}, XTestImports: fullAll(imports)}
}

func full(path string) string {
	if withinAny(path, []string{"pkg", "config", "cmd", "examples", "scripts"}) {
		return module + "/" + path
	}
	return path
}

func fullAll(paths []string) []string {
	all := make([]string, 0, len(paths))
	for _, path := range paths {
		all = append(all, full(path))
	}
	return all
}

func TestFaults_names_an_import_that_breaks_a_rule(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		breach Package
		fault  string
	}{
		"up the layers":                     {shipped("pkg/internal/payouts", "pkg/internal/sep31"), "imports point down the layers only"},
		"from the words up":                 {shipped("pkg/anchor", "pkg/internal/store"), "imports point down the layers only"},
		"from an edge to the wiring":        {shipped("pkg/internal/sep12", "pkg/internal/app"), "imports point down the layers only"},
		"between nouns":                     {shipped("pkg/internal/payments", "pkg/internal/payouts"), "packages of one layer do not import each other"},
		"against an exception's direction":  {shipped("pkg/internal/customers", "pkg/internal/transactions"), "packages of one layer do not import each other"},
		"between foundations":               {shipped("pkg/internal/worker", "pkg/internal/store"), "packages of one layer do not import each other"},
		"between edges":                     {shipped("pkg/internal/sep31", "pkg/internal/sep10"), "packages of one layer do not import each other"},
		"between integrations":              {shipped("pkg/internal/integration/remote", "pkg/internal/integration/declared"), "packages of one layer do not import each other"},
		"money to words":                    {shipped("pkg/money", "pkg/anchor"), "packages of one layer do not import each other"},
		"from a part of a component":        {shipped("pkg/internal/stellar/rpc", "pkg/internal/store"), "packages of one layer do not import each other"},
		"a package without a layer":         {shipped("pkg/internal/helpers"), "has no layer"},
		"SQL in a service":                  {shipped("pkg/internal/payments", "database/sql"), "only the store knows SQL"},
		"a driver in the wiring":            {shipped("pkg/internal/app", "modernc.org/sqlite"), "only the store knows SQL"},
		"a part of a driver in a rail":      {shipped("pkg/rails/simulated", "github.com/jackc/pgx/v5/stdlib"), "only the store knows SQL"},
		"migrations in the commands":        {shipped("pkg/cli", "github.com/pressly/goose/v3"), "only the store knows SQL"},
		"viper in the wiring":               {shipped("pkg/internal/app", "github.com/spf13/viper"), "only config and cli know viper and cobra"},
		"cobra in a program":                {shipped("cmd/anchor", "github.com/spf13/cobra"), "only config and cli know viper and cobra"},
		"echo in a service":                 {shipped("pkg/internal/customers", "github.com/labstack/echo/v4"), "only the edges know echo"},
		"decimals outside money":            {shipped("pkg/internal/quotes", "github.com/cockroachdb/apd/v3"), "only money knows the decimal library"},
		"settings in an edge":               {shipped("pkg/internal/httpserver", "config"), "settings reach the other packages as arguments"},
		"the sandbox in the network":        {shipped("pkg/internal/stellar", "pkg/internal/sandbox"), "for demonstrations and tests"},
		"the sending anchor in a service":   {shipped("pkg/internal/callbacks", "pkg/internal/sender"), "for demonstrations and tests"},
		"a handler that sees the store":     {shipped("pkg/internal/sep31", "pkg/internal/store"), "handlers never see the store"},
		"a part of the store in an edge":    {shipped("pkg/internal/integration/declared", "pkg/internal/store/sqlite"), "handlers never see the store"},
		"the old path of the SDK":           {shipped("pkg/internal/stellar", "github.com/stellar/go/txnbuild"), "it moved to github.com/stellar/go-stellar-sdk"},
		"the old path of the SDK in a test": {tested("pkg/internal/stellar", "github.com/stellar/go/xdr"), "it moved to github.com/stellar/go-stellar-sdk"},
		"assert in a test":                  {tested("pkg/money", "github.com/stretchr/testify/assert"), "tests use testify/require only"},
		"mock in a test":                    {tested("pkg/money", "github.com/stretchr/testify/mock"), "tests use testify/require only"},
		"suite in a test":                   {tested("pkg/money", "github.com/stretchr/testify/suite"), "tests use testify/require only"},
		"a test library that ships":         {shipped("pkg/internal/store", "github.com/stretchr/testify/require"), "test libraries do not ship"},
		"a test helper that ships":          {shipped("pkg/internal/store", "pkg/internal/pgtest"), "a test helper does not ship"},
		"a program as a library":            {shipped("pkg/cli", "cmd/anchor"), "nothing is built on top of it"},
		"an example that looks inside":      {shipped("examples/crossborder", "pkg/internal/store"), "of ours it may import config, pkg/anchor"},
		"a rail that looks inside":          {shipped("pkg/rails/simulated", "pkg/internal/outbound"), "of ours it may import pkg/anchor, pkg/money only"},
		"a sender that shares our words":    {shipped("pkg/internal/sender", "pkg/anchor"), "of ours it may import itself only"},
		"a sandbox that shares our network": {shipped("pkg/internal/sandbox", "pkg/internal/stellar"), "of ours it may import itself only"},
		"a program past the commands":       {shipped("cmd/anchor", "pkg/internal/app"), "of ours it may import pkg/cli only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := faults([]Package{tc.breach})
			require.NotEmpty(t, found)
			for _, fault := range found {
				require.Contains(t, fault, tc.breach.path())
			}
			require.Condition(t, func() bool { return containsText(found, tc.fault) }, "%q is none of %q", tc.fault, found)
		})
	}
}

func TestFaults_is_silent_about_the_layout_as_it_is_meant(t *testing.T) {
	t.Parallel()
	require.Empty(t, faults([]Package{
		shipped("pkg/money", "github.com/cockroachdb/apd/v3"),
		shipped("pkg/anchor", "pkg/money"),
		shipped("pkg/internal/store", "pkg/anchor", "pkg/money", "database/sql", "modernc.org/sqlite", "github.com/jackc/pgx/v5/stdlib", "pkg/internal/store/queries"),
		shipped("pkg/internal/store/queries", "database/sql", "pkg/internal/store/types"),
		shipped("pkg/internal/stellar", "pkg/money", "github.com/stellar/go-stellar-sdk/xdr"),
		shipped("pkg/internal/sandbox", "github.com/stellar/go-stellar-sdk/txnbuild"),
		shipped("pkg/internal/customers", "pkg/internal/store", "pkg/anchor"),
		shipped("pkg/internal/transactions", "pkg/internal/customers", "pkg/internal/store"),
		shipped("pkg/internal/payouts", "pkg/internal/customers", "pkg/internal/worker"),
		shipped("pkg/internal/sep31", "pkg/internal/transactions", "github.com/labstack/echo/v4"),
		shipped("pkg/internal/httpserver", "pkg/anchor", "github.com/labstack/echo/v4/middleware"),
		shipped("pkg/internal/integration/declared", "pkg/rails/simulated", "pkg/anchor"),
		shipped("pkg/rails/simulated", "pkg/anchor"),
		shipped("config", "github.com/spf13/viper"),
		shipped("pkg/internal/app", "config", "pkg/internal/sep31", "pkg/internal/store", "pkg/internal/sandbox"),
		shipped("pkg/cli", "pkg/internal/app", "config", "github.com/spf13/cobra", "pkg/internal/sender"),
		shipped("pkg/anchortest", "pkg/internal/app", "github.com/stretchr/testify/require"),
		shipped("pkg/internal/pgtest", "github.com/jackc/pgx/v5"),
		shipped("cmd/anchor", "pkg/cli"),
		shipped("examples/crossborder", "pkg/cli", "pkg/anchor", "examples/crossborder/bank"),
		shipped("scripts/bare", "database/sql", "modernc.org/sqlite"),
		tested("pkg/internal/worker", "github.com/stretchr/testify/require", "pkg/internal/pgtest", "pkg/internal/sandbox", "database/sql"),
		{ImportPath: module + "/pkg/internal/endtoend", XTestGoFiles: []string{"file_test.go"}, XTestImports: []string{module + "/pkg/cli"}},
	}))
}
