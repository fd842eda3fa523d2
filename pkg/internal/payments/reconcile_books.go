package payments

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
)

// BooksReport is what came of comparing the books with themselves (I4).
type BooksReport struct {
	Transactions int
	Since        bool    // only the younger ones were compared
	Cover        []Cover // empty where Since is set
}

// Cover is what is owed in an asset, which the account should be good for, in units of 10^-7. It is for information: what a business
// moves elsewhere it may hold there for them.
type Cover struct {
	Account  string
	Asset    store.AssetName
	Held     int64 // credited, and neither paid out nor refunded
	UnderWay int64 // of payouts and refunds, what has not arrived
	Open     int64 // came, and nobody has decided about it, or goes back without having been credited
}

// Owed is all of it.
func (c Cover) Owed() int64 { return c.Held + c.UnderWay + c.Open }

// books compares every transaction's sums with its payments, payouts and refunds, a page at a time.
func (r *Reconciler) books(ctx context.Context) (BooksReport, error) {
	after, err := r.beginning(ctx)
	if err != nil {
		return BooksReport{}, err
	}
	report := BooksReport{Since: after != ""}
	owed := map[store.Place]*Cover{}
	if err := r.recheckBooks(ctx); err != nil {
		return report, err
	}
	for {
		entries, err := r.db.Books(ctx, after, r.options.Batch)
		if err != nil {
			return report, err
		}
		if len(entries) == 0 {
			break
		}
		if err := r.entries(ctx, entries, owed); err != nil {
			return report, err
		}
		report.Transactions += len(entries)
		after = entries[len(entries)-1].ID
	}
	if !report.Since {
		if report.Cover, err = r.cover(ctx, owed); err != nil {
			return report, err
		}
	}
	return report, r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.BooksChecked(ctx) })
}

// beginning is the id behind which transactions are compared. Ids are UUIDs of version 7: they begin with the time.
func (r *Reconciler) beginning(ctx context.Context) (string, error) {
	if r.options.Since <= 0 {
		return "", nil
	}
	now, err := r.db.Clock(ctx)
	if err != nil {
		return "", err
	}
	milli := max(now.Add(-r.options.Since).UnixMilli(), 0)
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(milli >> (8 * (5 - i)))
	}
	return id.String(), nil
}

func (r *Reconciler) entries(ctx context.Context, entries []store.Entry, owed map[store.Place]*Cover) error {
	var found []store.Finding
	for _, e := range entries {
		if f, wrong := judgeEntry(e); wrong {
			found = append(found, f)
		}
		if e.Held() == 0 && e.UnderWay == 0 {
			continue
		}
		c := at(owed, store.Place{Account: e.Account, Asset: e.Asset})
		var heldErr, wayErr error
		c.Held, heldErr = store.Add(c.Held, e.Held())
		c.UnderWay, wayErr = store.Add(c.UnderWay, e.UnderWay)
		if err := cmp.Or(heldErr, wayErr); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		return nil
	}
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, f := range found {
			if err := tx.Note(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func at(owed map[store.Place]*Cover, place store.Place) *Cover {
	if owed[place] == nil {
		owed[place] = &Cover{Account: place.Account, Asset: place.Asset}
	}
	return owed[place]
}

// judgeEntry is I4 for one transaction: credited = payout + refund + held, held never negative, and each of them the sum of its rows.
func judgeEntry(e store.Entry) (store.Finding, bool) {
	var wrong []string
	f := store.Finding{ReconcileFinding: sqlgen.ReconcileFinding{
		Account: e.Account, Kind: string(store.FoundTransaction), AssetCode: e.Asset.Code, AssetIssuer: e.Asset.Issuer, TransactionID: e.ID,
	}}
	for _, s := range []struct {
		what       string
		rows, book int64
	}{{"payments", e.SumOfPayments, e.Credited}, {"payouts", e.SumOfPayouts, e.Payout}, {"refunds", e.SumOfRefunds, e.Refund}} {
		if s.rows == s.book {
			continue
		}
		if len(wrong) == 0 {
			f.LedgerUnits, f.BookUnits = s.rows, s.book
		}
		wrong = append(wrong, fmt.Sprintf("its %s add up to %s, but it has %s", s.what, amount(s.rows), amount(s.book)))
	}
	if e.Held() < 0 {
		wrong = append(wrong, "it holds less than nothing")
	}
	if e.OtherAssets > 0 {
		wrong = append(wrong, fmt.Sprintf("%d payments of another asset are credited to it", e.OtherAssets))
	}
	f.Detail = strings.Join(wrong, "; ")
	return f, len(wrong) > 0
}

// recheckBooks looks again at transactions about which something is open.
func (r *Reconciler) recheckBooks(ctx context.Context) error {
	for after := (store.Finding{}); ; {
		open, err := r.db.OpenFindings(ctx, after, r.options.Batch)
		if err != nil || len(open) == 0 {
			return err
		}
		for _, f := range open {
			if store.FindingKind(f.Kind) != store.FoundTransaction {
				continue
			}
			if err := r.recheckTransaction(ctx, f); err != nil {
				return err
			}
		}
		after = open[len(open)-1]
	}
}

func (r *Reconciler) recheckTransaction(ctx context.Context, f store.Finding) error {
	entries, err := r.db.BooksOf(ctx, []string{f.TransactionID})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, wrong := judgeEntry(e); wrong {
			return nil
		}
	}
	return r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.FindingGone(ctx, f.ID) })
}

// cover lists what is owed, per account and asset.
func (r *Reconciler) cover(ctx context.Context, owed map[store.Place]*Cover) ([]Cover, error) {
	open, err := r.db.Uncredited(ctx)
	if err != nil {
		return nil, err
	}
	for place, units := range open {
		at(owed, place).Open = units
	}
	list := make([]Cover, 0, len(owed))
	for _, c := range owed {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Cover) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Asset.Code, b.Asset.Code), cmp.Compare(a.Asset.Issuer, b.Asset.Issuer))
	})
	return list, nil
}
