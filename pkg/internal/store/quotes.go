package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store/sqlgen"
	"github.com/anchorkit/anchor/pkg/money"
)

// Why a quote that is there cannot be redeemed.
var (
	ErrQuoteRedeemed = errors.New("the quote was redeemed already")
	ErrQuoteExpired  = errors.New("the quote has expired")
)

// Quote is a row of quotes: what the business keeps to until a time (SEP-38 "POST Quote"). SellUnits and FeeUnits are in
// 10^-SellDecimals of SellAsset, BuyUnits in 10^-BuyDecimals of BuyAsset. But for redeemed_by it never changes.
type Quote struct{ sqlgen.Quote }

// SetPrice puts the exchange into the row. The parts of the fee get the decimals of its total.
func (q *Quote) SetPrice(pair anchor.Pair, p anchor.Price) error {
	details, err := feeDetailsText(p.Fee)
	if err != nil {
		return fmt.Errorf("fee of quote %s: %w", q.ID, err)
	}
	q.SellAsset, q.SellUnits, q.SellDecimals = pair.Sell.String(), p.SellAmount.Units(), int64(p.SellAmount.Decimals())
	q.BuyAsset, q.BuyUnits, q.BuyDecimals = pair.Buy.String(), p.BuyAmount.Units(), int64(p.BuyAmount.Decimals())
	q.FeeUnits, q.FeeDetails = p.Fee.Total.Units(), details
	return nil
}

func feeDetailsText(fee anchor.Fee) (string, error) {
	if len(fee.Details) == 0 {
		return "", nil
	}
	list := make([]anchor.FeeDetail, len(fee.Details))
	for i, part := range fee.Details {
		amount, err := part.Amount.Rescale(fee.Total.Decimals(), money.Down)
		if err != nil {
			return "", fmt.Errorf("part %q: %w", part.Name, err)
		}
		list[i] = anchor.FeeDetail{Name: part.Name, Description: part.Description, Amount: amount.Short()}
	}
	raw, err := json.Marshal(list)
	return string(raw), err
}

// Pair names what is exchanged.
func (q Quote) Pair() (anchor.Pair, error) {
	sell, err := money.ParseAsset(q.SellAsset)
	if err != nil {
		return anchor.Pair{}, fmt.Errorf("quote %s: %w", q.ID, err)
	}
	buy, err := money.ParseAsset(q.BuyAsset)
	if err != nil {
		return anchor.Pair{}, fmt.Errorf("quote %s: %w", q.ID, err)
	}
	return anchor.Pair{Sell: sell, Buy: buy}, nil
}

// Price is the exchange with its fee, as the business gave it.
func (q Quote) Price() (anchor.Price, error) {
	var p anchor.Price
	var err error
	for _, amount := range []struct {
		into     *money.Amount
		units    int64
		decimals int64
	}{
		{&p.SellAmount, q.SellUnits, q.SellDecimals}, {&p.BuyAmount, q.BuyUnits, q.BuyDecimals},
		{&p.Fee.Total, q.FeeUnits, q.SellDecimals},
	} {
		if *amount.into, err = money.New(amount.units, int(amount.decimals)); err != nil {
			return anchor.Price{}, fmt.Errorf("quote %s: %w", q.ID, err)
		}
	}
	if p.Fee.Details, err = q.feeParts(); err != nil {
		return anchor.Price{}, fmt.Errorf("fee of quote %s: %w", q.ID, err)
	}
	return p, nil
}

func (q Quote) feeParts() ([]anchor.FeePart, error) {
	if q.FeeDetails == "" {
		return nil, nil
	}
	var list []anchor.FeeDetail
	if err := json.Unmarshal([]byte(q.FeeDetails), &list); err != nil {
		return nil, err
	}
	parts := make([]anchor.FeePart, len(list))
	for i, detail := range list {
		amount, err := money.Parse(detail.Amount, int(q.SellDecimals))
		if err != nil {
			return nil, err
		}
		parts[i] = anchor.FeePart{Name: detail.Name, Description: detail.Description, Amount: amount}
	}
	return parts, nil
}

// ExpiresAt is the time before which the quote must be redeemed and paid.
func (q Quote) ExpiresAt() time.Time { return At(q.ExpiresUs) }

// InsertQuote stores a new quote; its creation time is set here. It is not redeemed, whatever the row says.
func (tx *Tx) InsertQuote(ctx context.Context, q Quote) error {
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	err = tx.q.InsertQuote(ctx, sqlgen.InsertQuoteParams{
		ID: q.ID, OwnerAccount: q.OwnerAccount, SellAsset: q.SellAsset, SellUnits: q.SellUnits, SellDecimals: q.SellDecimals,
		BuyAsset: q.BuyAsset, BuyUnits: q.BuyUnits, BuyDecimals: q.BuyDecimals, FeeUnits: q.FeeUnits, FeeDetails: q.FeeDetails,
		Context: q.Context, SellDeliveryMethod: q.SellDeliveryMethod, BuyDeliveryMethod: q.BuyDeliveryMethod,
		CountryCode: q.CountryCode, ExpiresUs: q.ExpiresUs, CreatedUs: now,
	})
	if tx.db.engine.exists(err) {
		return fmt.Errorf("quote %s: %w", q.ID, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("insert quote %s: %w", q.ID, err)
	}
	return nil
}

// QuoteOf reads a quote of an account, also one that was redeemed or has expired; anybody else's is ErrNotFound.
func (db *DB) QuoteOf(ctx context.Context, ownerAccount, id string) (Quote, error) {
	return quoteOf(ctx, db.q, ownerAccount, id)
}

func quoteOf(ctx context.Context, q *sqlgen.Queries, ownerAccount, id string) (Quote, error) {
	row, err := q.QuoteOfOwner(ctx, sqlgen.QuoteOfOwnerParams{ID: id, OwnerAccount: ownerAccount})
	return found(Quote{row}, err, "quote %s", id)
}

// RedeemQuote uses a quote up for a transaction that this Tx creates: once, by its owner, before it expires by the
// database's clock (I10). Otherwise the error is ErrNotFound (not there, or somebody else's), ErrQuoteRedeemed or
// ErrQuoteExpired.
func (tx *Tx) RedeemQuote(ctx context.Context, ownerAccount, id, transactionID string) (Quote, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return Quote{}, err
	}
	n, err := tx.q.RedeemQuote(ctx, sqlgen.RedeemQuoteParams{
		RedeemedBy: transactionID, ID: id, OwnerAccount: ownerAccount, NowUs: now,
	})
	if err != nil {
		return Quote{}, fmt.Errorf("redeem quote %s: %w", id, err)
	}
	q, err := quoteOf(ctx, tx.q, ownerAccount, id)
	switch {
	case err != nil:
		return Quote{}, err
	case n == 1:
		return q, nil
	case q.RedeemedBy != "":
		return Quote{}, fmt.Errorf("quote %s: %w", id, ErrQuoteRedeemed)
	case q.ExpiresUs <= now:
		return Quote{}, fmt.Errorf("quote %s: %w", id, ErrQuoteExpired)
	}
	return Quote{}, fmt.Errorf("quote %s: %w", id, ErrStale)
}

// PruneQuotes forgets quotes that nobody redeemed and that expired longer ago than keep; it tells how many there were.
func (db *DB) PruneQuotes(ctx context.Context, keep time.Duration) (forgotten int64, err error) {
	for {
		var n int64
		err := db.Tx(ctx, func(ctx context.Context, tx *Tx) error {
			now, err := tx.Now(ctx)
			if err != nil {
				return err
			}
			n, err = tx.q.PruneQuotes(ctx, sqlgen.PruneQuotesParams{BeforeUs: now - keep.Microseconds(), Most: pruneAtOnce})
			return err
		})
		if err != nil {
			return forgotten, fmt.Errorf("prune quotes: %w", err)
		}
		forgotten += n
		if n < pruneAtOnce {
			return forgotten, nil
		}
	}
}
