// Package quotes is what a sending anchor may do with prices: see what is exchanged here, ask what an exchange costs, have a
// firm quote made and look at it again (SEP-38).
//
// It promises that the business is only asked for what it offers, that whatever it answers fits together before anybody sees
// it, that a firm quote says the same every time it is looked at, and that nobody sees another's. It must never compute a
// price (the business does), redeem a quote (package transactions does, in the database transaction that creates its
// transaction), know HTTP, or call the business while a database transaction is open. The SEP-38 handlers call it.
package quotes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// Received is an asset of the network that is received here and may be exchanged.
type Received struct {
	Asset    money.Asset
	Decimals int // of its amounts, 0 to 7
}

// Deps are what the service works with.
type Deps struct {
	DB          *store.DB
	Integration anchor.QuoteIntegration
	// Assets lists the received assets for which SEP-38 is switched on, in the order in which they were registered. What it
	// answers counts for a second.
	Assets func(context.Context) ([]Received, error)
	// Admit refuses accounts that get no firm quotes, with an error of CodeForbidden: those without an agreement (SEP-38
	// "Protecting Against Bad Actors").
	Admit func(context.Context, anchor.SendingAnchor) error
	Log   *slog.Logger     // nil: discarded
	Now   func() time.Time // the clock of this host; nil: time.Now
}

// Service is safe for concurrent use.
type Service struct {
	db          *store.DB
	integration anchor.QuoteIntegration
	assets      *assets
	admit       func(context.Context, anchor.SendingAnchor) error
	log         *slog.Logger
	now         func() time.Time
}

// New makes the service.
func New(d Deps) *Service {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = systemClock
	}
	return &Service{
		db: d.DB, integration: d.Integration, assets: &assets{load: d.Assets, now: d.Now}, admit: d.Admit, log: d.Log, now: d.Now,
	}
}

// Admitted is an account that gets firm quotes. Only Admit makes one, so that nothing of a request for a quote can be judged
// before that is known.
type Admitted struct{ who anchor.SendingAnchor }

// Admit tells whether an account gets firm quotes; an error of CodeForbidden if not.
func (s *Service) Admit(ctx context.Context, who anchor.SendingAnchor) (Admitted, error) {
	if who.Account == "" {
		return Admitted{}, errNotAdmitted()
	}
	if err := s.admit(ctx, who); err != nil {
		return Admitted{}, fmt.Errorf("admit to quotes: %w", err)
	}
	return Admitted{who}, nil
}

func errNotAdmitted() error { return anchor.RefuseAs(anchor.CodeForbidden, "invalid sending account") }

func errNotFound() error { return anchor.RefuseAs(anchor.CodeNotFound, "quote not found") }

// Get is a firm quote as it was answered to the request for it (SEP-38 "GET Quote"), also once it was redeemed or has
// expired. It belongs to the base account: sessions with different memos of one account share it. Another's, one that does
// not exist and a text that is no id are not found alike.
func (s *Service) Get(ctx context.Context, who anchor.SendingAnchor, id string) (Firm, error) {
	if who.Account == "" || !wellFormed(id) {
		return Firm{}, errNotFound()
	}
	q, err := s.db.QuoteOf(ctx, who.Account, id)
	if errors.Is(err, store.ErrNotFound) {
		return Firm{}, errNotFound()
	}
	if err != nil {
		return Firm{}, err
	}
	return firmOf(q)
}

// wellFormed tells whether a text can be an id at all, in the one spelling that ids have.
func wellFormed(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}
