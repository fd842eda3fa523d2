package rpc

import (
	"encoding/base64"

	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// Read is what a page would tell of one ledger, given as the XDR of its LedgerCloseMeta.
func Read(raw []byte, passphrase, account string) (stellar.Page, error) {
	l, err := decode(base64.StdEncoding.EncodeToString(raw), passphrase)
	if err != nil {
		return stellar.Page{}, err
	}
	p := reading{account: account, limit: stellar.MaxLimit}
	p.pass(l)
	return p.Page, nil
}

// Accounts are all that a ledger's movements name.
func Accounts(raw []byte, passphrase string) []string {
	l, err := decode(base64.StdEncoding.EncodeToString(raw), passphrase)
	if err != nil {
		return nil
	}
	var named []string
	for _, t := range l.transactions {
		for _, o := range t.operations {
			for _, m := range o.movements {
				named = append(append(named, m.from.address, m.to.address), m.suspects...)
			}
		}
	}
	return named
}

// Sealed gives a header its true hash.
func Sealed(header xdr.LedgerHeader) xdr.LedgerHeaderHistoryEntry {
	entry := xdr.LedgerHeaderHistoryEntry{Header: header}
	entry.Hash, _ = hashOf(header)
	return entry
}

// BoundAnswers changes how large an answer may be, before the source is used.
func (s *Source) BoundAnswers(bytes int64) { s.client.bound = bytes }
