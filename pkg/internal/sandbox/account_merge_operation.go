package sandbox

import (
	"math"

	"github.com/stellar/go-stellar-sdk/xdr"
)

func merged(code xdr.AccountMergeResultCode, name string) outcome {
	return inner(name, xdr.OperationResultTr{
		Type: xdr.OperationTypeAccountMerge, AccountMergeResult: &xdr.AccountMergeResult{Code: code},
	})
}

func checkAccountMerge(source accountID, into *xdr.MuxedAccount) outcome {
	if accountOf(into.ToAccountId()) == source {
		return merged(xdr.AccountMergeResultCodeAccountMergeMalformed, "op_malformed")
	}
	return mergedAll(0)
}

func mergedAll(balance int64) outcome {
	all := xdr.Int64(balance)
	return inner(success, xdr.OperationResultTr{
		Type: xdr.OperationTypeAccountMerge, AccountMergeResult: &xdr.AccountMergeResult{SourceAccountBalance: &all},
	})
}

func applyAccountMerge(d *draft, source party, into *xdr.MuxedAccount) outcome {
	to := partyOf(*into)
	if d.peek(to.id) == nil {
		return merged(xdr.AccountMergeResultCodeAccountMergeNoAccount, "op_no_account")
	}
	from := d.peek(source.id)
	switch {
	case from.flags&uint32(xdr.AccountFlagsAuthImmutableFlag) != 0:
		return merged(xdr.AccountMergeResultCodeAccountMergeImmutableSet, "op_immutable_set")
	case len(from.lines)+len(from.data) > 0:
		return merged(xdr.AccountMergeResultCodeAccountMergeHasSubEntries, "op_has_sub_entries")
	case from.sequence >= int64(d.ledger)<<32:
		return merged(xdr.AccountMergeResultCodeAccountMergeSeqnumTooFar, "op_seq_num_too_far")
	}
	receiver, balance := d.edit(to.id), from.balance
	if receiver.balance > math.MaxInt64-balance {
		return merged(xdr.AccountMergeResultCodeAccountMergeDestFull, "op_dest_full")
	}
	receiver.balance += balance
	d.remove(source.id)
	done := mergedAll(balance)
	done.arrived = balance
	done.effects = []effect{
		debited(source, asset{}, balance), credited(to, asset{}, balance), {kind: accountRemoved, who: source},
	}
	return done
}
