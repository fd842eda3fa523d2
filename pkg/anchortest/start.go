package anchortest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
	"github.com/anchorkit/anchor/pkg/rails/simulated"
)

// Options say what is special about an anchor. The zero value is an anchor whose business is all declared, and whose bank
// is the simulated one, which delivers at once.
type Options struct {
	// Setup makes the business, as for cli.Main; nil: all is declared. A rail of the name "simulated" takes the place of the
	// built-in bank.
	Setup func(context.Context, anchor.Host) (anchor.Business, error)
	// YAML is anchor.yaml; empty: two customer types (SenderType, ReceiverType), accepted automatically, and one funding
	// method (FundingMethod) by the rail "simulated". A simulated rail whose file is not named has Anchor.Bank; other names of
	// files are in the folder of the database, unless they are absolute.
	YAML string
	// Settings are further settings, by the names of their environment variables (docs/settings.md). The machine's own
	// environment and .env are not read.
	Settings map[string]string
	// FeeFixed and FeePercent are the fee of the asset, decimal, in its units and in percent of the amount; empty: none.
	FeeFixed, FeePercent string
	// Issuer issues the asset (AssetCode); zero: a new account.
	Issuer Account
	// LedgerEvery is the time between two ledgers; zero: 20 milliseconds. See Anchor.PaceLedgers.
	LedgerEvery time.Duration
	// Log takes the anchor's log; nil: warnings and errors go to the log of the test.
	Log *slog.Logger
}

// Anchor is a running anchor with its network and its bank. Its methods are safe for concurrent use.
type Anchor struct {
	HomeURL    string         // where it serves: stellar.toml is at HomeURL/.well-known/stellar.toml
	HorizonURL string         // of its network; docs/sandbox.md tells what can be asked of it below HorizonURL/sandbox
	Passphrase string         // of its network
	Issuer     Account        // of the asset that it receives
	Bank       simulated.Bank // of the simulated rail: ask it who was paid
	Operations anchor.Operations

	world *world
}

// Asset is the SEP-38 id of the asset that the anchor receives.
func (a *Anchor) Asset() string { return "stellar:" + AssetCode + ":" + a.Issuer.Address }

// PaceLedgers sets the time between two ledgers of the network. With zero none closes by itself: what is paid then stays
// unseen until CloseLedger, and whoever pays waits for it.
func (a *Anchor) PaceLedgers(every time.Duration) { a.world.pace(every) }

// CloseLedger closes a ledger of the network now.
func (a *Anchor) CloseLedger() { a.world.network.CloseLedger() }

// How long an anchor may take to start and to end.
const (
	startBound = 30 * time.Second
	stopBound  = 10 * time.Second
)

// Start runs an anchor until the test ends: all of its roles in this process, over a fresh SQLite database in a temporary
// folder, on a Stellar network of its own. It takes a fraction of a second; when it returns, the anchor serves. What goes
// wrong at the start ends the test at once; a role that ends before the test fails it. Several may run side by side.
func Start(t testing.TB, o Options) *Anchor {
	t.Helper()
	w := &world{dir: t.TempDir(), log: o.Log, ended: make(chan struct{})}
	w.world = w
	if w.log == nil {
		w.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Errorf("the anchor: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), startBound)
	defer cancel()
	if err := w.start(ctx, o); err != nil {
		t.Fatalf("start an anchor: %v", err)
	}
	return &w.Anchor
}

// world is what an Anchor is made of.
type world struct {
	Anchor
	dir     string
	log     *slog.Logger
	network *sandbox.Network
	host    anchor.Host
	ticker  *time.Ticker  // of the ledgers
	ended   chan struct{} // closed when the anchor has ended, with end
	end     error

	mu      sync.Mutex
	closers []func() error // of what was started, in that order
}

func (w *world) start(ctx context.Context, o Options) (err error) {
	if w.Issuer, err = o.Issuer.orNew(); err != nil {
		return err
	}
	w.Bank = simulated.Bank(filepath.Join(w.dir, "simulated-bank.jsonl"))
	if err := w.startNetwork(); err != nil {
		return fmt.Errorf("the network: %w", err)
	}
	listener, err := listen()
	if err != nil {
		return err
	}
	w.HomeURL = "http://" + listener.Addr().String()
	w.onStop(func() error { return closeListener(listener) })
	settings, err := w.load(o)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := w.migrate(ctx, settings); err != nil {
		return fmt.Errorf("the database: %w", err)
	}
	if err := w.issue(ctx, settings, o); err != nil {
		return fmt.Errorf("the asset: %w", err)
	}
	if err := w.runAnchor(settings, listener, o); err != nil {
		return err
	}
	if o.LedgerEvery <= 0 {
		o.LedgerEvery = fastLedger
	}
	w.pace(o.LedgerEvery)
	return w.awaitReady(ctx)
}

func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// closeListener closes what nobody may have taken over.
func closeListener(l net.Listener) error {
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// onStop has something done at the end of the test, before what was started earlier ends.
func (w *world) onStop(do func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closers = append(w.closers, do)
}

func (w *world) stop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for _, do := range slices.Backward(w.closers) {
		errs = append(errs, do())
	}
	return errors.Join(errs...)
}

func (w *world) migrate(ctx context.Context, s config.Settings) error {
	db, err := store.OpenUnchecked(ctx, app.StoreOptions(s, store.Keyring{}, w.log))
	if err != nil {
		return err
	}
	_, err = db.MigrateUp(ctx)
	return errors.Join(err, db.Close())
}

func (w *world) issue(ctx context.Context, s config.Settings, o Options) error {
	a, err := app.Open(ctx, app.Options{Settings: s, Role: config.RoleAssets, Log: w.log})
	if err != nil {
		return err
	}
	spec := assets.IssueSpec{Spec: assets.Spec{Code: AssetCode, Actor: "anchortest"}}
	if spec.IssuerSeed, err = assets.ParseSeed(w.Issuer.Seed); err != nil {
		return errors.Join(fmt.Errorf("its issuer: %w", err), a.Close())
	}
	for _, method := range s.FundingMethods {
		spec.Terms.FundingMethods = append(spec.Terms.FundingMethods, method.Name)
	}
	if o.FeeFixed != "" {
		spec.Terms.FeeFixed = &o.FeeFixed
	}
	if o.FeePercent != "" {
		spec.Terms.FeePercent = &o.FeePercent
	}
	_, err = a.Assets().Issue(ctx, spec)
	return errors.Join(err, a.Close())
}

// runAnchor opens the anchor and runs all its roles until stop.
func (w *world) runAnchor(s config.Settings, listener net.Listener, o Options) error {
	hard, endHard := context.WithCancel(context.Background())
	a, err := app.Open(hard, app.Options{Settings: s, Role: config.RoleRun, Setup: w.setup(o), Log: w.log, Listener: listener})
	if err != nil {
		endHard()
		return err
	}
	w.Operations = w.host.Anchor
	soft, endSoft := context.WithCancel(hard)
	go func() {
		w.end = errors.Join(a.Run(worker.Life{Soft: soft, Hard: hard}), a.Close())
		close(w.ended)
	}()
	w.onStop(func() error {
		defer endHard()
		byItself := w.over()
		endSoft()
		bound := time.AfterFunc(stopBound, endHard)
		defer bound.Stop()
		<-w.ended
		if byItself {
			return errors.Join(errEnded, w.end)
		}
		return w.end
	})
	return nil
}

var errEnded = errors.New("it ended before it was told to")

// over tells whether the anchor has ended.
func (w *world) over() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// setup is the business' own, or none; it keeps what the anchor gives to a business.
func (w *world) setup(o Options) func(context.Context, anchor.Host) (anchor.Business, error) {
	return func(ctx context.Context, h anchor.Host) (anchor.Business, error) {
		w.host = h
		if o.Setup == nil {
			return anchor.Business{}, nil
		}
		return o.Setup(ctx, h)
	}
}

// awaitReady returns when the anchor answers, or will never.
func (w *world) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-w.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := get(ctx, w.HomeURL+"/.well-known/stellar.toml")
	if w.over() {
		return errEnded // stop says why
	}
	return err
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return nil
}
