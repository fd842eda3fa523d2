package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"golang.org/x/sync/errgroup"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/app"
	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/sandbox"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/worker"
)

// demo is a whole world in one process: a Stellar network, an anchor and sending anchors that make transfers.
type demo struct {
	*shared
	transfers int
	exit      bool
	verbose   bool

	dir        string
	horizon    string
	settings   config.Settings
	log        *slog.Logger
	listener   net.Listener
	issuerSeed assets.Seed
}

// The demo's network closes ledgers faster than a real one, so that nobody waits.
const (
	demoLedger    = 500 * time.Millisecond
	demoAsset     = "USDC"
	demoFunding   = "SEPA"
	demoTransfers = 20
)

func demoCommand(s *shared) *cobra.Command {
	d := &demo{shared: s}
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a network, an anchor and real transfers, all on this machine",
		Long: `Starts a Stellar network on this machine, an anchor over a fresh database in a temporary folder, and sending anchors that
log in, register people, agree transactions, pay them on the network and follow them until the recipients are paid.
It needs no settings, no network and no server. Afterwards it stays up for exploring, unless --exit is given.`,
		Example: `  anchor demo
  anchor demo --transfers 20 --exit`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			life, end := worker.NewLife(c.Context(), s.Signals, 10*time.Second)
			defer end()
			err := d.run(life)
			if errors.Is(err, context.Canceled) && life.Soft.Err() != nil && c.Context().Err() == nil {
				return nil // ended by a signal
			}
			return err
		},
	}
	c.Flags().IntVar(&d.transfers, "transfers", demoTransfers, "how many transfers to make")
	c.Flags().BoolVar(&d.exit, "exit", false, "end when the transfers have")
	c.Flags().BoolVar(&d.verbose, "verbose", false, "show the anchor's log")
	return c
}

func (d *demo) run(life worker.Life) (err error) {
	if d.transfers < 1 {
		return usageError{fmt.Errorf("--transfers must be at least 1, not %d", d.transfers)}
	}
	if d.dir, err = os.MkdirTemp("", "anchor-demo-"); err != nil {
		return fmt.Errorf("a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	logs := io.Discard
	if d.verbose {
		logs = d.Stderr
	}
	d.log = slog.New(slog.NewTextHandler(logs, nil))

	world, leave := context.WithCancel(life.Soft)
	defer leave()
	group, world := errgroup.WithContext(world)
	if err := d.startNetwork(world, group); err != nil {
		return err
	}
	if err := d.prepare(world); err != nil {
		leave()
		return errors.Join(err, group.Wait())
	}
	group.Go(func() error { return d.runAnchor(worker.Life{Soft: world, Hard: life.Hard}) })
	group.Go(func() error {
		defer leave()
		return d.transferAll(world)
	})
	return group.Wait()
}

// startNetwork runs the Stellar network on a free port.
func (d *demo) startNetwork(ctx context.Context, group *errgroup.Group) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the network: %w", err)
	}
	d.horizon = "http://" + listener.Addr().String()
	stellar := sandbox.New(sandbox.Options{Passphrase: network.TestNetworkPassphrase, CloseEvery: demoLedger, Log: d.log})
	group.Go(func() error { return serveSandbox(ctx, stellar, listener) })
	fmt.Fprintf(d.Stdout, "a Stellar network runs on %s\n", d.horizon)
	return nil
}

// prepare writes the anchor's settings, makes its database and issues its asset.
func (d *demo) prepare(ctx context.Context) (err error) {
	if d.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen for the anchor: %w", err)
	}
	if err := writeNew(filepath.Join(d.dir, "anchor.yaml"), inFolder(d.dir, firstYAML), 0o600); err != nil {
		return err
	}
	if d.settings, err = d.demoSettings(); err != nil {
		return err
	}
	db, err := store.OpenUnchecked(ctx, app.StoreOptions(d.settings, store.Keyring{}, d.log))
	if err != nil {
		return err
	}
	_, err = db.MigrateUp(ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := d.issue(ctx); err != nil {
		return err
	}
	fmt.Fprintf(d.Stdout, "an anchor runs on %s, its database in %s\n", d.settings.Server.HostURL, d.dir)
	return nil
}

// inFolder keeps the simulated bank's ledger out of the working directory.
func inFolder(dir, yaml string) string {
	const file = "simulated-bank.jsonl"
	return strings.ReplaceAll(yaml, file, filepath.Join(dir, file))
}

func (d *demo) demoSettings() (config.Settings, error) {
	signing, err := keypair.Random()
	if err != nil {
		return config.Settings{}, err
	}
	return config.Load(config.Source{
		Dir: d.dir, Setenv: func(string, string) error { return nil },
		Environ: []string{
			"LOCAL_MODE=1", "HOST_URL=http://" + d.listener.Addr().String(), "HORIZON_URI=" + d.horizon,
			"DATABASE_URL=sqlite:" + filepath.Join(d.dir, "anchor.db"), "SIGNING_SEED=" + signing.Seed(),
			"SERVER_JWT_KEY=" + randomText(), "ANCHOR_MASTER_KEYS=demo:" + randomText(),
		},
	})
}

func (d *demo) issue(ctx context.Context) error {
	a, err := app.Open(ctx, app.Options{Settings: d.settings, Role: config.RoleAssets, Log: d.log})
	if err != nil {
		return err
	}
	feeFixed, feePercent := "0.5", "0.5"
	result, err := a.Assets().Issue(ctx, assets.IssueSpec{Spec: assets.Spec{
		Code: demoAsset, Actor: "demo",
		Terms: assets.Terms{FeeFixed: &feeFixed, FeePercent: &feePercent, FundingMethods: []string{demoFunding}},
	}})
	d.issuerSeed = result.IssuerSeed
	return errors.Join(err, a.Close())
}

// runAnchor runs all roles in this process.
func (d *demo) runAnchor(life worker.Life) error {
	a, err := app.Open(life.Hard, app.Options{Settings: d.settings, Role: config.RoleRun, Log: d.log, Listener: d.listener})
	if err != nil {
		return err
	}
	return errors.Join(a.Run(life), a.Close())
}
