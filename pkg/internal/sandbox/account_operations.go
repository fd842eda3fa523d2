package sandbox

import (
	"bytes"
	"slices"

	"github.com/stellar/go-stellar-sdk/xdr"
)

func checkCreateAccount(source accountID, op *xdr.CreateAccountOp) outcome {
	if op.StartingBalance < 0 || accountOf(op.Destination) == source {
		return created(xdr.CreateAccountResultCodeCreateAccountMalformed, "op_malformed")
	}
	return created(xdr.CreateAccountResultCodeCreateAccountSuccess, success)
}

func applyCreateAccount(d *draft, source party, op *xdr.CreateAccountOp) outcome {
	to := accountOf(op.Destination)
	if d.peek(to) != nil {
		return created(xdr.CreateAccountResultCodeCreateAccountAlreadyExist, "op_already_exists")
	}
	fresh := newAccount(to, int64(op.StartingBalance), int64(d.ledger)<<32)
	if fresh.available() < 0 {
		return created(xdr.CreateAccountResultCodeCreateAccountLowReserve, "op_low_reserve")
	}
	funder := d.edit(source.id)
	if funder.available() < fresh.balance {
		return created(xdr.CreateAccountResultCodeCreateAccountUnderfunded, "op_underfunded")
	}
	funder.balance -= fresh.balance
	d.put(fresh)
	who := party{id: to, address: fresh.address}
	done := created(xdr.CreateAccountResultCodeCreateAccountSuccess, success)
	done.effects = []effect{
		{kind: accountCreated, who: who, amount: fresh.balance}, debited(source, asset{}, fresh.balance), {kind: signerCreated, who: who},
	}
	return done
}

func checkChangeTrust(source accountID, op *xdr.ChangeTrustOp) outcome {
	if op.Line.Type == xdr.AssetTypeAssetTypePoolShare {
		return notSupported()
	}
	of, ok := assetOf(op.Line.ToAsset())
	if !ok || of.native() || op.Limit < 0 || of.issuer == source {
		return trusted(xdr.ChangeTrustResultCodeChangeTrustMalformed, "op_malformed")
	}
	return trusted(xdr.ChangeTrustResultCodeChangeTrustSuccess, success)
}

func applyChangeTrust(d *draft, source party, op *xdr.ChangeTrustOp) outcome {
	of, _ := assetOf(op.Line.ToAsset())
	limit := int64(op.Limit)
	holder := d.edit(source.id)
	line := holder.line(of)
	kind := trustlineCreated
	switch {
	case line != nil && limit < line.balance, line == nil && limit == 0:
		return trusted(xdr.ChangeTrustResultCodeChangeTrustInvalidLimit, "op_invalid_limit")
	case limit > 0 && d.peek(of.issuer) == nil:
		return trusted(xdr.ChangeTrustResultCodeChangeTrustNoIssuer, "op_no_issuer")
	case limit == 0:
		holder.dropLine(of)
		kind = trustlineRemoved
	case line != nil:
		line.limit, line.modified = limit, d.ledger
		kind = trustlineUpdated
	case !holder.holdsReserveForOneMore():
		return trusted(xdr.ChangeTrustResultCodeChangeTrustLowReserve, "op_low_reserve")
	default:
		needsLeave := d.peek(of.issuer).flags&uint32(xdr.AccountFlagsAuthRequiredFlag) != 0
		holder.addLine(trustline{asset: of, limit: limit, authorized: !needsLeave, modified: d.ledger})
	}
	done := trusted(xdr.ChangeTrustResultCodeChangeTrustSuccess, success)
	done.effects = []effect{ofTrustline(kind, source, of, limit)}
	return done
}

func checkManageData(op *xdr.ManageDataOp) outcome {
	if len(op.DataName) == 0 || !printable(string(op.DataName)) {
		return dataManaged(xdr.ManageDataResultCodeManageDataInvalidName, "op_data_invalid_name")
	}
	return dataManaged(xdr.ManageDataResultCodeManageDataSuccess, success)
}

// printable tells whether a text is what a ledger accepts as a name: ASCII without control characters.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return true
}

func applyManageData(d *draft, source accountID, op *xdr.ManageDataOp) outcome {
	owner := d.edit(source)
	at, exists := owner.dataIndex(string(op.DataName))
	switch {
	case op.DataValue == nil && !exists:
		return dataManaged(xdr.ManageDataResultCodeManageDataNameNotFound, "op_data_name_not_found")
	case op.DataValue == nil:
		owner.data = slices.Delete(owner.data, at, at+1)
	case exists:
		owner.data[at].value = bytes.Clone(*op.DataValue)
	case !owner.holdsReserveForOneMore():
		return dataManaged(xdr.ManageDataResultCodeManageDataLowReserve, "op_low_reserve")
	default:
		owner.data = slices.Insert(owner.data, at, dataEntry{name: string(op.DataName), value: bytes.Clone(*op.DataValue)})
	}
	return dataManaged(xdr.ManageDataResultCodeManageDataSuccess, success)
}
