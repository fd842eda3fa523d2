package stellar

import (
	"errors"
	"strconv"

	"github.com/stellar/go-stellar-sdk/strkey"
)

// ErrNotAnAccount means that a text is neither a G… nor an M… address.
var ErrNotAnAccount = errors.New("it is no Stellar account (G… or M…)")

// ParseDestination reads a G… or M… address (SEP-23) as the account, G…, and the number of the muxed one in decimal, empty
// for none. An empty address is none.
func ParseDestination(address string) (account, muxedID string, err error) {
	if address == "" || strkey.IsValidEd25519PublicKey(address) {
		return address, "", nil
	}
	muxed, err := strkey.DecodeMuxedAccount(address)
	if err != nil {
		return "", "", ErrNotAnAccount
	}
	if account, err = muxed.AccountID(); err != nil {
		return "", "", ErrNotAnAccount
	}
	return account, strconv.FormatUint(muxed.ID(), 10), nil
}
