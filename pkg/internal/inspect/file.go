package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// file is all that is known of a transaction: what its story is told from and why it has not moved on.
type file struct {
	surroundings
	t                store.Transaction
	events           []store.Event
	payments         []paymentFile
	lookalikes       []store.Payment // open payments that may be what it waits for
	payouts          []payoutFile
	callbacks        []store.Callback
	sender, receiver party
	quote            *store.Quote
	rails            []string // nil: not known
	terms            map[string]RailTerms
	switches         []store.Switch
	outlook          *store.BatchOutlook // of the rail of the last payout, if that takes batches and the payout is ready
	lastBatch        *store.Batch        // of that rail, if the settings do not say that it takes batches
}

// surroundings are what a transaction or a payment depends on besides itself.
type surroundings struct {
	now         time.Time     // by the database's clock
	cursor      *store.Cursor // of the receiving account; nil: no watcher has begun with it
	unexplained []unexplained
	restored    error // the mark of a database that came back older than the world; nil: none
}

// unexplained are movements out of an account that stop its refunds until somebody says what they were.
type unexplained struct {
	account string
	number  int
	hash    string // of the Stellar transaction of one of them
}

type paymentFile struct {
	p       store.Payment
	events  []store.Event
	refunds []refundFile
}

type refundFile struct {
	r        store.Refund
	attempts []store.RefundAttempt
	events   []store.Event
}

type payoutFile struct {
	p        store.Payout
	events   []store.Event
	attempts []store.Attempt
	answers  []store.AttemptAnswer
	batch    *store.Batch // of the last attempt; nil: it is in none
}

// live tells whether the payout may still, or did, reach the recipient.
func (p payoutFile) live() bool {
	return p.p.State != anchor.PayoutFailed && p.p.State != anchor.PayoutCancelled && p.p.State != anchor.PayoutReturned
}

// lastWord is what was last said of it that says something.
func (p payoutFile) lastWord() string {
	for i := len(p.answers) - 1; i >= 0; i-- {
		if why := p.answers[i].Why; why != "" {
			return why
		}
	}
	for i := len(p.events) - 1; i >= 0; i-- {
		if why := p.events[i].Reason; why != "" {
			return why
		}
	}
	return ""
}

func (e *Explainer) file(ctx context.Context, id string) (*file, error) {
	f := &file{rails: e.options.Rails, terms: e.options.Terms}
	var err error
	if f.t, err = e.db.TransactionByID(ctx, id); err != nil {
		return nil, err
	}
	for _, load := range []func(context.Context, *file) error{
		e.loadSurroundings, e.loadMoneyIn, e.loadPayouts, e.loadRails, e.loadPeople, e.loadTerms, e.loadTold,
	} {
		if err := load(ctx, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (e *Explainer) loadSurroundings(ctx context.Context, f *file) (err error) {
	f.surroundings, err = e.surroundings(ctx, f.t.ReceivingAccount)
	return err
}

func (e *Explainer) surroundings(ctx context.Context, account string) (s surroundings, err error) {
	if s.now, err = e.db.Clock(ctx); err != nil {
		return s, err
	}
	if s.unexplained, err = movementsOut(ctx, e.db); err != nil {
		return s, err
	}
	if s.restored = e.db.Restored(ctx); s.restored != nil && !isRestored(s.restored) {
		return s, s.restored
	}
	c, err := e.db.CursorOf(ctx, account)
	if errors.Is(err, store.ErrNotFound) {
		return s, nil
	}
	s.cursor = &c
	return s, err
}

func isRestored(err error) bool {
	_, ok := errors.AsType[*store.RestoredError](err)
	return ok
}

// mostMovements is how many unexplained movements are looked at: more change nothing of what there is to do.
const mostMovements = 1000

func movementsOut(ctx context.Context, db *store.DB) ([]unexplained, error) {
	rows, err := db.MovementsToExplain(ctx, mostMovements)
	if err != nil {
		return nil, err
	}
	var list []unexplained
	for _, m := range rows {
		i := slices.IndexFunc(list, func(u unexplained) bool { return u.account == m.Account })
		if i < 0 {
			i, list = len(list), append(list, unexplained{account: m.Account, hash: m.OuterHash})
		}
		list[i].number++
	}
	return list, nil
}

func (e *Explainer) loadMoneyIn(ctx context.Context, f *file) error {
	payments, err := e.db.PaymentsOf(ctx, f.t.ID)
	if err != nil {
		return err
	}
	for _, p := range payments {
		one, err := e.paymentFile(ctx, p)
		if err != nil {
			return err
		}
		f.payments = append(f.payments, one)
	}
	if f.t.Published() && !f.t.Funded && f.t.ExpectedUnits > f.t.CreditedUnits {
		f.lookalikes, err = e.db.PaymentsLike(ctx, f.t)
	}
	return err
}

func (e *Explainer) paymentFile(ctx context.Context, p store.Payment) (paymentFile, error) {
	one := paymentFile{p: p}
	var err error
	if one.events, err = e.db.History(ctx, store.SubjectPayment, p.ID); err != nil {
		return one, err
	}
	refunds, err := e.db.Refunds(ctx, store.RefundFilter{PaymentID: p.ID})
	if err != nil {
		return one, err
	}
	slices.Reverse(refunds) // oldest first
	for _, r := range refunds {
		file := refundFile{r: r}
		var errs [2]error
		file.attempts, errs[0] = e.db.RefundAttempts(ctx, r.ID)
		file.events, errs[1] = e.db.History(ctx, store.SubjectRefund, r.ID)
		if err := errors.Join(errs[:]...); err != nil {
			return one, err
		}
		one.refunds = append(one.refunds, file)
	}
	return one, nil
}

func (e *Explainer) loadPayouts(ctx context.Context, f *file) error {
	payouts, err := e.db.PayoutsOf(ctx, f.t.ID)
	if err != nil {
		return err
	}
	for _, p := range payouts {
		one := payoutFile{p: p}
		var errs [3]error
		one.events, errs[0] = e.db.History(ctx, store.SubjectPayout, p.ID)
		one.attempts, errs[1] = e.db.AttemptsOf(ctx, p.ID)
		one.answers, errs[2] = e.db.AnswersOf(ctx, p.ID)
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		if n := len(one.attempts); n > 0 && one.attempts[n-1].BatchID != "" {
			b, err := e.db.BatchByID(ctx, one.attempts[n-1].BatchID)
			if err != nil {
				return err
			}
			one.batch = &b
		}
		f.payouts = append(f.payouts, one)
	}
	return nil
}

// loadRails reads what keeps payouts that are ready: what is paused, and when the next batch is made.
func (e *Explainer) loadRails(ctx context.Context, f *file) (err error) {
	if f.switches, err = e.db.Switches(ctx); err != nil || len(f.payouts) == 0 {
		return err
	}
	last := f.payouts[len(f.payouts)-1].p
	if last.State != anchor.PayoutReady {
		return nil
	}
	if terms := e.options.Terms[last.Rail]; terms.Batches {
		o, err := e.db.LookAtBatches(ctx, last.Rail, terms.BatchMost)
		f.outlook = &o
		return err
	}
	batches, err := e.db.ListBatches(ctx, last.Rail, 1)
	if len(batches) > 0 {
		f.lastBatch = &batches[0]
	}
	return err
}

func (e *Explainer) loadPeople(ctx context.Context, f *file) (err error) {
	if f.sender, err = e.party(ctx, "sender", f.t.SenderID.String, f.t.SenderType, f.t.SenderTypes); err != nil {
		return err
	}
	f.receiver, err = e.party(ctx, "receiver", f.t.ReceiverID.String, f.t.ReceiverType, f.t.ReceiverTypes)
	return err
}

func (e *Explainer) loadTerms(ctx context.Context, f *file) error {
	if f.t.QuoteID == "" {
		return nil
	}
	q, err := e.db.QuoteByID(ctx, f.t.QuoteID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	f.quote = &q
	return err
}

func (e *Explainer) loadTold(ctx context.Context, f *file) (err error) {
	if f.events, err = e.db.History(ctx, store.SubjectTransaction, f.t.ID); err != nil {
		return err
	}
	f.callbacks, err = e.db.CallbacksOf(ctx, store.SubjectTransaction, f.t.ID)
	if err != nil {
		return fmt.Errorf("what was told of it: %w", err)
	}
	return nil
}
