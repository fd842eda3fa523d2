package app

import (
	"slices"

	"github.com/anchorkit/anchor/config"
	"github.com/anchorkit/anchor/pkg/internal/payments"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// paymentOptions are what crediting needs of the settings.
func (a *App) paymentOptions() payments.Options {
	s := a.settings
	return payments.Options{
		Passphrase: s.Network.Passphrase,
		RailOf: func(method string) string {
			rail, _ := s.RailOf(method)
			return rail
		},
		PolicyOf: func(code, issuer string) payments.Policy { return creditPolicy(policyOf(s, code, issuer)) },
		Treasury: func(account string) bool { return slices.Contains(s.Refunds.TreasuryAccounts, account) },
	}
}

// policyOf finds the policy of an asset as the network tells of it.
func policyOf(s config.Settings, code, issuer string) config.Policy {
	return s.PolicyOf(store.AssetName{Code: code, Issuer: issuer}.ID())
}

func creditPolicy(p config.Policy) payments.Policy {
	return payments.Policy{
		Underpaid: payments.Course(p.Underpaid), Overpaid: payments.Course(p.Overpaid), Tolerance: stellarUnits(p.Tolerance),
		Late: payments.Course(p.Late), Duplicate: payments.Course(p.Duplicate), WrongAsset: payments.Course(p.WrongAsset),
		Unmatched: payments.Course(p.Unmatched), RefundFee: stellarUnits(p.RefundFee), RefundFloor: stellarUnits(p.RefundFloor),
	}
}

// stellarUnits reads an amount that was validated with the settings.
func stellarUnits(text string) int64 {
	a, err := money.Parse(text, money.StellarDecimals)
	if err != nil {
		return 0
	}
	return a.Units()
}
