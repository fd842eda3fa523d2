package conformance_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stretchr/testify/require"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/conformance"
	"github.com/anchorkit/anchor/pkg/internal/pgtest"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

const assetCode = "USDC"

// world is a network and an anchor on it that serves.
type world struct {
	*testing.T
	home     string // where the anchor serves
	operator string // where its operator asks it
	horizon  string
	network  *sandbox.Network
	issuer   *keypair.Full
	signing  *keypair.Full // SIGNING_KEY
	sender   *keypair.Full // a sending anchor that is admitted in any case
	settings config.Settings
}

// plan says what is special about a world.
type plan struct {
	rail   anchor.Rails // pays in place of the settings' rail, with all roles at work; nil: the anchor serves only
	public bool         // not LOCAL_MODE: as on the internet, behind a proxy that ends TLS
	more   []string     // further variables of the environment
}

// unlimited is a plan for many clients on one machine.
func unlimited() plan {
	return plan{more: []string{"ANCHOR_LIMIT_REQUESTS_PER_ADDRESS=0", "ANCHOR_LIMIT_LOGINS_PER_ADDRESS=0", "ANCHOR_LIMIT_CUSTOMERS_PER_ADDRESS=0"}}
}

// eachEngine runs a test on both databases at once.
func eachEngine(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, engine, plan{}))
		})
	}
}

func newWorld(t *testing.T, engine string, p plan) *world {
	t.Helper()
	w := &world{T: t, issuer: keypair.MustRandom(), signing: keypair.MustRandom(), sender: keypair.MustRandom()}
	w.runNetwork()
	listener, operator := listen(t), listen(t)
	w.home, w.operator = "http://localhost:"+portOf(listener), "http://"+operator.Addr().String()
	require.NoError(t, operator.Close(), "the anchor opens it itself")
	dir := t.TempDir()
	database := "sqlite:" + filepath.Join(dir, "anchor.db")
	if engine == "postgres" {
		database = pgtest.URL(t)
	}
	w.load(dir, append(w.environment(database), p.environment(w)...))
	w.prepareDatabase()
	w.serve(listener, p.rail)
	return w
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

func portOf(l net.Listener) string { return fmt.Sprint(l.Addr().(*net.TCPAddr).Port) }

func (w *world) runNetwork() {
	w.network = sandbox.New(sandbox.Options{CloseEvery: 20 * time.Millisecond})
	server := httptest.NewServer(w.network.Handler())
	w.horizon = server.URL
	w.running(w.network.Run)
	w.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
}

// running runs something until the test has ended; it must end well.
func (w *world) running(run func(context.Context) error) {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	w.Cleanup(func() {
		end()
		require.NoError(w, <-ended)
	})
}

func (w *world) environment(database string) []string {
	return []string{
		"HORIZON_URI=" + w.horizon, "STELLAR_NETWORK_PASSPHRASE=" + w.network.Passphrase(),
		"DATABASE_URL=" + database, "SIGNING_SEED=" + w.signing.Seed(), "SERVER_JWT_KEY=" + randomKey(), "ANCHOR_MASTER_KEYS=first:" + randomKey(),
		"ACTIVE_SEPS=sep-1,sep-10,sep-12,sep-31,sep-38",
	}
}

func (p plan) environment(w *world) []string {
	if p.public {
		return append(p.more, "HOST_URL="+strings.Replace(w.home, "http:", "https:", 1), "ANCHOR_SENDING_ANCHORS="+w.sender.Address())
	}
	return append(p.more, "LOCAL_MODE=1", "HOST_URL="+w.home)
}

func randomKey() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(raw)
}

func (w *world) load(dir string, environment []string) {
	w.Helper()
	require.NoError(w, os.WriteFile(filepath.Join(dir, "anchor.yaml"), []byte(w.yaml(filepath.Join(dir, "bank.jsonl"))), 0o600))
	settings, err := config.Load(config.Source{
		Dir: dir, Environ: environment, Setenv: func(string, string) error { return nil },
		Flags: map[string]string{"server.operator_listen": w.operator[len("http://"):]},
	})
	require.NoError(w, err)
	w.settings = settings
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// prepareDatabase migrates it and issues the asset.
func (w *world) prepareDatabase() {
	w.Helper()
	db, err := store.OpenUnchecked(w.Context(), app.StoreOptions(w.settings, store.Keyring{}, quiet()))
	require.NoError(w, err)
	_, err = db.MigrateUp(w.Context())
	require.NoError(w, err)
	require.NoError(w, db.Close())

	a, err := app.Open(w.Context(), app.Options{Settings: w.settings, Role: config.RoleAssets, Log: quiet()})
	require.NoError(w, err)
	fixed, percent := "0.5", "0.5"
	seed, err := assets.ParseSeed(w.issuer.Seed())
	require.NoError(w, err)
	_, err = a.Assets().Issue(w.Context(), assets.IssueSpec{IssuerSeed: seed, Spec: assets.Spec{
		Code: assetCode, Actor: "test", Terms: assets.Terms{FeeFixed: &fixed, FeePercent: &percent, FundingMethods: []string{"SEPA"}},
	}})
	require.NoError(w, err)
	require.NoError(w, a.Close())
}

func (w *world) serve(listener net.Listener, rail anchor.Rails) {
	w.Helper()
	o := app.Options{Settings: w.settings, Role: config.RoleServe, Log: quiet(), Listener: listener}
	run := (*app.App).Serve
	if rail != nil {
		o.Role, run = config.RoleRun, (*app.App).Run
		o.Setup = func(context.Context, anchor.Host) (anchor.Business, error) {
			return anchor.Business{Rails: map[string]anchor.Rail{"bank": {Rails: rail}}}, nil
		}
	}
	a, err := app.Open(w.Context(), o)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, a.Close()) })
	w.running(func(ctx context.Context) error {
		return run(a, worker.Life{Soft: ctx, Hard: context.WithoutCancel(ctx)})
	})
}

// suite judges this world's anchor.
func (w *world) suite() conformance.Suite {
	named := map[string]string{"first_name": "Ada", "last_name": "Lovelace"}
	return conformance.Suite{
		Home: w.home, Horizon: w.horizon, Passphrase: w.network.Passphrase(), PollEvery: 20 * time.Millisecond,
		HTTP: &http.Client{Timeout: time.Minute},
		Customers: conformance.Customers{
			Created: conformance.Person{Type: "sep31-sender", Fields: named}, Deleted: conformance.Person{Fields: named},
			Sending: conformance.Person{Type: "sep31-sender", Fields: named},
			Receiving: conformance.Person{Type: "sep31-receiver", Fields: map[string]string{
				"first_name": "Bruno", "bank_account_number": "DE89370400440532013000",
			}},
		},
	}
}

func (w *world) yaml(bank string) string {
	return fmt.Sprintf(`customers:
  types:
    - name: sep31-sender
      side: sender
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: last_name, description: family name}
    - name: sep31-receiver
      side: receiver
      accept: automatic
      fields:
        - {name: first_name, description: given name}
        - {name: bank_account_number, description: number of the bank account}
        - {name: photo_id_front, type: binary, description: picture of the passport, optional: true}
rails:
  - {name: bank, kind: simulated, outcome: accepted, after: 1h, file: %s}
funding_methods:
  - {name: SEPA, rail: bank}
offchain_assets:
  - asset: iso4217:EUR
    decimals: 2
    country_codes: [DE]
    buy_delivery_methods:
      - {name: SEPA, description: to a bank account in euros}
exchange_pairs:
  - {sell: "stellar:%s:%s", buy: "iso4217:EUR", rate: "0.92", spread_percent: "0.5", fee_fixed: "0.5", fee_percent: "0.5"}
`, bank, assetCode, w.issuer.Address())
}
