package inspect

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// ErrNothing says that nothing here has that id, hash or memo.
var ErrNothing = errors.New("there is no such id, key, memo or Stellar hash here")

// Options say what the settings know that the tables do not. All may be nil: then less can be told.
type Options struct {
	// RequiredFields are the SEP-9 names without which a customer of a type is not accepted, by type.
	RequiredFields map[string][]string
	// Rails are the names of the rails that the settings or the business have; nil: not known.
	Rails []string
	// Terms are what the settings let rails be asked to do, by name.
	Terms map[string]RailTerms
}

// RailTerms are when and how much a rail is asked to do.
type RailTerms struct {
	Calendar anchor.Calendar
	Limits   anchor.Limits
	// Batches: it takes many payouts at once, at most BatchMost of them, and collects for BatchEvery where it has no cut-offs.
	Batches    bool
	BatchMost  int
	BatchEvery time.Duration
}

// Explainer tells stories. It is safe for use from several goroutines.
type Explainer struct {
	db      *store.DB
	options Options
}

// NewExplainer makes an explainer over a database; it only reads.
func NewExplainer(db *store.DB, o Options) *Explainer { return &Explainer{db, o} }

// Explain tells the stories of whatever has that id (of a transaction, payment, payout, refund, quote or customer), key of an
// attempt, Stellar hash or memo: plain, or as TYPE:VALUE. What belongs to a transaction is told in the transaction's story.
// ErrNothing if there is none.
func (e *Explainer) Explain(ctx context.Context, text string) ([]Story, error) {
	subjects, err := e.find(ctx, strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	var stories []Story
	for _, subject := range subjects {
		story, err := e.tell(ctx, subject)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", subject.Kind, subject.ID, err)
		}
		stories = append(stories, story)
	}
	return stories, nil
}

func (e *Explainer) find(ctx context.Context, text string) ([]store.Subject, error) {
	if text == "" || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("%q: %w", text, ErrNothing)
	}
	found, err := e.lookUp(ctx, text)
	if err != nil {
		return nil, err
	}
	var subjects []store.Subject
	for _, subject := range found {
		owner, err := e.ownerOf(ctx, subject)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(subjects, owner) {
			subjects = append(subjects, owner)
		}
	}
	if len(subjects) == 0 {
		return nil, fmt.Errorf("%q: %w", text, ErrNothing)
	}
	return subjects, nil
}

// lookUp tries an id first, which leaves no doubt; then everything else that the text can be.
func (e *Explainer) lookUp(ctx context.Context, text string) ([]store.Subject, error) {
	for _, id := range []string{text, strings.ToLower(text)} {
		if found, err := e.db.SubjectsOfID(ctx, id); err != nil || len(found) > 0 {
			return found, err
		}
	}
	var found []store.Subject
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == hashBytes {
		if found, err = e.db.SubjectsOfHash(ctx, hex.EncodeToString(raw)); err != nil {
			return nil, err
		}
	}
	for _, reading := range memoReadings(text) {
		some, err := e.db.SubjectsOfMemo(ctx, reading.kind, reading.stored)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// ownerOf is in whose story a subject is told.
func (e *Explainer) ownerOf(ctx context.Context, s store.Subject) (store.Subject, error) {
	transaction := ""
	switch s.Kind {
	case store.SubjectPayment:
		p, err := e.db.PaymentByID(ctx, s.ID)
		if err != nil {
			return s, err
		}
		transaction = p.TransactionID.String
	case store.SubjectPayout:
		p, err := e.db.PayoutByID(ctx, s.ID)
		if err != nil {
			return s, err
		}
		transaction = p.TransactionID
	case store.SubjectQuote:
		q, err := e.db.QuoteByID(ctx, s.ID)
		if err != nil {
			return s, err
		}
		transaction = q.RedeemedBy
	case store.SubjectRefund:
		r, err := e.db.RefundByID(ctx, s.ID)
		if err != nil {
			return s, err
		}
		return e.ownerOf(ctx, store.Subject{Kind: store.SubjectPayment, ID: r.PaymentID})
	default: // its own
	}
	if transaction == "" {
		return s, nil
	}
	return store.Subject{Kind: store.SubjectTransaction, ID: transaction}, nil
}

func (e *Explainer) tell(ctx context.Context, s store.Subject) (Story, error) {
	switch s.Kind {
	case store.SubjectTransaction:
		return e.Transaction(ctx, s.ID)
	case store.SubjectPayment:
		return e.payment(ctx, s.ID)
	case store.SubjectCustomer:
		return e.customer(ctx, s.ID)
	case store.SubjectQuote:
		return e.quote(ctx, s.ID)
	case store.SubjectMovement:
		return e.movement(ctx, s.ID)
	default:
		return Story{}, fmt.Errorf("there is no story of a %s", s.Kind)
	}
}
