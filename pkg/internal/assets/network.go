package assets

import (
	"context"
	"errors"
	"fmt"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// root asks the network who it is and refuses another one than that of the settings.
func (s *Service) root(ctx context.Context) (stellar.Root, error) {
	root, err := s.net.Root(ctx)
	if err != nil {
		return stellar.Root{}, fmt.Errorf("ask the network: %w", err)
	}
	if root.Passphrase != s.opts.Passphrase {
		return stellar.Root{}, &stellar.WrongNetworkError{Want: s.opts.Passphrase, Got: root.Passphrase}
	}
	return root, nil
}

// checkAccounts checks that issuer and receiving account exist on the network and fit together.
func (s *Service) checkAccounts(ctx context.Context, spec Spec) error {
	if _, err := s.existing(ctx, "issuer", spec.Issuer); err != nil {
		return err
	}
	account, err := s.existing(ctx, "receiving account", spec.Account)
	if err != nil {
		return err
	}
	line, ok := account.Balance(spec.Code, spec.Issuer)
	switch {
	case !ok:
		return anchor.Refusef("the receiving account %s has no trust line to %s:%s: it must trust the asset (change trust) before it can receive it",
			spec.Account, spec.Code, spec.Issuer)
	case !line.Authorized:
		return anchor.Refusef("the issuer %s has not authorized the trust line of the receiving account %s to %s: ask it to",
			spec.Issuer, spec.Account, spec.Code)
	}
	return checkSigner(spec.Seed, account)
}

func (s *Service) existing(ctx context.Context, what, id string) (stellar.Account, error) {
	account, err := s.net.Account(ctx, id)
	if errors.Is(err, stellar.ErrNotFound) {
		return stellar.Account{}, anchor.Refusef("the %s %s does not exist on the network %q", what, id, s.opts.Passphrase)
	}
	if err != nil {
		return stellar.Account{}, fmt.Errorf("ask for the %s %s: %w", what, id, err)
	}
	return account, nil
}

// checkSigner checks that a seed can sign a payment from the account by itself, which needs the medium threshold.
func checkSigner(seed Seed, account stellar.Account) error {
	if seed.IsZero() {
		return nil
	}
	kp, err := seed.keypair()
	if err != nil {
		return err
	}
	needed := max(account.Thresholds.Medium, 1)
	for _, signer := range account.Signers {
		if signer.Key != kp.Address() {
			continue
		}
		if signer.Weight < needed {
			return anchor.Refusef("the seed given signs for %s with weight %d, but a payment needs %d: it could send nothing back",
				account.ID, signer.Weight, needed)
		}
		return nil
	}
	return anchor.Refusef("the seed given belongs to %s, which is no signer of the receiving account %s", kp.Address(), account.ID)
}
