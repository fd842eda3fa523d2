package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/assets"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/outbound"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/refunds"
	"github.com/anchorkit/anchor/pkg/internal/sep1"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/transactions"
)

// Options are what an App is made of.
type Options struct {
	Settings config.Settings // as loaded; Open validates them for the role
	Role     config.Role
	Setup    func(context.Context, anchor.Host) (anchor.Business, error) // nil: everything as declared
	Log      *slog.Logger
	Listener net.Listener // what serve listens on; nil: the settings' address
}

// App is an opened anchor. Its methods Serve, Watch, Execute, Poll and Run each run a role to its end; Close comes last.
type App struct {
	role     config.Role
	settings config.Settings
	log      *slog.Logger
	db       *store.DB
	horizon  *stellar.Horizon
	ledger   payments.Source  // where payments are read from: horizon, or a Stellar RPC
	outbound *outbound.Client // for callbacks
	domains  *outbound.Client // for client domains
	business anchor.Business
	owner    string // names this process in leases
	registry *prometheus.Registry
	toml     *sep1.Handler // nil unless it is served
	listener net.Listener
	hooks    Hooks

	customers    *customers.Service
	transactions *transactions.Service
	payments     *payments.Service
	payouts      *payouts.Service
	refunds      *refunds.Service
	operations   operations
}

// Open checks the settings for the role, sets the business up and opens the database. Nothing is contacted before all
// settings are right.
func Open(ctx context.Context, o Options) (*App, error) {
	a := &App{role: o.Role, settings: o.Settings, log: o.Log, owner: processName(), registry: prometheus.NewRegistry(), listener: o.Listener, outbound: newOutbound(o.Settings)}
	a.hooks = hooksOf(ctx)
	a.domains = a.newDomains()
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := o.Settings.Validate(o.Role, presumed(o)); err != nil {
		return nil, err
	}
	supplied, err := a.setUp(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(o.Settings.Validate(o.Role, supplied), a.open(ctx)); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if err := a.wire(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// presumed is what a business may turn out to bring: its setup runs only once everything else is right.
func presumed(o Options) config.Supplied {
	if o.Setup == nil {
		return SuppliedByServer(o.Settings.Remote)
	}
	p := config.Supplied{Receiver: true, Customers: true, Quotes: true}
	for _, method := range o.Settings.FundingMethods {
		p.Rails = append(p.Rails, method.Rail)
	}
	return p
}

func (a *App) open(ctx context.Context) error {
	keys, err := keyring(a.settings.Keys)
	if err != nil {
		return err
	}
	header, err := a.settings.Network.Headers()
	if err != nil {
		return err
	}
	a.horizon, err = stellar.NewHorizon(stellar.Options{
		URLs: a.settings.Network.HorizonURIs, Header: header, Passphrase: a.settings.Network.Passphrase, Log: a.log,
	})
	if err != nil {
		return err
	}
	options := StoreOptions(a.settings, keys, a.log)
	options.AtCommit, options.Now = a.hooks.Commit, a.hooks.Now
	a.db, err = store.Open(ctx, options)
	return err
}

// wire makes the services. They are cheap: a role uses those it needs.
func (a *App) wire() (err error) {
	s := a.settings
	if a.ledger, err = a.source(); err != nil {
		return err
	}
	if a.refunds, err = a.newRefunds(0); err != nil {
		return err
	}
	a.customers = customers.New(a.db, a.business.Customers, a.log, a.customerOptions()...)
	a.transactions = transactions.New(transactions.Deps{
		DB: a.db, Receiver: a.business.Receiver, Fee: a.business.Fee, Quotes: a.activeQuotes(), Customers: a.customers, Log: a.log,
		Options: transactions.Options{
			Lifetime: s.SEP31.TransactionLifetime, CheckCallbackURL: a.checkCallbackURL(), MemoType: s.SEP31.MemoType,
			KYCAfterPost: s.SEP31.KYCAfterPost, QuotesRequired: s.SEP38.QuotesRequired, ETA: s.ETAOf,
		},
	})
	a.payments = payments.New(a.db, a.log, a.paymentOptions())
	a.payouts = payouts.New(a.db, a.business.Rails, a.log, payouts.Options{
		Owner: a.owner, Lease: s.Workers.Lease, RailTimeout: s.Workers.RailTimeout, Concurrency: s.Workers.Concurrency,
		MaxTries: s.Workers.MaxTries, BatchTimeout: s.Workers.BatchTimeout, Quotes: a.business.Quotes, RefundFee: func(code, issuer string) int64 { return stellarUnits(policyOf(s, code, issuer).RefundFee) },
	})
	a.registry.MustRegister(newFigures(a), newReconciled(a.db))
	a.operations.services.Store(&services{a.transactions, a.customers, a.payouts})
	return nil
}

func (a *App) customerOptions() []customers.Option {
	s := a.settings
	options := []customers.Option{
		customers.Retain(s.Customers.Retention), customers.FileBytes(s.Limits.FileBytes), customers.FileLifetime(s.Customers.FileLifetime),
		customers.CheckCallbackURL(a.checkCallbackURL()), customers.CodesPerHour(s.Customers.CodesPerHour),
		customers.Strangers(a.admitted, customers.Quota{
			Accounts: s.Customers.StrangerAccounts, Customers: s.Customers.StrangerCustomers, Bytes: s.Customers.StrangerBytes,
		}),
	}
	if !s.Server.SEP23 {
		options = append(options, customers.RefuseMuxed())
	}
	return options
}

// activeQuotes are the business' quotes where SEP-38 is served; nil otherwise: then every asset is paid out as itself.
func (a *App) activeQuotes() anchor.QuoteIntegration {
	if !a.settings.Server.Active("sep-38") {
		return nil
	}
	return a.business.Quotes
}

// Close ends the business and closes the database.
func (a *App) Close() error {
	a.outbound.Close()
	a.domains.Close()
	var errs []error
	if a.business.Close != nil {
		errs = append(errs, a.business.Close())
	}
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	return errors.Join(errs...)
}

// DB is the database, for commands that list what is in it.
func (a *App) DB() *store.DB { return a.db }

// Customers, Payouts and Assets are the services that operators' commands use.
func (a *App) Customers() *customers.Service { return a.customers }

// Payments are what operators decide about.
func (a *App) Payments() *payments.Service { return a.payments }

// Payouts is the payout engine.
func (a *App) Payouts() *payouts.Service { return a.payouts }

// Assets registers and lists assets.
func (a *App) Assets() *assets.Service {
	return assets.New(a.db, a.horizon, a.log, assets.Options{
		Passphrase: a.settings.Network.Passphrase, MaxFee: int64(a.settings.Network.MaxFeeStroops),
		KnownMethod: func(name string) bool { _, ok := a.settings.RailOf(name); return ok },
	})
}

// keyring makes the store's keys of the settings'; none where a role needs none.
func keyring(k config.Keys) (store.Keyring, error) {
	var keys store.Keyring
	if !k.MasterKeys.IsSet() {
		return keys, nil
	}
	masters, err := k.Master()
	if err != nil {
		return keys, err
	}
	for _, m := range masters {
		if keys, err = keys.Add(m.ID, []byte(m.Key.Reveal())); err != nil {
			return keys, err
		}
	}
	return keys, nil
}

// StoreOptions says how to open the database that the settings name.
func StoreOptions(s config.Settings, keys store.Keyring, log *slog.Logger) store.Options {
	return store.Options{URL: s.Database.URL.Reveal(), ListenURL: s.Database.ListenURL.Reveal(), Keys: keys, Log: log}
}

// processName is unique to this start of this process; host and number make it readable for operators.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	raw := make([]byte, 6)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), hex.EncodeToString(raw))
}
