package assets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Network is the Stellar network as this package needs it; *stellar.Horizon is one.
type Network interface {
	Root(ctx context.Context) (stellar.Root, error)
	Account(ctx context.Context, id string) (stellar.Account, error)
	Submit(ctx context.Context, envelopeXDR string) (stellar.Submitted, error)
	Friendbot(ctx context.Context, account string) error
}

// Options are settings of the service.
type Options struct {
	// Passphrase names the network that every account and asset belongs to.
	Passphrase string
	// MaxFee is the most that a transaction of Issue pays for each operation, in stroops; 0: 10 000.
	MaxFee int64
	// KnownMethod tells whether the settings give a funding method a rail; nil: every name is taken.
	KnownMethod func(name string) bool
}

// Service registers and lists assets. It is safe for concurrent use.
type Service struct {
	db   *store.DB
	net  Network
	log  *slog.Logger
	opts Options
}

// New makes the service. List and Disable need no network.
func New(db *store.DB, net Network, log *slog.Logger, o Options) *Service {
	if o.MaxFee == 0 {
		o.MaxFee = 10_000
	}
	return &Service{db: db, net: net, log: log, opts: o}
}

// List gives all assets, those that are switched off included, in the order in which they were registered.
func (s *Service) List(ctx context.Context) ([]store.Asset, error) { return s.db.Assets(ctx) }

// Disable switches an asset off: no more transactions are agreed in it; those that were go on. The issuer may be left out
// where only one asset has the code. Changed is false for an asset that was off already.
func (s *Service) Disable(ctx context.Context, code, issuer, actor string) (asset store.Asset, changed bool, err error) {
	if issuer == "" {
		if issuer, err = s.onlyIssuer(ctx, code); err != nil {
			return store.Asset{}, false, err
		}
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		changed = false
		before, err := tx.AssetByCode(ctx, code, issuer)
		if err != nil {
			return err
		}
		if asset = before; !before.Enabled {
			return nil
		}
		after := before
		after.Enabled, changed = false, true
		asset, err = tx.ChangeAsset(ctx, before, after, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: "switched off"})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = anchor.RefuseAs(anchor.CodeNotFound, fmt.Sprintf("no asset %s of issuer %s is registered", code, issuer))
	}
	return asset, changed, err
}

func (s *Service) onlyIssuer(ctx context.Context, code string) (string, error) {
	issuers, err := s.issuersOf(ctx, code)
	switch {
	case err != nil:
		return "", err
	case len(issuers) == 0:
		return "", anchor.RefuseAs(anchor.CodeNotFound, fmt.Sprintf("no asset %s is registered", code))
	case len(issuers) > 1:
		return "", anchor.Refusef("%d assets have the code %s: name the issuer too", len(issuers), code)
	}
	return issuers[0], nil
}

func (s *Service) issuersOf(ctx context.Context, code string) ([]string, error) {
	list, err := s.db.Assets(ctx)
	if err != nil {
		return nil, err
	}
	var issuers []string
	for _, a := range list {
		if a.Code == code {
			issuers = append(issuers, a.Issuer)
		}
	}
	return issuers, nil
}
