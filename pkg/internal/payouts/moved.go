package payouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
	"github.com/anchorkit/anchor/pkg/money"
)

// Moved tells what the payout of an attempt moves: the amount in units of the asset (SEP-38 asset id). A key that no attempt has
// is an error of CodeNotFound.
func (s *Service) Moved(ctx context.Context, key anchor.PayoutKey) (money.Amount, string, error) {
	is, err := s.db.AmountOfAttempt(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return money.Amount{}, "", errNothingThere("payout key")
	}
	if err != nil {
		return money.Amount{}, "", err
	}
	amount, err := money.New(is.Units, int(is.Decimals))
	if err != nil {
		return money.Amount{}, "", fmt.Errorf("amount of attempt %s: %w", key, err)
	}
	return amount, is.Asset, nil
}
