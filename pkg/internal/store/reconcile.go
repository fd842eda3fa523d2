package store

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// Reconciliation is a row of reconciliations: how far the books of an account were compared with the ledger. What lies before
// FromLedger never was.
type Reconciliation struct{ sqlgen.Reconciliation }

// Based tells whether it is settled what the account held before FromLedger.
func (r Reconciliation) Based() bool { return r.BasedUs > 0 }

// AssetName names an asset on the network; issuer is empty for the network's own.
type AssetName struct{ Code, Issuer string }

// String is CODE:ISSUER, or CODE where there is no issuer.
func (n AssetName) String() string {
	if n.Issuer == "" {
		return n.Code
	}
	return n.Code + ":" + n.Issuer
}

// ID is the asset in SEP-38's format: stellar:CODE:ISSUER, or stellar:native where there is no issuer.
func (n AssetName) ID() string {
	if n.Issuer == "" {
		return "stellar:native"
	}
	return "stellar:" + n.String()
}

// Standing is what an account held of an asset before the first ledger compared, and what has moved since. Units of 10^-7.
type Standing struct{ Base, Moved int64 }

// Now is what the account held behind the last operation compared.
func (s Standing) Now() int64 { return s.Base + s.Moved }

// ErrSum means that amounts add up to more than 64 bits hold.
var ErrSum = errors.New("the sum of the amounts is too large")

// Add adds two amounts, or fails with ErrSum.
func Add(a, b int64) (int64, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, ErrSum
	}
	return a + b, nil
}

// Reconciliation reads how far an account was compared; ErrNotFound before that began.
func (db *DB) Reconciliation(ctx context.Context, account string) (Reconciliation, map[AssetName]Standing, error) {
	row, err := db.q.ReconciliationOfAccount(ctx, account)
	r, err := found(Reconciliation{row}, err, "comparison of account %s", account)
	if err != nil {
		return Reconciliation{}, nil, err
	}
	rows, err := db.q.ReconciledBalances(ctx, account)
	if err != nil {
		return Reconciliation{}, nil, fmt.Errorf("balances of %s as compared: %w", account, err)
	}
	standings := make(map[AssetName]Standing, len(rows))
	for _, b := range rows {
		standings[AssetName{b.AssetCode, b.AssetIssuer}] = Standing{b.BaseUnits, b.MovedUnits}
	}
	return r, standings, nil
}

// Reconciliations lists how far each account was compared.
func (db *DB) Reconciliations(ctx context.Context) ([]Reconciliation, error) {
	rows, err := db.q.ListReconciliations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list comparisons: %w", err)
	}
	list := make([]Reconciliation, len(rows))
	for i, row := range rows {
		list[i] = Reconciliation{row}
	}
	return list, nil
}

// BeginReconciliation begins to compare an account from a ledger on; nothing is settled about what it held before.
func (tx *Tx) BeginReconciliation(ctx context.Context, account, chain string, fromLedger int64) (Reconciliation, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Reconciliation{}, err
	}
	err = tx.q.InsertReconciliation(ctx, sqlgen.InsertReconciliationParams{
		Account: account, Chain: chain, FromLedger: fromLedger, Position: before(fromLedger), FeePosition: before(fromLedger),
		ThroughLedger: max(fromLedger-1, 0), NowUs: now,
	})
	if err != nil {
		return Reconciliation{}, fmt.Errorf("begin to compare account %s: %w", account, err)
	}
	row, err := tx.q.ReconciliationOfAccount(ctx, account)
	return found(Reconciliation{row}, err, "comparison of account %s", account)
}

// ForgetReconciliation drops how far an account was compared, so that it begins anew. Findings stay.
func (tx *Tx) ForgetReconciliation(ctx context.Context, account string) error {
	_, balances := tx.q.DeleteReconciledBalances(ctx, account)
	_, row := tx.q.DeleteReconciliation(ctx, account)
	if err := errors.Join(balances, row); err != nil {
		return fmt.Errorf("forget how far account %s was compared: %w", account, err)
	}
	return nil
}

// MoveReconciliation writes how far an account was compared and what its balances are there. r is the row as it was read, with
// positions and times changed; ErrStale where it has moved since.
func (tx *Tx) MoveReconciliation(ctx context.Context, r Reconciliation, standings map[AssetName]Standing) (Reconciliation, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Reconciliation{}, err
	}
	err = one(tx.q.MoveReconciliation(ctx, sqlgen.MoveReconciliationParams{
		Account: r.Account, Version: r.Version, Position: r.Position, FeePosition: r.FeePosition, ThroughLedger: r.ThroughLedger,
		BasedUs: r.BasedUs, PassedUs: r.PassedUs, NowUs: now,
	}))
	if err != nil {
		return Reconciliation{}, fmt.Errorf("move the comparison of account %s: %w", r.Account, err)
	}
	for name, s := range standings {
		err := tx.q.PutReconciledBalance(ctx, sqlgen.PutReconciledBalanceParams{
			Account: r.Account, AssetCode: name.Code, AssetIssuer: name.Issuer, BaseUnits: s.Base, MovedUnits: s.Moved,
		})
		if err != nil {
			return Reconciliation{}, fmt.Errorf("balance of %s as compared: %w", r.Account, err)
		}
	}
	r.Version, r.UpdatedUs = r.Version+1, now
	return r, nil
}

// Booked is what the books have of one movement in or out of an account.
type Booked struct {
	PaymentKey
	Outgoing   bool
	Asset      AssetName
	Units      int64 // 10^-7; 0 where it is Unreadable
	Unreadable bool  // stored as received, for nobody could tell the amount
}

// BookedBetween reads what the books have of an account's operations behind position `after`, up to and including `upTo`.
func (db *DB) BookedBetween(ctx context.Context, chain, account string, after, upTo int64) ([]Booked, error) {
	in, err := db.q.BookedPayments(ctx, sqlgen.BookedPaymentsParams{Chain: chain, Account: account, AfterPosition: after, UpToPosition: upTo})
	if err != nil {
		return nil, fmt.Errorf("payments of %s in the books: %w", account, err)
	}
	out, err := db.q.BookedOutgoing(ctx, sqlgen.BookedOutgoingParams{Chain: chain, Account: account, AfterPosition: after, UpToPosition: upTo})
	if err != nil {
		return nil, fmt.Errorf("outgoing movements of %s in the books: %w", account, err)
	}
	list := make([]Booked, 0, len(in)+len(out))
	for _, p := range in {
		list = append(list, Booked{
			PaymentKey: PaymentKey{p.OperationID, p.Idx}, Asset: AssetName{p.AssetCode, p.AssetIssuer}, Units: p.AmountUnits,
			Unreadable: p.Judgement == anchor.JudgedUnreadable,
		})
	}
	for _, m := range out {
		list = append(list, Booked{
			PaymentKey: PaymentKey{m.OperationID, m.Idx}, Outgoing: true, Asset: AssetName{m.AssetCode, m.AssetIssuer}, Units: m.AmountUnits,
			Unreadable: m.AmountUnits == 0,
		})
	}
	return list, nil
}

// NoteRebase writes into the history of the database that an account is compared anew from where it stands.
func (tx *Tx) NoteRebase(ctx context.Context, account, actor, reason string) error {
	return tx.databaseEvent(ctx, "", "rebased "+account, actor, reason)
}
