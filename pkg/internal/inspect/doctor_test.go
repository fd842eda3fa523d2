package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/inspect"
	"github.com/anchorkit/anchor/pkg/internal/payouts/payoutstest"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/storetest"
)

const passphrase = "Standalone Network ; February 2017"

// ward is an installation that is well, until a test changes it.
type ward struct {
	plan      inspect.Plan
	db        *store.DB // nil once it was handed over for good
	file      string
	receiving *keypair.Full
	issuer    string
	root      map[string]any
	account   map[string]any
	balance   map[string]any
	toml      string
	now       time.Time
}

// newWard makes a database with an asset and an account that is read, a Horizon and a server that serves our stellar.toml.
func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{receiving: keypair.MustRandom(), issuer: keypair.MustRandom().Address(), file: filepath.Join(t.TempDir(), "anchor.db")}
	signing := keypair.MustRandom().Address()
	w.toml = fmt.Sprintf("SIGNING_KEY=%q\nNETWORK_PASSPHRASE=%q\n", signing, passphrase)
	w.db = storetest.Open(t, "sqlite:"+w.file)
	var err error
	w.now, err = w.db.Clock(t.Context())
	require.NoError(t, err)
	w.fill(t)
	w.paint()
	horizon := httptest.NewServer(http.HandlerFunc(w.horizon))
	t.Cleanup(horizon.Close)
	host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(w.toml)) }))
	t.Cleanup(host.Close)
	w.plan = inspect.Plan{
		DatabaseFile: w.file, OpenDatabase: w.opening(storetest.Keys(t)), Passphrase: passphrase,
		Horizons: []inspect.NetworkAddress{{URL: horizon.URL + "/key-in-a-path", Header: http.Header{"X-Api-Key": {"hush"}}}},
		HostURL:  host.URL, SigningKey: signing, Admission: inspect.Admission{Listed: 2},
	}
	return w
}

func (w *ward) opening(keys store.Keyring) func(context.Context) (*store.DB, error) {
	return func(ctx context.Context) (*store.DB, error) {
		return store.OpenUnchecked(ctx, store.Options{URL: "sqlite:" + w.file, Keys: keys, Unsafe: true})
	}
}

func (w *ward) fill(t *testing.T) {
	t.Helper()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		account, err := tx.AddReceivingAccount(ctx, w.receiving.Address(), 1)
		if err != nil {
			return err
		}
		if _, err := tx.KeepSeed(ctx, account, w.receiving.Seed()); err != nil {
			return err
		}
		var a store.Asset
		a.Code, a.Issuer, a.Decimals, a.ReceivingAccount, a.Enabled, a.Sep31Enabled, a.FeePercent = "USDC", w.issuer, 2, w.receiving.Address(), true, true, "1"
		a.MaxUnits = 1_000_000_000
		if _, err := tx.CreateAsset(ctx, a, anchor.Change{Cause: anchor.CauseCreated, Actor: "test"}); err != nil {
			return err
		}
		_, err = tx.CreateCustomer(ctx, store.Owner{Account: payoutstest.Sending, MemoType: "id", Memo: "1"}, "test")
		return err
	}))
	w.readThrough(t, w.now, 100)
}

// readThrough moves the cursor of the account, as a watcher does.
func (w *ward) readThrough(t *testing.T, at time.Time, ledger int64) {
	t.Helper()
	require.NoError(t, w.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		from, err := tx.OpenCursor(ctx, w.receiving.Address(), passphrase, 1)
		if err != nil {
			return err
		}
		to := from
		to.Position, to.ThroughLedger, to.ThroughClosedUs = ledger<<32, ledger, at.UnixMicro()
		_, err = tx.MoveCursor(ctx, from, to, 1)
		return err
	}))
}

// paint makes what the Horizon answers.
func (w *ward) paint() {
	w.root = map[string]any{
		"network_passphrase": passphrase, "history_latest_ledger": 100, "history_latest_ledger_closed_at": w.now.Format(time.RFC3339),
		"history_elder_ledger": 1, "core_latest_ledger": 100, "current_protocol_version": 23,
	}
	w.balance = map[string]any{
		"balance": "5.0000000", "limit": "1000.0000000", "asset_type": "credit_alphanum4", "asset_code": "USDC", "asset_issuer": w.issuer,
		"is_authorized": true,
	}
	w.account = map[string]any{
		"account_id": w.receiving.Address(), "sequence": "1", "balances": []any{w.balance},
		"thresholds": map[string]any{"low_threshold": 0, "med_threshold": 2, "high_threshold": 2},
		"signers":    []any{map[string]any{"key": w.receiving.Address(), "type": "ed25519_public_key", "weight": 2}},
	}
}

func (w *ward) horizon(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/hal+json")
	switch {
	case strings.Contains(r.URL.Path, "/accounts/") && w.account != nil:
		_ = json.NewEncoder(rw).Encode(w.account)
	case strings.Contains(r.URL.Path, "/accounts/"):
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte(`{"type":"https://stellar.org/horizon-errors/not_found","title":"Resource Missing","status":404}`))
	default:
		_ = json.NewEncoder(rw).Encode(w.root)
	}
}

func (w *ward) troubles(t *testing.T) string {
	t.Helper()
	return w.wrong(t, inspect.Examine(t.Context(), w.plan))
}

// wrong are the findings that are not ok, one a line.
func (w *ward) wrong(t *testing.T, findings []inspect.Finding) string {
	t.Helper()
	var text []string
	for _, f := range findings {
		if f.OK {
			require.Empty(t, f.Mend, f.Check)
			continue
		}
		require.NotEmpty(t, f.Mend, f.Check)
		text = append(text, f.Check+": "+f.Text)
	}
	return strings.NewReplacer(w.receiving.Address(), "GRECV", w.plan.SigningKey, "GSIGN", w.file, "FILE").Replace(strings.Join(text, "\n"))
}

func TestDoctor_finds_nothing_wrong_where_all_is_well(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	require.Empty(t, w.troubles(t))
	var checks []string
	for _, f := range inspect.Examine(t.Context(), w.plan) {
		checks = append(checks, f.Check)
	}
	for _, check := range []string{
		"database", "database clock", "network of the database", "master keys", "HOST_URL", "disk", "watch-transactions",
		"execute-outgoing --loop", "poll-outgoing --loop", "serve", "account " + w.receiving.Address(), "trust line for USDC",
		"signer of " + w.receiving.Address(), "sending anchors",
	} {
		require.Contains(t, checks, check)
	}
}

func TestDoctor_names_what_is_wrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm func(*testing.T, *ward)
		want string
	}{
		"no database": {func(_ *testing.T, w *ward) { w.plan.DatabaseFile += ".other" }, "database: there is no file FILE.other"},
		"a database that is not to be opened": {func(_ *testing.T, w *ward) {
			w.plan.OpenDatabase = func(context.Context) (*store.DB, error) { return nil, fmt.Errorf("nobody there") }
		}, "database: cannot be opened: nobody there"},
		"an empty database": {func(t *testing.T, w *ward) {
			w.file = filepath.Join(t.TempDir(), "empty.db")
			require.NoError(t, os.WriteFile(w.file, nil, 0o600))
			w.plan.DatabaseFile = w.file
		}, "database: the database schema does not fit this program: it is empty; run 'anchor migrate'"},
		"no master key": {func(_ *testing.T, w *ward) { w.plan.OpenDatabase = w.opening(store.Keyring{}) },
			"master keys: the key \"test\", under which 2 secrets lie, is not there\n" +
				"signer of GRECV: its seed does not open: seed of GRECV: master key \"test\": no master key; set ANCHOR_MASTER_KEYS to the same keys as every other process"},
		"another network": {func(_ *testing.T, w *ward) { w.root["network_passphrase"] = "Other" },
			"HORIZON: serves the network \"Other\", but the settings name \"" + passphrase + "\""},
		"settings of another network": {func(_ *testing.T, w *ward) { w.plan.Passphrase, w.root["network_passphrase"] = "Other", "Other" },
			"network of the database: is \"" + passphrase + "\", but the settings name \"Other\"\n" +
				"HOST_URL: its stellar.toml names the network \"" + passphrase + "\", the settings \"Other\""},
		"a Horizon that is behind": {func(_ *testing.T, w *ward) { w.root["core_latest_ledger"] = 200 }, "HORIZON: is 100 ledgers behind its own core"},
		"a clock that is slow": {func(_ *testing.T, w *ward) {
			w.plan.Now = func() time.Time { return w.now.Add(-time.Hour - 30*time.Second) }
		},
			"clock against HORIZON: this machine's is 1 h slow"},
		"no account":    {func(_ *testing.T, w *ward) { w.account = nil }, "account GRECV: does not exist on the network"},
		"no trust line": {func(_ *testing.T, w *ward) { w.account["balances"] = []any{} }, "trust line for USDC: GRECV does not trust it: payments fail"},
		"an issuer that says no": {func(_ *testing.T, w *ward) { w.balance["is_authorized"] = false },
			"trust line for USDC: GRECV is not authorized by the issuer: payments fail"},
		"a line that is nearly full": {func(_ *testing.T, w *ward) { w.balance["balance"] = "999.0000000" }, "trust line for USDC: only 1 USDC more fit into it"},
		"a signer without weight": {func(_ *testing.T, w *ward) { w.account["signers"] = []any{} },
			"signer of GRECV: GRECV has weight 0 there, a payment needs 2"},
		"another server": {func(_ *testing.T, w *ward) { w.toml = strings.ReplaceAll(w.toml, "SIGNING_KEY", "OTHER") },
			"HOST_URL: its stellar.toml names the SIGNING_KEY \"\", ours is GSIGN"},
		"nobody who may send": {func(_ *testing.T, w *ward) { w.plan.Admission = inspect.Admission{} }, "sending anchors: nobody may send: the list is empty"},
		"a watcher that stands still": {func(t *testing.T, w *ward) { w.readThrough(t, w.now.Add(-12*time.Minute-30*time.Second), 101) },
			"watch-transactions: no watcher has read the account GRECV for 12 min (it was read through ledger 101)"},
		"history that is cut off": {func(_ *testing.T, w *ward) { w.root["history_elder_ledger"] = 150 },
			"watch-transactions: GRECV was read through ledger 100, and the history to be had begins at 150: payments between would be missed"},
		"settings": {func(_ *testing.T, w *ward) {
			w.plan.Settings = []inspect.Finding{{Check: "settings", Text: "HOST_URL is missing", Mend: "give it"}}
		}, "settings: HOST_URL is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			c.harm(t, w)
			horizon := strings.TrimPrefix(strings.TrimSuffix(w.plan.Horizons[0].URL, "/key-in-a-path"), "http://")
			require.Equal(t, c.want, strings.ReplaceAll(w.troubles(t), "Horizon "+horizon, "HORIZON"))
		})
	}
}

func TestDoctor_makes_no_database_where_there_is_none(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.file = filepath.Join(t.TempDir(), "none.db")
	w.plan.DatabaseFile = w.file
	require.Contains(t, w.troubles(t), "there is no file FILE")
	require.NoFileExists(t, w.file)
}

func TestDoctor_knows_a_master_key_of_the_right_name_and_other_bytes(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	wrong, err := store.Keyring{}.Add("test", bytes.Repeat([]byte{8}, 32))
	require.NoError(t, err)
	w.plan.OpenDatabase = w.opening(wrong)
	found := w.troubles(t)
	require.Contains(t, found, "master keys: do not open customers/")
	require.Contains(t, found, "receiving_accounts/GRECV")
	require.NotContains(t, found, w.receiving.Seed())
}

func TestDoctor_sees_what_the_processes_leave_undone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := payoutstest.New(t, db)
		w.Funded(3)
		b, err := db.BacklogOf(t.Context(), -time.Hour) // what is due within the hour
		require.NoError(t, err)
		require.Equal(t, int64(3), b.Ready[payoutstest.Rail].Number)
		require.False(t, b.Ready[payoutstest.Rail].Oldest.IsZero())
		require.Zero(t, b.UnderWay.Number+b.ToPrice.Number+b.Callbacks.Number+b.Refunds.Number)
		b, err = db.BacklogOf(t.Context(), time.Hour)
		require.NoError(t, err)
		require.Zero(t, b.Ready[payoutstest.Rail].Number)
	})
}

func TestDoctor_ends_although_nothing_answers(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	released := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(released) })
	w.plan.Timeout = 50 * time.Millisecond
	w.plan.OpenDatabase = func(context.Context) (*store.DB, error) { <-released; return nil, context.Canceled }
	w.plan.Horizons[0].URL, w.plan.HostURL = silent.URL, silent.URL
	done := make(chan []inspect.Finding, 1)
	go func() { done <- inspect.Examine(t.Context(), w.plan) }()
	select {
	case findings := <-done:
		found := w.wrong(t, findings)
		require.Contains(t, found, "database: did not answer within 50ms")
		require.Contains(t, found, "HOST_URL: is not reached from here")
		require.Equal(t, 3, strings.Count(found, "\n")+1, found)
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
}

func TestDoctor_looks_at_the_Stellar_RPC_where_payments_are_read_from_it(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.plan.RPC = &inspect.NetworkAddress{URL: "http://127.0.0.1:1/hush"}
	found := w.troubles(t)
	require.True(t, strings.HasPrefix(found, "Stellar RPC 127.0.0.1:1: "), found)
	require.NotContains(t, found, "hush")
	require.NotContains(t, found, "\n")
}

func TestDoctor_repeats_no_key(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.root["network_passphrase"] = "Other"
	found, err := json.Marshal(inspect.Examine(t.Context(), w.plan))
	require.NoError(t, err)
	require.NotContains(t, string(found), "hush")
	require.NotContains(t, string(found), "key-in-a-path")
}
