package sandbox

import (
	"math"
	"strconv"

	"github.com/stellar/go-stellar-sdk/xdr"
)

func symbolValue(text string) xdr.ScVal {
	s := xdr.ScSymbol(text)
	return xdr.ScVal{Type: xdr.ScValTypeScvSymbol, Sym: &s}
}

func textValue(text string) xdr.ScVal {
	s := xdr.ScString(text)
	return xdr.ScVal{Type: xdr.ScValTypeScvString, Str: &s}
}

func amountValue(units int64) xdr.ScVal {
	return xdr.ScVal{Type: xdr.ScValTypeScvI128, I128: &xdr.Int128Parts{Lo: xdr.Uint64(units)}}
}

func listValue(values ...xdr.ScVal) xdr.ScVal {
	v := xdr.ScVec(values)
	p := &v
	return xdr.ScVal{Type: xdr.ScValTypeScvVec, Vec: &p}
}

func voidValue() xdr.ScVal { return xdr.ScVal{Type: xdr.ScValTypeScvVoid} }

// value is the holder without its muxed id; void for nobody.
func (h holder) value() xdr.ScVal {
	if h.address == "" {
		return voidValue()
	}
	address := xdr.ScAddress{Type: xdr.ScAddressTypeScAddressTypeAccount}
	if h.contract {
		id := xdr.ContractId(h.id)
		address.Type, address.ContractId = xdr.ScAddressTypeScAddressTypeContract, &id
	} else {
		id := accountXDR(h.id)
		address.AccountId = &id
	}
	return xdr.ScVal{Type: xdr.ScValTypeScvAddress, Address: &address}
}

// muxedID is the id of an M…, if the holder is one.
func (h holder) muxedID() (uint64, bool) {
	if h.muxed == "" {
		return 0, false
	}
	id, err := strconv.ParseUint(h.number, 10, 64)
	return id, err == nil
}

// muxedValue is value with the muxed id.
func (h holder) muxedValue() xdr.ScVal {
	id, ok := h.muxedID()
	if !ok {
		return h.value()
	}
	return xdr.ScVal{Type: xdr.ScValTypeScvAddress, Address: &xdr.ScAddress{
		Type:         xdr.ScAddressTypeScAddressTypeMuxedAccount,
		MuxedAccount: &xdr.MuxedEd25519Account{Id: xdr.Uint64(id), Ed25519: xdr.Uint256(h.id)},
	}}
}

func holderFrom(v xdr.ScVal) (holder, bool) {
	if v.Type != xdr.ScValTypeScvAddress || v.Address == nil {
		return holder{}, false
	}
	switch a := v.Address; {
	case a.AccountId != nil:
		id := accountOf(*a.AccountId)
		return holder{party: party{id: id, address: id.address()}}, true
	case a.ContractId != nil:
		return contractHolder(contractID(*a.ContractId)), true
	case a.MuxedAccount != nil:
		return holder{party: partyOf(xdr.MuxedAccount{
			Type:     xdr.CryptoKeyTypeKeyTypeMuxedEd25519,
			Med25519: &xdr.MuxedAccountMed25519{Id: a.MuxedAccount.Id, Ed25519: a.MuxedAccount.Ed25519},
		})}, true
	}
	return holder{}, false
}

func amountFrom(v xdr.ScVal) (int64, bool) {
	if v.Type != xdr.ScValTypeScvI128 || v.I128 == nil || v.I128.Hi != 0 || v.I128.Lo > math.MaxInt64 {
		return 0, false
	}
	return int64(v.I128.Lo), true
}

// value is a change as the operator's contract takes it.
func (c change) value() xdr.ScVal {
	return listValue(
		symbolValue(c.kind), c.from.value(), c.to.muxedValue(), textValue(c.asset.String()), amountValue(c.amount))
}

func changeFrom(v xdr.ScVal) (change, bool) {
	if v.Type != xdr.ScValTypeScvVec || v.Vec == nil || *v.Vec == nil || len(**v.Vec) != 5 {
		return change{}, false
	}
	parts := **v.Vec
	if parts[0].Sym == nil || parts[3].Str == nil {
		return change{}, false
	}
	c := AssetChange{Kind: string(*parts[0].Sym), Asset: string(*parts[3].Str)}
	var ok bool
	if c.Units, ok = amountFrom(parts[4]); !ok {
		return change{}, false
	}
	from, _ := holderFrom(parts[1])
	to, _ := holderFrom(parts[2])
	c.From, c.To = from.address, to.address
	if to.muxed != "" {
		c.To = to.muxed
	}
	read, err := c.read()
	return read, err == nil
}

// event is what the contract of an asset writes into the ledger (SEP-41, CAP-67) of a change.
func (c change) event(contracts *assetContracts) xdr.ContractEvent {
	emitter, kind := contracts.deploy(c.asset), c.kind
	if kind == forgedChange {
		emitter, kind = moverOf(contracts.passphrase), transferChange
	}
	topics := []xdr.ScVal{symbolValue(kind)}
	for _, h := range []holder{c.from, c.to} {
		if h.address != "" {
			topics = append(topics, h.value())
		}
	}
	id := xdr.ContractId(emitter)
	return xdr.ContractEvent{
		Type: xdr.ContractEventTypeContract, ContractId: &id,
		Body: xdr.ContractEventBody{V0: &xdr.ContractEventV0{
			Topics: append(topics, textValue(c.asset.String())), Data: c.eventData(),
		}},
	}
}

// eventData is the amount, with the muxed id of the receiver if it has one.
func (c change) eventData() xdr.ScVal {
	id, ok := c.to.muxedID()
	if !ok {
		return amountValue(c.amount)
	}
	number := xdr.Uint64(id)
	entries := &xdr.ScMap{
		{Key: symbolValue("amount"), Val: amountValue(c.amount)},
		{Key: symbolValue("to_muxed_id"), Val: xdr.ScVal{Type: xdr.ScValTypeScvU64, U64: &number}},
	}
	return xdr.ScVal{Type: xdr.ScValTypeScvMap, Map: &entries}
}
