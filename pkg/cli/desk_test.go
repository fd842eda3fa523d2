package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

// desk is where an operator calls commands over a database that tests can fill.
type desk struct {
	*testing.T
	*payoutstest.World
	dir    string
	setup  Setup
	stderr string
}

func newDesk(t *testing.T) *desk {
	d := &desk{T: t, dir: t.TempDir()}
	d.World = payoutstest.New(t, storetest.Open(t, "sqlite:"+filepath.Join(d.dir, "anchor.db")))
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "anchor.yaml"), []byte(`
rails:
  - {name: bank, kind: simulated}
  - {name: pix, kind: own}
funding_methods:
  - {name: SEPA, rail: bank}
`), 0o600))
	return d
}

// call runs a command and returns its exit code and what it printed.
func (d *desk) call(args ...string) (code int, stdout string) {
	d.Helper()
	var out, errs bytes.Buffer
	code = Run(d.Context(), Process{
		Args: args, Stdout: &out, Stderr: &errs, Stdin: &bytes.Buffer{}, Dir: d.dir, Setup: d.setup,
		Environ: []string{"DATABASE_URL=sqlite:" + filepath.Join(d.dir, "anchor.db")},
	})
	d.stderr = errs.String()
	return code, out.String()
}

// done runs a command that must succeed.
func (d *desk) done(args ...string) string {
	d.Helper()
	code, out := d.call(args...)
	require.Zero(d, code, "%v: %s", args, d.stderr)
	return out
}

// refused runs a command that must fail in that way and says so on standard error.
func (d *desk) refused(code int, says string, args ...string) {
	d.Helper()
	got, out := d.call(args...)
	require.Equal(d, code, got, "%v: %s", args, out+d.stderr)
	require.Contains(d, d.stderr, says)
}

// read runs a command with --json and reads what it prints.
func read[T any](d *desk, args ...string) (v T) {
	d.Helper()
	require.NoError(d, json.Unmarshal([]byte(d.done(append(args, "--json")...)), &v))
	return v
}

// rail answers every sending with one outcome.
type rail struct{ outcome anchor.Outcome }

func (r rail) ExecuteOutgoing(context.Context, anchor.Payout) (anchor.Outcome, error) {
	return r.outcome, nil
}

func (r rail) PollOutgoing(context.Context, []anchor.Payout) (map[anchor.PayoutKey]anchor.Outcome, error) {
	return nil, nil
}

// execute sends what is ready by the rail "bank", which answers that.
func (d *desk) execute(answer anchor.Outcome) {
	d.Helper()
	s := payouts.New(d.DB, map[string]anchor.Rail{payoutstest.Rail: {Rails: rail{answer}}}, nil, payouts.Options{Owner: "test"})
	_, err := s.Execute(d.Context(), d.Context())
	require.NoError(d, err)
}

// dead makes callbacks about so many transactions that were given up, and returns their ids.
func (d *desk) dead(n int) (ids []string) {
	d.Helper()
	for _, id := range d.FundedBy(n, func(t *store.Transaction, _ *store.Payout) { t.CallbackUrl = "https://sending.example/" }) {
		rows, err := d.DB.CallbacksOf(d.Context(), store.SubjectTransaction, id)
		require.NoError(d, err)
		require.NotEmpty(d, rows)
		claims, err := d.DB.ClaimCallbacks(d.Context(), []string{rows[0].ID}, 1<<40)
		require.NoError(d, err)
		require.Len(d, claims, 1)
		_, err = d.DB.SettleCallbacks(d.Context(), []store.CallbackResult{
			{Claim: claims[0], State: store.CallbackDead, Attempts: 24, Answer: "HTTP 503"},
		})
		require.NoError(d, err)
		ids = append(ids, rows[0].ID)
	}
	return ids
}
