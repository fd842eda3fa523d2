package sep10

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/anchor"
	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

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

// withoutOurs takes the server's own signature, which must be there, from a challenge's. A second one stays, and is then
// nobody's.
func (h *Handler) withoutOurs(hash [32]byte, signatures []xdr.DecoratedSignature) ([]xdr.DecoratedSignature, error) {
	ours := slices.IndexFunc(signatures, func(s xdr.DecoratedSignature) bool { return signedBy(h.Signing, hash, s) })
	if ours < 0 {
		return nil, errors.New("it is not signed by " + h.Signing.Address())
	}
	return slices.Delete(slices.Clone(signatures), ours, ours+1), nil
}

// checkSignatures wants every signature but ours and the domain's to belong to a signer, each of them to count once, ours
// never, and their weights to reach what is required. A domain's key that is a signer as well proves both with one signature.
func (h *Handler) checkSignatures(s signed, need requirement) error {
	delete(need.weights, h.Signing.Address())
	if len(need.weights) == 0 {
		return refusedSignatures("the account has no verifiable signers (G…)")
	}
	found, weight := s.signers(need.weights)
	switch {
	case weight == 0:
		return refusedSignatures("it is not signed by " + strings.Join(slices.Sorted(maps.Keys(need.weights)), ", "))
	case found != len(s.signatures):
		return refusedSignatures("it has unrecognized signatures")
	case weight < need.enough:
		return anchor.Refusef("the signatures of the challenge weigh %d, the account asks for %d", weight, need.enough)
	}
	return nil
}

func refusedSignatures(why string) error {
	return anchor.Refuse("the signatures of the challenge are not accepted: " + why)
}

// signers tells how many of the signatures are somebody's, the domain's included, and what they weigh together. A signature
// is looked at for the few keys only that its hint names.
func (s signed) signers(weights map[string]int) (found, weight int) {
	used := make([]bool, len(s.signatures))
	if s.domainKey != "" {
		used[s.domainAt] = true
		found, weight = 1, weights[s.domainKey]
	}
	for address, counts := range weights {
		if address == s.domainKey {
			continue
		}
		key, err := keypair.ParseAddress(address)
		if err != nil {
			continue // nothing to verify by; its signature will be nobody's
		}
		for i, signature := range s.signatures {
			if !used[i] && signedBy(key, s.hash, signature) {
				used[i] = true
				found++
				weight += counts
				break
			}
		}
	}
	return found, weight
}

func signedBy(key keypair.KP, hash [32]byte, signature xdr.DecoratedSignature) bool {
	return signature.Hint == key.Hint() && key.Verify(hash[:], signature.Signature) == nil
}
