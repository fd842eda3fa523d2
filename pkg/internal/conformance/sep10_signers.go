package conformance

import (
	"net/http"

	"github.com/stellar/go-stellar-sdk/keypair"
)

// The accounts of these checks exist: their signers and thresholds are on the network.

func signerChecks() []check {
	needs := []int{3, 6, 7}
	return []check{
		{18, 10, "a weight below the medium threshold is not enough", needs, func(v *visit) error {
			account, signers, err := v.shared(sharing{master: 1, medium: 2, weights: []uint8{1}})
			if err != nil {
				return err
			}
			return v.refusesSigners(account, signers[0])
		}},
		{19, 10, "one signer that is not the master key is enough", needs, func(v *visit) error {
			account, signers, err := v.shared(sharing{master: 0, medium: 1, weights: []uint8{1}})
			if err != nil {
				return err
			}
			return v.acceptsSigners(account, signers[0])
		}},
		{20, 10, "a signer that signs twice counts once", needs, func(v *visit) error {
			account, signers, err := v.shared(sharing{master: 1, medium: 2, weights: []uint8{1}})
			if err != nil {
				return err
			}
			return v.refusesSigners(account, signers[0], signers[0])
		}},
		{21, 10, "two signers together are enough", needs, func(v *visit) error {
			account, signers, err := v.shared(sharing{master: 0, medium: 2, weights: []uint8{1, 1}})
			if err != nil {
				return err
			}
			return v.acceptsSigners(account, signers...)
		}},
	}
}

func (v *visit) acceptsSigners(account *keypair.Full, signers ...*keypair.Full) error {
	signed, err := v.signedChallenge(account.Address(), signers...)
	if err != nil {
		return err
	}
	_, err = v.demandObject(formPost(v.authURL, signed), http.StatusOK, tokenAnswer())
	return err
}
