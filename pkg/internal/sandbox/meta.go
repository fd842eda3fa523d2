package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// emptyFeeMeta is the base64 of no LedgerEntryChanges.
const emptyFeeMeta = "AAAAAA=="

// emptyMeta is the base64 of a TransactionMeta that names no ledger entry.
func emptyMeta(operations int) (string, error) {
	return xdr.MarshalBase64(xdr.TransactionMeta{V: 4, V4: &xdr.TransactionMetaV4{
		Operations: make([]xdr.OperationMetaV2, operations),
	}})
}
