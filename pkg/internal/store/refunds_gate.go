package store

import (
	"context"
	"fmt"
	"math"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// RefundFacts are what the database knows that may keep a refund from being sent.
type RefundFacts struct {
	Cursor      Cursor // of the account; its zero value: nobody has read it yet
	Restored    string // not empty: this database is an older copy that nobody has reconciled yet
	Unexplained *OutgoingMovement
	InFlight    bool   // another envelope of the account may land
	OwnAccount  bool   // the destination is one of the receiving accounts
	Returned    bool   // the payment is itself a refund of ours that came back
	ByItself    int64  // units that went back from the account by themselves, in this asset
	Conflict    string // of the transaction
	NowUs       int64
}

// RefundFacts reads them; sinceUs is from when on refunds that were made by themselves count.
func (tx *Tx) RefundFacts(ctx context.Context, l LockedRefund, sinceUs int64) (RefundFacts, error) {
	r := l.Refund
	f, err := tx.AccountFacts(ctx, r.Account)
	if err != nil {
		return RefundFacts{}, err
	}
	own, err := tx.OwnAccounts(ctx, []string{r.Destination})
	if err != nil {
		return RefundFacts{}, err
	}
	f.OwnAccount = own[r.Destination]
	if f.Returned, err = tx.returned(ctx, l.Payment); err != nil {
		return RefundFacts{}, err
	}
	if f.ByItself, err = tx.byItselfSince(ctx, r, sinceUs); err != nil {
		return RefundFacts{}, err
	}
	if l.Transaction != nil {
		f.Conflict = l.Transaction.Conflict
	}
	return f, nil
}

// byItselfSince adds up what went back by itself; more than a number can hold is the most that it can.
func (tx *Tx) byItselfSince(ctx context.Context, r Refund, sinceUs int64) (int64, error) {
	sum, err := tx.q.RefundedByItselfSince(ctx, sqlgen.RefundedByItselfSinceParams{
		Account: r.Account, SinceUs: sinceUs, AssetCode: r.AssetCode, AssetIssuer: r.AssetIssuer,
	})
	if err != nil {
		return 0, fmt.Errorf("what went back from %s by itself: %w", r.Account, err)
	}
	const billion = 1_000_000_000
	whole := sum.Billions + sum.Rest/billion
	if whole >= math.MaxInt64/billion {
		return math.MaxInt64, nil
	}
	return whole*billion + sum.Rest%billion, nil
}

// AccountFacts reads those that concern every refund of an account.
func (tx *Tx) AccountFacts(ctx context.Context, account string) (f RefundFacts, err error) {
	f.NowUs = tx.now
	if f.Cursor, _, err = none(tx.CursorOf(ctx, account)); err != nil {
		return RefundFacts{}, err
	}
	if f.Restored, err = tx.q.RestoredMark(ctx); err != nil {
		return RefundFacts{}, fmt.Errorf("whether the database was restored: %w", err)
	}
	if _, f.InFlight, err = tx.RefundInFlight(ctx, account); err != nil {
		return RefundFacts{}, err
	}
	row, err := tx.q.UnexplainedMovement(ctx, account)
	m, unexplained, err := none(found(OutgoingMovement{row}, err, "unexplained movement of %s", account))
	if unexplained {
		f.Unexplained = &m
	}
	return f, err
}

// returned tells whether a payment is a refund of ours coming back: it names one of our envelopes, or comes from where, in
// the same asset and with the same memo, something went back before.
func (tx *Tx) returned(ctx context.Context, p Payment) (bool, error) {
	if p.MemoType == "hash" || p.MemoType == "return" {
		ours, err := tx.q.IsRefundHash(ctx, p.Memo)
		if err != nil || ours {
			return ours, wrapped(err, "whether payment %s names a refund", p.ID)
		}
	}
	memoType := p.MemoType
	if memoType == "none" {
		memoType = ""
	}
	before, err := tx.q.RefundedBefore(ctx, sqlgen.RefundedBeforeParams{
		Destination: p.FromAccount, Memo: p.Memo, MemoType: memoType, AssetCode: p.AssetCode, AssetIssuer: p.AssetIssuer, ClosedUs: p.ClosedUs,
	})
	return before, wrapped(err, "whether payment %s is a refund that came back", p.ID)
}

// MovementsToExplain lists movements out that nothing explains, at most so many; they stop the refunds of their accounts.
func (db *DB) MovementsToExplain(ctx context.Context, limit int) ([]OutgoingMovement, error) {
	rows, err := db.q.UnexplainedMovements(ctx, int32(min(limit, 10_000)))
	if err != nil {
		return nil, fmt.Errorf("movements that nothing explains: %w", err)
	}
	return movements(rows), nil
}

// UnexplainedCounts counts them by account; an account without any is missing.
func (db *DB) UnexplainedCounts(ctx context.Context) (map[string]int64, error) {
	rows, err := db.q.CountUnexplainedMovements(ctx)
	if err != nil {
		return nil, fmt.Errorf("count movements that nothing explains: %w", err)
	}
	counts := make(map[string]int64, len(rows))
	for _, r := range rows {
		counts[r.Account] = r.Number
	}
	return counts, nil
}

// MovementsOfOperation lists the movements out by one operation: seldom more than one.
func (db *DB) MovementsOfOperation(ctx context.Context, operationID int64) ([]OutgoingMovement, error) {
	rows, err := db.q.MovementsOfOperation(ctx, operationID)
	if err != nil {
		return nil, fmt.Errorf("movements of operation %d: %w", operationID, err)
	}
	return movements(rows), nil
}

// ExplainMovement records that an operator knows why money left an account; the account's refunds look again at once.
// changed is false where it was explained before.
func (tx *Tx) ExplainMovement(ctx context.Context, m OutgoingMovement, c anchor.Change) (changed bool, err error) {
	n, err := tx.q.ExplainMovement(ctx, sqlgen.ExplainMovementParams{
		Actor: c.Actor, Reason: c.Reason, NowUs: tx.now, Account: m.Account, OperationID: m.OperationID, Idx: m.Idx,
	})
	if err != nil {
		return false, fmt.Errorf("explain movement %d of %s: %w", m.OperationID, m.Account, err)
	}
	return n > 0, tx.endRefundsWait(ctx, m.Account)
}

func movements(rows []sqlgen.OutgoingMovement) []OutgoingMovement {
	list := make([]OutgoingMovement, len(rows))
	for i, row := range rows {
		list[i] = OutgoingMovement{row}
	}
	return list
}
