package anchortest

import (
	"github.com/stellar/go-stellar-sdk/keypair"
)

// Account is a Stellar account with its key. It exists on a network only once it was funded there.
type Account struct {
	Address string // G…
	Seed    string // S…
}

// NewAccount makes a key that nobody has used. A test needs one before Start where its business must know somebody in
// advance: the sending anchor that it admits, or the issuer of the asset that it exchanges.
func NewAccount() (Account, error) {
	kp, err := keypair.Random()
	if err != nil {
		return Account{}, err
	}
	return Account{Address: kp.Address(), Seed: kp.Seed()}, nil
}

// orNew is the account itself, or a new one for the zero value.
func (a Account) orNew() (Account, error) {
	if a == (Account{}) {
		return NewAccount()
	}
	return a, nil
}
