package payments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// balances compares what moved with what the account holds, and settles in the first pass on what it held before.
func (p *accountPass) balances(ctx context.Context) error {
	list, err := p.statement(ctx)
	if err != nil {
		return err
	}
	if p.state.Based() && !agree(list) {
		if list, err = p.statement(ctx); err != nil { // two endpoints behind one address may not have agreed for a moment
			return err
		}
	}
	next := p.state
	next.ThroughLedger = p.cursor.ThroughLedger
	changed := map[store.AssetName]store.Standing{}
	if !p.state.Based() {
		if err := p.base(list, changed); err != nil {
			return err
		}
	}
	p.report.Balances = list
	return p.settle(ctx, next, list, changed)
}

func agree(list []BalanceReport) bool {
	return !slices.ContainsFunc(list, func(b BalanceReport) bool { return b.Books != b.Ledger })
}

// statement is what the account holds by the network and by what moved, as of one ledger: operations behind the ledger that it was
// compared through count as they are, whether the books know them yet or not.
func (p *accountPass) statement(ctx context.Context) ([]BalanceReport, error) {
	account, at, err := p.accountAt(ctx)
	if err != nil {
		return nil, err
	}
	if at < p.cursor.ThroughLedger {
		return nil, errBehind
	}
	books := sums{}
	for name, s := range p.standings {
		if err := books.add(name, s.Now()); err != nil {
			return nil, err
		}
	}
	if at > p.cursor.ThroughLedger {
		if err := p.since(ctx, at, books); err != nil {
			return nil, err
		}
	}
	ledger := sums{}
	for _, b := range account.Balances {
		if err := ledger.add(store.AssetName{Code: b.AssetCode, Issuer: b.AssetIssuer}, b.Units); err != nil {
			return nil, err
		}
	}
	return p.sideBySide(books, ledger), nil
}

// accountAt asks again while the account changes; one that does not exist holds nothing.
func (p *accountPass) accountAt(ctx context.Context) (account stellar.Account, at int64, err error) {
	const tries = 5
	for range tries {
		account, at, err = p.source.AccountAt(ctx, p.cursor.Account)
		if !errors.Is(err, stellar.ErrMoved) {
			break
		}
	}
	if errors.Is(err, stellar.ErrNotFound) {
		return stellar.Account{ID: p.cursor.Account}, at, nil
	}
	if err != nil {
		return stellar.Account{}, 0, fmt.Errorf("read its balances: %w", err)
	}
	return account, at, nil
}

// since adds what moved behind the ledger that the account was compared through, up to and in the one given.
func (p *accountPass) since(ctx context.Context, ledger int64, into sums) error {
	from := behind(p.cursor.ThroughLedger)
	err := p.eachStep(ctx, from, ledger, func(list []step, _ bool) error {
		for _, s := range list {
			if err := into.addAll(s.net); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.eachFee(ctx, from, ledger, func(paid, _ int64) error { return into.add(native(), -paid) })
}

// sideBySide lists every asset that either side has. An issuer holds nothing of its own asset: it makes and unmakes it.
func (p *accountPass) sideBySide(books, ledger sums) []BalanceReport {
	names := maps.Clone(books)
	maps.Copy(names, ledger)
	var list []BalanceReport
	for name := range names {
		if name.Issuer != p.cursor.Account {
			list = append(list, BalanceReport{Asset: name, Books: books[name], Ledger: ledger[name]})
		}
	}
	slices.SortFunc(list, func(a, b BalanceReport) int {
		return cmp.Or(cmp.Compare(a.Asset.Code, b.Asset.Code), cmp.Compare(a.Asset.Issuer, b.Asset.Issuer))
	})
	return list
}

// base settles on what the account held before the first ledger compared: whatever what moved since does not explain. An account
// that began to exist since held nothing.
func (p *accountPass) base(list []BalanceReport, changed map[store.AssetName]store.Standing) error {
	p.report.Baseline = fmt.Sprintf("compared from ledger %d on; what the account held before is taken from what it holds now", p.state.FromLedger)
	if p.created {
		p.report.Baseline = fmt.Sprintf("compared from ledger %d on, from its creation", p.state.FromLedger)
		return nil
	}
	for i, b := range list {
		before, err := store.Add(b.Ledger, -b.Books)
		if err != nil {
			return err
		}
		if before < 0 {
			continue // nobody holds less than nothing: this is drift
		}
		s := p.standings[b.Asset]
		s.Base = before
		changed[b.Asset], list[i].Books = s, b.Ledger
	}
	return nil
}

// settle writes which balances agree and that the comparison came to its end.
func (p *accountPass) settle(ctx context.Context, next store.Reconciliation, list []BalanceReport, changed map[store.AssetName]store.Standing) error {
	open, err := p.db.OpenFindingsOf(ctx, p.cursor.Account)
	if err != nil {
		return err
	}
	differ := map[store.AssetName]bool{}
	return p.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		for _, b := range list {
			if differ[b.Asset] = b.Books != b.Ledger; differ[b.Asset] {
				if err := tx.Note(ctx, p.balanceFinding(b)); err != nil {
					return err
				}
			}
		}
		for _, f := range open {
			if store.FindingKind(f.Kind) == store.FoundBalance && !differ[f.Asset()] {
				if err := tx.FindingGone(ctx, f.ID); err != nil {
					return err
				}
			}
		}
		next.PassedUs = now
		if !next.Based() {
			next.BasedUs = now
		}
		p.state, err = tx.MoveReconciliation(ctx, next, changed)
		return err
	})
}

func (p *accountPass) balanceFinding(b BalanceReport) store.Finding {
	return store.Finding{ReconcileFinding: sqlgen.ReconcileFinding{
		Account: p.cursor.Account, Kind: string(store.FoundBalance), AssetCode: b.Asset.Code, AssetIssuer: b.Asset.Issuer,
		LedgerUnits: b.Ledger, BookUnits: b.Books,
		Detail: fmt.Sprintf("what moved since ledger %d does not explain what the account holds", p.state.FromLedger),
	}}
}

// recheck looks again at operations about which something is open: what was missing may have been read since, what was wrong may have
// been put right. What the ledger shows was written down with the finding, and never changes.
func (p *accountPass) recheck(ctx context.Context) error {
	open, err := p.db.OpenFindingsOf(ctx, p.cursor.Account)
	if err != nil {
		return err
	}
	for _, f := range open {
		if f.OperationID == 0 {
			continue
		}
		booked, err := p.db.BookedBetween(ctx, p.cursor.Chain, f.Account, f.OperationID-1, f.OperationID)
		if err != nil {
			return err
		}
		if !putRight(f, booked) {
			continue
		}
		if err := p.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.FindingGone(ctx, f.ID) }); err != nil {
			return err
		}
	}
	return nil
}

// putRight tells whether the books of an operation now have what a finding says the ledger shows.
func putRight(f store.Finding, booked []store.Booked) bool {
	kind := store.FindingKind(f.Kind)
	unfounded := kind == store.FoundNoPayment || kind == store.FoundNoOutgoing
	for _, b := range booked {
		if b.Outgoing != f.Outgoing || b.Index != f.Idx {
			continue
		}
		unreadable := b.Unreadable || f.LedgerUnits == 0
		return !unfounded && (unreadable || b.Units == f.LedgerUnits && b.Asset == f.Asset())
	}
	return unfounded
}
