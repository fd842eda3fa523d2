package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// emptyFeeMeta is the base64 of no LedgerEntryChanges.
const emptyFeeMeta = "AAAAAA=="

// metaOf is the base64 of a TransactionMeta that names no ledger entry, only the events of contracts.
func metaOf(operations []outcome) (string, error) {
	meta := xdr.TransactionMetaV4{Operations: make([]xdr.OperationMetaV2, len(operations))}
	for i, o := range operations {
		meta.Operations[i].Events = o.events
		if o.events != nil {
			void := voidValue()
			meta.SorobanMeta = &xdr.SorobanTransactionMetaV2{ReturnValue: &void}
		}
	}
	return xdr.MarshalBase64(xdr.TransactionMeta{V: 4, V4: &meta})
}
