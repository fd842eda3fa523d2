package assets

import (
	"fmt"
	"math"
	"slices"

	"github.com/stellar/go-stellar-sdk/strkey"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// Spec is an asset as somebody wants it registered.
type Spec struct {
	Code, Issuer string
	// Account receives the asset. Empty: that of Seed, or the one that is registered.
	Account string
	// Seed signs for the account when something is sent back; it is kept sealed. Receiving needs none.
	Seed  Seed
	Terms Terms
	// FromLedger is the first ledger whose payments are looked at; nil: the one after the newest. It cannot be changed.
	FromLedger *int64
	// Update allows to change an asset that is registered with other values.
	Update bool
	// Actor is who asks for it, for the history.
	Actor string
}

// Terms are the terms of an asset. What is nil keeps what is registered; in a new asset it is what is said here. Amounts are
// decimal numbers of the asset.
type Terms struct {
	Decimals       *int     // finest step of amounts, 0 to 7; new: 7. It cannot be changed
	FeeFixed       *string  // new: 0
	FeePercent     *string  // new: 0
	Min, Max       *string  // new: 0, which is no limit
	FundingMethods []string // names from the settings; new: none
	SEP31          *bool    // new: true
	SEP38          *bool    // new: true
}

// DefaultDecimals are the decimals of the Stellar network itself: nothing that arrives is finer.
const DefaultDecimals = money.StellarDecimals

// check judges what needs neither database nor network.
func (s Spec) check() error {
	asset, err := money.Stellar(s.Code, s.Issuer)
	switch {
	case err != nil:
		return anchor.Refusef("asset: %v", err)
	case !asset.IsStellar() || asset.IsNative():
		return anchor.Refuse("only issued assets can be received, lumens cannot")
	case s.Account == s.Issuer:
		return anchor.Refuse("an issuer cannot receive its own asset: what is paid to it ceases to exist; name another account")
	case s.Account != "" && !strkey.IsValidEd25519PublicKey(s.Account):
		return anchor.Refuse("the receiving account must be an account id (G…)")
	case s.FromLedger != nil && *s.FromLedger < 1:
		return anchor.Refuse("the first ledger to look at must be 1 or later")
	}
	return nil
}

// newAsset is what an asset is before anything is said of it.
func newAsset(code, issuer string) store.Asset {
	var a store.Asset
	a.Code, a.Issuer, a.Decimals, a.FeePercent = code, issuer, DefaultDecimals, "0"
	a.Enabled, a.Sep31Enabled, a.Sep38Enabled = true, true, true
	return a
}

// apply gives a copy of the asset with those terms that are named.
func (t Terms) apply(a store.Asset) (store.Asset, error) {
	if t.Decimals != nil {
		if *t.Decimals < 0 || *t.Decimals > money.StellarDecimals {
			return store.Asset{}, anchor.Refusef("decimals must be 0 to %d", money.StellarDecimals)
		}
		a.Decimals = int64(*t.Decimals)
	}
	for _, amount := range []struct {
		name string
		text *string
		into *int64
	}{{"fixed fee", t.FeeFixed, &a.FeeFixedUnits}, {"least amount", t.Min, &a.MinUnits}, {"greatest amount", t.Max, &a.MaxUnits}} {
		if amount.text == nil {
			continue
		}
		units, err := parseUnits(*amount.text, int(a.Decimals))
		if err != nil {
			return store.Asset{}, anchor.Refusef("%s: %v", amount.name, err)
		}
		*amount.into = units
	}
	if t.FeePercent != nil {
		percent, err := money.ParsePercent(*t.FeePercent)
		if err != nil {
			return store.Asset{}, anchor.Refusef("percent fee: %v", err)
		}
		a.FeePercent = percent.String()
	}
	if t.SEP31 != nil {
		a.Sep31Enabled = *t.SEP31
	}
	if t.SEP38 != nil {
		a.Sep38Enabled = *t.SEP38
	}
	if t.FundingMethods != nil {
		if err := a.SetMethods(t.FundingMethods); err != nil {
			return store.Asset{}, fmt.Errorf("funding methods: %w", err)
		}
	}
	return a, nil
}

// parseUnits reads an amount of the asset and gives it in the network's units of 10^-7, which is exact.
func parseUnits(text string, decimals int) (int64, error) {
	amount, err := money.Parse(text, decimals)
	if err != nil {
		return 0, err
	}
	exact, err := amount.Rescale(money.StellarDecimals, money.Down)
	if err != nil {
		return 0, err
	}
	return exact.Units(), nil
}

// checkTerms judges the terms together.
func (s *Service) checkTerms(a store.Asset, methods []string) error {
	if a.MaxUnits > 0 && a.MaxUnits < a.MinUnits {
		return anchor.Refusef("the greatest amount (%s) is less than the least one (%s)", shown(a.MaxUnits), shown(a.MinUnits))
	}
	for i, name := range methods {
		switch {
		case name == "":
			return anchor.Refuse("the name of a funding method is empty")
		case slices.Contains(methods[:i], name):
			return anchor.Refusef("the funding method %q is named twice", name)
		case s.opts.KnownMethod != nil && !s.opts.KnownMethod(name):
			return anchor.Refusef("the funding method %q has no rail: add it to funding_methods in the settings first", name)
		}
	}
	return checkFee(a)
}

// checkFee refuses fees that leave nothing to pay out even of the greatest amount.
func checkFee(a store.Asset) error {
	most := a.MaxUnits
	if most == 0 {
		most = math.MaxInt64
	}
	in, err := money.New(most, money.StellarDecimals)
	if err != nil {
		return fmt.Errorf("greatest amount: %w", err)
	}
	fixed, err := money.New(a.FeeFixedUnits, money.StellarDecimals)
	if err != nil {
		return fmt.Errorf("fixed fee: %w", err)
	}
	percent, err := money.ParsePercent(a.FeePercent)
	if err != nil {
		return fmt.Errorf("percent fee: %w", err)
	}
	if _, err := anchor.Amounts(anchor.Terms{Decimals: int(a.Decimals), FeeFixed: fixed, FeePercent: percent}, in); err != nil {
		return anchor.Refusef("with fees of %s and %s %% nothing is left to pay out, whatever the amount", shown(a.FeeFixedUnits), a.FeePercent)
	}
	return nil
}

// shown writes units of 10^-7 for people.
func shown(units int64) string {
	amount, err := money.New(units, money.StellarDecimals)
	if err != nil {
		return fmt.Sprint(units)
	}
	return amount.Short()
}
