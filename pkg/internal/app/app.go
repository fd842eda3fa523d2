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

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/customers"
	"github.com/anchorkit/anchor/pkg/internal/payouts"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Options are what an App is made of.
type Options struct {
	Settings config.Settings // as loaded; Open validates them for the role
	Role     config.Role
	Setup    func(context.Context, anchor.Host) (anchor.Business, error) // nil: everything as declared
	Log      *slog.Logger
	Listener net.Listener // what serve listens on; nil: a new one on the settings' address
}

// App is an opened anchor. Close it once all roles have ended.
type App struct {
	settings config.Settings
	log      *slog.Logger
	db       *store.DB
	business anchor.Business
	owner    string // names this process in leases
	registry *prometheus.Registry
	listener net.Listener

	customers *customers.Service
	payouts   *payouts.Service
}

// Open checks the settings for the role, opens the database and sets the business up.
func Open(ctx context.Context, o Options) (*App, error) {
	a := &App{settings: o.Settings, log: o.Log, owner: processName(), registry: prometheus.NewRegistry(), listener: o.Listener}
	keys, err := Keyring(o.Settings.Keys)
	if err != nil {
		return nil, err
	}
	if err := a.settings.Validate(o.Role, config.Supplied{Receiver: true, Customers: true, Rails: supplied(o)}); o.Setup == nil || err != nil {
		if err := a.settings.Validate(o.Role, config.Supplied{}); o.Setup == nil && err != nil {
			return nil, err
		}
		if o.Setup != nil {
			return nil, err
		}
	}
	a.db, err = store.Open(ctx, StoreOptions(o.Settings, keys, o.Log))
	if err != nil {
		return nil, err
	}
	if err := a.setUp(ctx, o); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Close ends the business and closes the database.
func (a *App) Close() error {
	var errs []error
	if a.business.Close != nil {
		errs = append(errs, a.business.Close())
	}
	return errors.Join(append(errs, a.db.Close())...)
}

// Keyring makes the store's keys of the settings'.
func Keyring(k config.Keys) (store.Keyring, error) {
	masters, err := k.Master()
	if err != nil {
		return store.Keyring{}, err
	}
	var keys store.Keyring
	for _, m := range masters {
		if keys, err = keys.Add(m.ID, m.Key); err != nil {
			return store.Keyring{}, err
		}
	}
	return keys, nil
}

// StoreOptions says how to open the database that the settings name.
func StoreOptions(s config.Settings, keys store.Keyring, log *slog.Logger) store.Options {
	return store.Options{URL: s.Database.URL.Reveal(), ListenURL: s.Database.ListenURL.Reveal(), Keys: keys, Log: log}
}

// processName is unique to this start of this process; the host makes it readable for operators.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	raw := make([]byte, 6)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), hex.EncodeToString(raw))
}
