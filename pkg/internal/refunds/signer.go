package refunds

import (
	"context"
	"errors"
	"fmt"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/txnbuild"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/store"
)

// Signers signs for each receiving account with what there is for it: the seed that is kept sealed in the database, else a
// remote signer. It is safe for concurrent use.
type Signers struct {
	db     *store.DB
	remote anchor.Custody
}

// NewSigners makes it; remote may be nil.
func NewSigners(db *store.DB, remote anchor.Custody) *Signers { return &Signers{db, remote} }

// SignRefund signs; it refuses where nothing can sign for the account.
func (s *Signers) SignRefund(ctx context.Context, r anchor.RefundToSign) (anchor.SignedRefund, error) {
	seed, err := s.db.Seed(ctx, r.Account)
	switch {
	case err == nil:
		return signWith(seed, r)
	case !errors.Is(err, store.ErrNotFound):
		return anchor.SignedRefund{}, fmt.Errorf("open the seed of %s: %w", r.Account, err)
	case s.remote == nil:
		return anchor.SignedRefund{}, anchor.Refuse("no seed is kept for the receiving account, and no remote signer is set (ANCHOR_SIGNER_URL)")
	}
	return s.remote.SignRefund(ctx, r)
}

// signWith signs with a seed, of which no error tells anything.
func signWith(seed string, r anchor.RefundToSign) (anchor.SignedRefund, error) {
	key, err := keypair.ParseFull(seed)
	if err != nil {
		return anchor.SignedRefund{}, errors.New("the seed that is kept cannot be read")
	}
	generic, err := txnbuild.TransactionFromXDR(r.EnvelopeXDR)
	if err != nil {
		return anchor.SignedRefund{}, fmt.Errorf("read the envelope to sign: %w", err)
	}
	var signed interface{ Base64() (string, error) }
	if outer, ok := generic.FeeBump(); ok {
		signed, err = outer.Sign(r.NetworkPassphrase, key)
	} else {
		inner, _ := generic.Transaction()
		signed, err = inner.Sign(r.NetworkPassphrase, key)
	}
	if err != nil {
		return anchor.SignedRefund{}, errors.New("the envelope could not be signed with the seed that is kept")
	}
	text, err := signed.Base64()
	return anchor.SignedRefund{EnvelopeXDR: text}, err
}
