// Package transactions is what a sending anchor may do with SEP-31 transactions: agree on one, look at it, give the
// information that a payout asked for, say where it wants to be called back.
//
// It promises that a transaction is agreed once per idempotency key, on terms that are frozen with it, for customers that
// belong to the sending anchor and were accepted, and that nobody sees another's. It must never decide which status follows
// (package anchor does), know HTTP, or call the business while a database transaction is open. The SEP-31 handlers call it,
// and the wiring, for what a business asks of a transaction.
package transactions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// actor is who did it, in the history of what comes from requests.
const actor = "sending anchor"

// Customers is what the service needs to know of the people a transaction is for.
type Customers interface {
	// ForTransaction finds a customer of a sending anchor, in the role of a type, with all its statuses; an error of
	// CodeNotFound for one that does not exist or belongs to somebody else. The type may be empty.
	ForTransaction(ctx context.Context, ownerAccount, customerID, customerType string) (*anchor.Customer, error)
	// Release gives the memo of a transaction out that was withheld, if its customers are as far as that by now.
	Release(ctx context.Context, transactionID string) error
}

// Options are the settings of the service.
type Options struct {
	// Lifetime is how long a transaction waits for its payment; 0: for ever.
	Lifetime time.Duration
	// MemoType is "id" (also where it is empty), "hash" or "text": the kind of memo by which payments are told apart.
	MemoType string
	// CheckCallbackURL refuses an address that must not be called; its error is shown to the sending anchor. nil: callbacks
	// are not supported.
	CheckCallbackURL func(url string) error
	// QuotesRequired refuses a transaction without a firm quote wherever one can be had.
	QuotesRequired bool
	// KYCAfterPost agrees on transactions whose customers are not accepted yet, and withholds their memo until they are.
	KYCAfterPost bool
	// ETA is how long a payout by a funding method usually takes; nil or 0: not known.
	ETA func(fundingMethod string) time.Duration
	// KeyLifetime is how long an Idempotency-Key counts at least; 0: 24 hours.
	KeyLifetime time.Duration
	// Now is the clock by which the list of assets grows old; nil: time.Now.
	Now func() time.Time
}

// Deps are what the service works with. Fee may be nil: then the fee terms of the asset count. Quotes may be nil: then every
// asset is paid out as itself.
type Deps struct {
	DB        *store.DB
	Receiver  anchor.Receiver
	Fee       func(context.Context, anchor.FeeRequest) (anchor.Fee, error)
	Quotes    anchor.QuoteIntegration
	Customers Customers
	Log       *slog.Logger
	Options   Options
}

// Service is safe for concurrent use.
type Service struct {
	db        *store.DB
	receiver  anchor.Receiver
	fee       func(context.Context, anchor.FeeRequest) (anchor.Fee, error)
	quotes    anchor.QuoteIntegration
	customers Customers
	log       *slog.Logger
	options   Options
	catalog   *catalog
}

// New makes the service.
func New(d Deps) *Service {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Options.Now == nil {
		d.Options.Now = systemClock
	}
	if d.Options.KeyLifetime == 0 {
		d.Options.KeyLifetime = 24 * time.Hour
	}
	if d.Options.MemoType == "" {
		d.Options.MemoType = "id"
	}
	return &Service{
		db: d.DB, receiver: d.Receiver, fee: d.Fee, quotes: d.Quotes, customers: d.Customers, log: d.Log, options: d.Options,
		catalog: newCatalog(d.DB.Assets, d.Options.Now),
	}
}

// Admitted is a sending anchor that the business has an agreement with. Only Admit makes one, so that nothing of a request
// can be judged before that is known.
type Admitted struct{ who anchor.SendingAnchor }

// Admit asks the business whether it has an agreement with a sending anchor; an error of CodeForbidden if not.
func (s *Service) Admit(ctx context.Context, who anchor.SendingAnchor) (Admitted, error) {
	if who.Account == "" {
		return Admitted{}, errNotAdmitted()
	}
	valid, err := s.receiver.ValidSendingAnchor(ctx, who)
	if err != nil {
		return Admitted{}, fmt.Errorf("valid_sending_anchor: %w", err)
	}
	if !valid {
		return Admitted{}, errNotAdmitted()
	}
	return Admitted{who}, nil
}

// check guards against a value that Admit did not make.
func (a Admitted) check() error {
	if a.who.Account == "" {
		return errNotAdmitted()
	}
	return nil
}

func errNotAdmitted() error { return anchor.RefuseAs(anchor.CodeForbidden, "invalid sending account") }

func errNotFound() error { return anchor.RefuseAs(anchor.CodeNotFound, "transaction not found") }

// Get is a transaction as its sending anchor sees it (SEP-31 "GET Transaction"). Another's, one that does not exist and a
// text that is no id are not found alike.
func (s *Service) Get(ctx context.Context, who Admitted, id string) (anchor.Transaction, error) {
	t, err := s.own(ctx, who, id)
	if err != nil {
		return anchor.Transaction{}, err
	}
	return t.Public()
}

// Transaction is a transaction as its sending anchor sees it, whoever that is: for the business itself.
func (s *Service) Transaction(ctx context.Context, id string) (anchor.Transaction, error) {
	if !wellFormed(id) {
		return anchor.Transaction{}, errNotFound()
	}
	t, err := s.db.TransactionByID(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return anchor.Transaction{}, errNotFound()
	}
	if err != nil {
		return anchor.Transaction{}, err
	}
	return t.Public()
}

// own reads a transaction of the base account: sessions with different memos of one account share them (SEP-31's X point).
func (s *Service) own(ctx context.Context, who Admitted, id string) (store.Transaction, error) {
	if err := who.check(); err != nil {
		return store.Transaction{}, err
	}
	if !wellFormed(id) {
		return store.Transaction{}, errNotFound()
	}
	t, err := s.db.TransactionOf(ctx, who.who.Account, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.Transaction{}, errNotFound()
	}
	return t, err
}

// lockOwn is own inside a Tx, so that nobody else changes the row before it ends.
func lockOwn(ctx context.Context, tx *store.Tx, who Admitted, id string) (store.Transaction, error) {
	t, err := tx.LockTransaction(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && t.OwnerAccount != who.who.Account {
		return store.Transaction{}, errNotFound()
	}
	return t, err
}

// wellFormed tells whether a text can be an id at all, in the one spelling that ids have.
func wellFormed(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed.String() == id
}
