package transactions

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/money"
)

// priced is an amount with its fee, both frozen with the transaction.
type priced struct {
	anchor.Breakdown
	parts []anchor.FeePart
}

func (p priced) fee() anchor.Fee { return anchor.Fee{Total: p.Fee, Details: p.parts} }

// price asks the business for the fee, or computes it by the asset's terms. That of a conversion is its price's.
func (s *Service) price(ctx context.Context, a agreement, amount money.Amount) (priced, error) {
	switch {
	case a.conversion.asset != a.offer.id():
		return a.conversion.pricedBy(amount)
	case s.fee == nil:
		breakdown, err := anchor.Amounts(a.offer.terms, amount)
		return priced{Breakdown: breakdown}, err
	}
	fee, err := s.fee(ctx, anchor.FeeRequest{Asset: a.offer.info, Amount: amount, FundingMethod: a.method, From: a.who})
	if err != nil {
		return priced{}, fmt.Errorf("fee: %w", err)
	}
	return priceWith(a.offer, amount, fee)
}

// priceWith takes a fee that the business named. What is left below the asset's decimals is fee as well, and shown as a
// part of its own where the fee has parts: they always add up.
func priceWith(o offer, amount money.Amount, fee anchor.Fee) (priced, error) {
	total, err := fee.Total.Rescale(money.StellarDecimals, money.Up)
	if err != nil {
		return priced{}, fmt.Errorf("fee of the business: %w", err)
	}
	parts, err := partsOf(fee, total)
	if err != nil {
		return priced{}, fmt.Errorf("fee of the business: %w", err)
	}
	breakdown, err := anchor.AmountsWithFee(o.terms.Decimals, amount, total)
	if err != nil {
		return priced{}, err
	}
	rounding, err := breakdown.Fee.Sub(total)
	if err != nil {
		return priced{}, fmt.Errorf("fee of the business: %w", err)
	}
	if len(parts) > 0 && !rounding.IsZero() {
		parts = append(parts, anchor.FeePart{Name: "Rounding", Amount: rounding})
	}
	return priced{Breakdown: breakdown, parts: parts}, nil
}

// partsOf brings the parts of a fee to Stellar's decimals. Parts that do not add up are a fault of the business.
func partsOf(fee anchor.Fee, total money.Amount) ([]anchor.FeePart, error) {
	if len(fee.Details) == 0 {
		return nil, nil
	}
	sum, err := money.New(0, money.StellarDecimals)
	if err != nil {
		return nil, err
	}
	parts := make([]anchor.FeePart, len(fee.Details))
	for i, part := range fee.Details {
		exact, err := part.Amount.Rescale(money.StellarDecimals, money.Down)
		if err != nil {
			return nil, fmt.Errorf("part %q: %w", part.Name, err)
		}
		parts[i] = anchor.FeePart{Name: part.Name, Description: part.Description, Amount: exact}
		if sum, err = sum.Add(exact); err != nil {
			return nil, fmt.Errorf("part %q: %w", part.Name, err)
		}
	}
	if sum != total {
		return nil, fmt.Errorf("its parts add up to %s, not to %s", sum, total)
	}
	return parts, nil
}

// details are the parts of the fee as SEP-31 shows them, as JSON; empty for a fee without parts.
func (p priced) details() (string, error) {
	if len(p.parts) == 0 {
		return "", nil
	}
	list := make([]anchor.FeeDetail, len(p.parts))
	for i, part := range p.parts {
		list[i] = anchor.FeeDetail{Name: part.Name, Description: part.Description, Amount: part.Amount.Short()}
	}
	raw, err := json.Marshal(list)
	return string(raw), err
}
