package payments

import (
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// errFeeUnsaid: crediting calls nobody, so it cannot ask the business again.
var errFeeUnsaid = errors.New("the business named the fee itself, and only for the amount that was agreed")

// recomputed is fee and amount out of a transaction of which another sum than agreed is accepted, by the terms that were
// frozen with it; nil where what was agreed stays. An error says, for operators, why the sum cannot be accepted.
//
//   - Without a conversion the asset's fee applies to what came. A fee that the business named itself stays as it was named,
//     where keepFee allows that.
//   - By a quote fee and amount out shrink in proportion, the fee rounded up and the amount down: that is the quote's price.
//     They never grow: more than the quote sells is not for this transaction.
//   - What is priced once the payment has arrived needs nothing here.
func recomputed(t *store.Transaction, sum int64, keepFee bool) (*store.Priced, error) {
	if err := withinLimits(t, sum); err != nil {
		return nil, err
	}
	switch {
	case sum == t.ExpectedUnits || t.Unpriced:
		return nil, nil
	case t.QuoteID != "":
		return byQuote(t, sum)
	case t.OutAsset != store.AssetName{Code: t.AssetCode, Issuer: t.AssetIssuer}.ID():
		return nil, errors.New("its price was made for the amount that was agreed")
	}
	return byTerms(t, sum, keepFee)
}

func withinLimits(t *store.Transaction, sum int64) error {
	switch {
	case sum < t.MinUnits:
		return fmt.Errorf("%s is less than the least amount, %s", amount(sum), amount(t.MinUnits))
	case t.MaxUnits > 0 && sum > t.MaxUnits:
		return fmt.Errorf("%s is more than the greatest amount, %s", amount(sum), amount(t.MaxUnits))
	}
	return nil
}

func byTerms(t *store.Transaction, sum int64, keepFee bool) (*store.Priced, error) {
	terms, err := termsOf(t)
	if err != nil {
		return nil, err
	}
	in, err := money.New(sum, money.StellarDecimals)
	if err != nil {
		return nil, err
	}
	agreed, err := money.New(t.ExpectedUnits, money.StellarDecimals)
	if err != nil {
		return nil, err
	}
	var b anchor.Breakdown
	if usual, err := anchor.Amounts(terms, agreed); err == nil && usual.Fee.Units() == t.FeeUnits && t.FeeDetails == "" {
		b, err = anchor.Amounts(terms, in)
		return pricedAs(b, err)
	}
	if !keepFee {
		return nil, errFeeUnsaid
	}
	fee, err := money.New(t.FeeUnits, money.StellarDecimals)
	if err != nil {
		return nil, err
	}
	b, err = anchor.AmountsWithFee(terms.Decimals, in, fee)
	return pricedAs(b, err)
}

// termsOf reads the frozen terms of the fee.
func termsOf(t *store.Transaction) (anchor.Terms, error) {
	percent, err := money.ParsePercent(t.FeePercent)
	if err != nil {
		return anchor.Terms{}, err
	}
	fixed, err := money.New(t.FeeFixedUnits, money.StellarDecimals)
	return anchor.Terms{Decimals: int(t.Decimals), FeeFixed: fixed, FeePercent: percent}, err
}

// pricedAs: the parts of the fee, which were those of another amount, are not shown any more.
func pricedAs(b anchor.Breakdown, err error) (*store.Priced, error) {
	if err != nil {
		return nil, err
	}
	return &store.Priced{FeeUnits: b.Fee.Units(), OutUnits: b.Out.Units()}, nil
}

// byQuote keeps to the quote's price: (sum - fee) / price, where price = (sold - fee of the quote) / bought.
func byQuote(t *store.Transaction, sum int64) (*store.Priced, error) {
	if sum > t.ExpectedUnits {
		return nil, fmt.Errorf("its quote sells %s", amount(t.ExpectedUnits))
	}
	fee, err := share(t.FeeUnits, money.StellarDecimals, sum, t.ExpectedUnits, money.Up)
	if err != nil {
		return nil, err
	}
	out, err := share(t.OutUnits, int(t.OutDecimals), sum-fee, t.ExpectedUnits-t.FeeUnits, money.Down)
	if err != nil {
		return nil, err
	}
	if out <= 0 {
		return nil, fmt.Errorf("%s leaves nothing to pay out at the quote's price", amount(sum))
	}
	return &store.Priced{FeeUnits: fee, OutUnits: out}, nil
}

// share is units * part / whole, where part and whole are of the received asset.
func share(units int64, decimals int, part, whole int64, r money.Rounding) (int64, error) {
	var amounts [3]money.Amount
	for i, n := range [3]int64{units, part, whole} {
		d := money.StellarDecimals
		if i == 0 {
			d = decimals
		}
		var err error
		if amounts[i], err = money.New(n, d); err != nil {
			return 0, err
		}
	}
	result, err := amounts[0].Share(amounts[1], amounts[2], r)
	return result.Units(), err
}
