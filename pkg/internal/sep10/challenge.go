package sep10

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/txnbuild"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// challenge builds the transaction to sign (SEP-10 "Challenge"), in base64. It is valid from this second on: clients
// refuse one that is older than their request.
func (h *Handler) challenge(a asked) (string, error) {
	tx, err := txnbuild.BuildChallengeTx(
		h.Signing.Seed(), a.client, h.WebAuthDomain, a.homeDomain, h.Passphrase, h.ChallengeLifetime, a.memo)
	if err != nil {
		return "", fmt.Errorf("build a challenge: %w", err)
	}
	envelope, err := tx.Base64()
	if err != nil {
		return "", fmt.Errorf("encode a challenge: %w", err)
	}
	return envelope, nil
}

// signed is a challenge of ours that came back; whether its client signed it is not known yet.
type signed struct {
	envelope string
	hash     string // lower hex
	expires  time.Time
	client   anchor.SendingAnchor
}

// read accepts a challenge of ours that is in time.
func (h *Handler) read(envelope string) (signed, error) {
	tx, client, _, memo, err := txnbuild.ReadChallengeTx(
		envelope, h.Signing.Address(), h.Passphrase, h.WebAuthDomain, h.HomeDomains)
	if err != nil {
		return signed{}, anchor.Refusef("transaction is not a valid challenge: %v", err)
	}
	bounds := tx.Timebounds()
	s := signed{envelope: envelope, expires: time.Unix(bounds.MaxTime, 0)}
	if h.Now().After(s.expires) {
		return signed{}, anchor.Refuse("the challenge has run out; ask for a new one")
	}
	if !namesEndpoint(tx) {
		return signed{}, anchor.Refuse("transaction is not a valid challenge: it has no web_auth_domain")
	}
	if len(tx.Signatures()) < 2 {
		return signed{}, anchor.Refuse("the challenge is not signed by the client")
	}
	if s.client, err = h.clientOf(client, memo); err != nil {
		return signed{}, err
	}
	if s.hash, err = tx.HashHex(h.Passphrase); err != nil {
		return signed{}, fmt.Errorf("hash a challenge: %w", err)
	}
	return s, nil
}

// namesEndpoint tells whether the challenge says for which endpoint it is. The library checks the value where there is
// one; ours always have it.
func namesEndpoint(tx *txnbuild.Transaction) bool {
	for _, op := range tx.Operations()[1:] {
		if data, ok := op.(*txnbuild.ManageData); ok && data.Name == "web_auth_domain" {
			return true
		}
	}
	return false
}

func (h *Handler) clientOf(account string, memo *txnbuild.MemoID) (anchor.SendingAnchor, error) {
	muxed, err := h.checkClient(account)
	switch {
	case err != nil:
		return anchor.SendingAnchor{}, err
	case muxed:
		return muxedClient(account)
	case memo != nil:
		return anchor.SendingAnchor{Account: account, MemoType: "id", Memo: fmt.Sprint(uint64(*memo))}, nil
	}
	return anchor.SendingAnchor{Account: account}, nil
}

// muxedClient takes an M… apart: the account that signs, and the number that says which of its users speaks (SEP-23).
func muxedClient(account string) (anchor.SendingAnchor, error) {
	m, err := strkey.DecodeMuxedAccount(account)
	if err != nil {
		return anchor.SendingAnchor{}, fmt.Errorf("read a muxed account: %w", err)
	}
	base, err := m.AccountID()
	if err != nil {
		return anchor.SendingAnchor{}, fmt.Errorf("read a muxed account: %w", err)
	}
	return anchor.SendingAnchor{Account: base, MemoType: "id", Memo: fmt.Sprint(m.ID()), Muxed: account}, nil
}

// requirement is who may sign for a client, and how much weight it takes.
type requirement struct {
	weights map[string]int // by G… address, all above 0
	enough  int
}

// required asks the network: the account's signers up to its medium threshold, or the master key alone where there is no
// such account. It asks each time, since a signer that was taken away must not get in.
func (h *Handler) required(ctx context.Context, client anchor.SendingAnchor) (requirement, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	account, err := h.Accounts.Account(ctx, client.Account)
	if errors.Is(err, stellar.ErrNotFound) {
		return requirement{weights: map[string]int{client.Account: 1}, enough: 1}, nil
	}
	if err != nil {
		h.Log.WarnContext(ctx, "signers of a client's account are not known", "error", err)
		return requirement{}, anchor.RefuseAs(anchor.CodeUnavailable, "the Stellar network cannot be asked for the account's signers now; try again")
	}
	// A threshold of 0 is met by anything, so one signature that counts is asked for in any case.
	need := requirement{weights: make(map[string]int, len(account.Signers)), enough: max(account.Thresholds.Medium, 1)}
	for _, s := range account.Signers {
		if s.Type == stellar.SignerEd25519 && s.Weight > 0 {
			need.weights[s.Key] = s.Weight
		}
	}
	return need, nil
}

// checkSignatures wants every signature but ours to belong to a signer, each signer to count once, ours never, and their
// weights to reach what is required.
func (h *Handler) checkSignatures(s signed, need requirement) error {
	signers := make([]string, 0, len(need.weights))
	for key := range need.weights {
		signers = append(signers, key)
	}
	found, err := txnbuild.VerifyChallengeTxSigners(
		s.envelope, h.Signing.Address(), h.Passphrase, h.WebAuthDomain, h.HomeDomains, signers...)
	if err != nil {
		return anchor.Refusef("the signatures of the challenge are not accepted: %v", err)
	}
	weight := 0
	for _, key := range found {
		weight += need.weights[key]
	}
	if weight < need.enough {
		return anchor.Refusef("the signatures of the challenge weigh %d, the account asks for %d", weight, need.enough)
	}
	return nil
}
