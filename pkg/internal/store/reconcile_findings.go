package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// SubjectFinding is what an operator's word about a finding is the history of; SubjectDatabase that of the database itself.
const (
	SubjectFinding  SubjectKind = "finding"
	SubjectDatabase SubjectKind = "database"
)

// FindingKind is what books and ledger, or the books among themselves, do not agree about.
type FindingKind string

// The kinds of finding.
const (
	FoundMissingPayment  FindingKind = "missing_payment"  // somebody else's operation brought money and the books do not know
	FoundMissingOutgoing FindingKind = "missing_outgoing" // the account sent money and the books do not know
	FoundWrongAmount     FindingKind = "wrong_amount"
	FoundNoPayment       FindingKind = "payment_not_on_ledger"
	FoundNoOutgoing      FindingKind = "outgoing_not_on_ledger"
	FoundBalance         FindingKind = "balance"     // what moved does not explain what the account holds
	FoundTransaction     FindingKind = "transaction" // a transaction's sums are not those of its payments, payout and refunds
)

// The states of a finding.
const (
	FindingOpen     = "open"
	FindingGone     = "gone"
	FindingAccepted = "accepted"
)

// Finding is a row of reconcile_findings. LedgerUnits is what is true (on the ledger, or by the single movements), BookUnits
// what is recorded; in 10^-7.
type Finding struct{ sqlgen.ReconcileFinding }

// Asset is what the finding is about.
func (f Finding) Asset() AssetName { return AssetName{f.AssetCode, f.AssetIssuer} }

// Note stores a finding, or writes down that one which is known is still there: one row each, however often it is found. One
// that was gone opens again; one that was accepted does so only if its amounts are others now.
func (tx *Tx) Note(ctx context.Context, f Finding) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	known, err := tx.q.FindingLike(ctx, sqlgen.FindingLikeParams{
		Account: f.Account, Kind: f.Kind, OperationID: f.OperationID, Idx: f.Idx, Outgoing: f.Outgoing, AssetCode: f.AssetCode,
		AssetIssuer: f.AssetIssuer, TransactionID: f.TransactionID,
	})
	if errors.Is(err, sql.ErrNoRows) {
		err := tx.q.InsertFinding(ctx, sqlgen.InsertFindingParams{
			ID: NewID(), Account: f.Account, Kind: f.Kind, OperationID: f.OperationID, Idx: f.Idx, Outgoing: f.Outgoing,
			AssetCode: f.AssetCode, AssetIssuer: f.AssetIssuer, TransactionID: f.TransactionID, LedgerUnits: f.LedgerUnits,
			BookUnits: f.BookUnits, Detail: f.Detail, NowUs: now,
		})
		if err != nil {
			return fmt.Errorf("store a finding about %s: %w", f.Account, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("a finding about %s: %w", f.Account, err)
	}
	if known.State == FindingAccepted && known.LedgerUnits == f.LedgerUnits && known.BookUnits == f.BookUnits {
		return nil
	}
	known.State, known.LedgerUnits, known.BookUnits, known.Detail = FindingOpen, f.LedgerUnits, f.BookUnits, f.Detail
	known.Actor, known.Reason = "", ""
	return tx.writeFinding(ctx, Finding{known})
}

// FindingGone writes down that what was found is in order now. A finding that is not open is left alone.
func (tx *Tx) FindingGone(ctx context.Context, id string) error {
	f, err := tx.finding(ctx, id)
	if err != nil || f.State != FindingOpen {
		return err
	}
	f.State = FindingGone
	return tx.writeFinding(ctx, f)
}

// AcceptFinding closes an open finding by an operator's word, which its history keeps. Accepting a balance settles anew on what
// the account is taken to have held, so that the next drift shows. ErrNotFound for an unknown id; an accepted one stays as it is.
func (tx *Tx) AcceptFinding(ctx context.Context, id, actor, reason string) (Finding, error) {
	f, err := tx.finding(ctx, id)
	if err != nil {
		return Finding{}, err
	}
	if f.State != FindingOpen {
		return f, nil
	}
	if FindingKind(f.Kind) == FoundBalance {
		if err := tx.rebase(ctx, f); err != nil {
			return Finding{}, err
		}
	}
	before := f.State
	f.State, f.Actor, f.Reason = FindingAccepted, actor, reason
	if err := tx.writeFinding(ctx, f); err != nil {
		return Finding{}, err
	}
	return f, tx.event(ctx, SubjectFinding, f.ID, f.Version+1, before, f.State, anchor.Change{Cause: anchor.CauseNoted, Actor: actor, Reason: reason})
}

// rebase takes the difference that was found into what the account held in the beginning.
func (tx *Tx) rebase(ctx context.Context, f Finding) error {
	r, err := tx.q.ReconciliationOfAccount(ctx, f.Account)
	if err != nil {
		return fmt.Errorf("comparison of account %s: %w", f.Account, err)
	}
	rows, err := tx.q.ReconciledBalances(ctx, f.Account)
	if err != nil {
		return fmt.Errorf("balances of %s as compared: %w", f.Account, err)
	}
	standing := Standing{}
	for _, b := range rows {
		if (AssetName{b.AssetCode, b.AssetIssuer}) == f.Asset() {
			standing = Standing{b.BaseUnits, b.MovedUnits}
		}
	}
	difference, err := Add(f.LedgerUnits, -f.BookUnits)
	if err != nil {
		return err
	}
	if standing.Base, err = Add(standing.Base, difference); err != nil {
		return err
	}
	_, err = tx.MoveReconciliation(ctx, Reconciliation{r}, map[AssetName]Standing{f.Asset(): standing})
	return err
}

func (tx *Tx) finding(ctx context.Context, id string) (Finding, error) {
	row, err := tx.q.FindingByID(ctx, id)
	return found(Finding{row}, err, "finding %s", id)
}

func (tx *Tx) writeFinding(ctx context.Context, f Finding) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = one(tx.q.UpdateFinding(ctx, sqlgen.UpdateFindingParams{
		ID: f.ID, Version: f.Version, State: f.State, LedgerUnits: f.LedgerUnits, BookUnits: f.BookUnits, Detail: f.Detail, Actor: f.Actor,
		Reason: f.Reason, NowUs: now,
	}))
	if err != nil {
		return fmt.Errorf("finding %s: %w", f.ID, err)
	}
	return nil
}

// OpenFindings lists what is open behind the finding given (its zero value: from the beginning), by account and operation.
func (db *DB) OpenFindings(ctx context.Context, after Finding, limit int) ([]Finding, error) {
	rows, err := db.q.OpenFindings(ctx, sqlgen.OpenFindingsParams{
		AfterAccount: after.Account, AfterOperation: after.OperationID, AfterID: after.ID, Most: int32(min(limit, 10_000)),
	})
	if err != nil {
		return nil, fmt.Errorf("open findings: %w", err)
	}
	return findings(rows), nil
}

// OpenFindingsOf lists what is open about an account.
func (db *DB) OpenFindingsOf(ctx context.Context, account string) ([]Finding, error) {
	rows, err := db.q.OpenFindingsOfAccount(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("open findings about %s: %w", account, err)
	}
	return findings(rows), nil
}

func findings(rows []sqlgen.ReconcileFinding) []Finding {
	list := make([]Finding, len(rows))
	for i, row := range rows {
		list[i] = Finding{row}
	}
	return list
}

// Drift is how much is open about an account, an asset and a kind. Units are the sum of the differences, in 10^-7; for metrics.
type Drift struct {
	Account string
	Asset   AssetName
	Kind    FindingKind
	Number  int64
	Units   float64
}

// OpenDrift adds up what is open.
func (db *DB) OpenDrift(ctx context.Context) ([]Drift, error) {
	rows, err := db.q.OpenDrift(ctx)
	if err != nil {
		return nil, fmt.Errorf("open drift: %w", err)
	}
	list := make([]Drift, len(rows))
	for i, r := range rows {
		list[i] = Drift{r.Account, AssetName{r.AssetCode, r.AssetIssuer}, FindingKind(r.Kind), r.Number, r.Units}
	}
	return list, nil
}
