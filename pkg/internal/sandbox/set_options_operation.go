package sandbox

import (
	"bytes"
	"slices"

	"github.com/stellar/go-stellar-sdk/xdr"
)

const (
	knownFlags = uint32(xdr.AccountFlagsAuthRequiredFlag | xdr.AccountFlagsAuthRevocableFlag |
		xdr.AccountFlagsAuthImmutableFlag | xdr.AccountFlagsAuthClawbackEnabledFlag)
	maxSigners = 20
	maxWeight  = 255
)

func checkSetOptions(source accountID, op *xdr.SetOptionsOp) outcome {
	set, clear := optional(op.SetFlags), optional(op.ClearFlags)
	switch {
	case (set|clear)&^knownFlags != 0:
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsUnknownFlag, "op_unknown_flag")
	case set&clear != 0:
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsBadFlags, "op_bad_flags")
	case thresholdOutOfRange(op):
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsThresholdOutOfRange, "op_threshold_out_of_range")
	case op.Signer != nil && op.Signer.Key.Type == xdr.SignerKeyTypeSignerKeyTypeEd25519SignedPayload:
		return notSupported()
	case op.Signer != nil && !mayBeSigner(source, *op.Signer):
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsBadSigner, "op_bad_signer")
	case op.HomeDomain != nil && !printable(string(*op.HomeDomain)):
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsInvalidHomeDomain, "op_invalid_home_domain")
	}
	return optionsSet(xdr.SetOptionsResultCodeSetOptionsSuccess, success)
}

func optional(v *xdr.Uint32) uint32 {
	if v == nil {
		return 0
	}
	return uint32(*v)
}

func thresholdOutOfRange(op *xdr.SetOptionsOp) bool {
	return slices.ContainsFunc([]*xdr.Uint32{op.MasterWeight, op.LowThreshold, op.MedThreshold, op.HighThreshold},
		func(v *xdr.Uint32) bool { return optional(v) > maxWeight })
}

func mayBeSigner(source accountID, s xdr.Signer) bool {
	read, ok := signerOf(s)
	own := read.kind == xdr.SignerKeyTypeSignerKeyTypeEd25519 && accountID(read.key) == source
	return ok && !own && s.Weight <= maxWeight
}

func signerOf(s xdr.Signer) (signer, bool) {
	var key *xdr.Uint256
	switch s.Key.Type {
	case xdr.SignerKeyTypeSignerKeyTypeEd25519:
		key = s.Key.Ed25519
	case xdr.SignerKeyTypeSignerKeyTypePreAuthTx:
		key = s.Key.PreAuthTx
	case xdr.SignerKeyTypeSignerKeyTypeHashX:
		key = s.Key.HashX
	default:
	}
	address, err := s.Key.GetAddress()
	if key == nil || err != nil {
		return signer{}, false
	}
	return signer{kind: s.Key.Type, key: *key, weight: uint8(min(s.Weight, maxWeight)), address: address}, true
}

func applySetOptions(d *draft, source accountID, op *xdr.SetOptionsOp) outcome {
	a := d.edit(source)
	if op.InflationDest != nil {
		if d.peek(accountOf(*op.InflationDest)) == nil {
			return optionsSet(xdr.SetOptionsResultCodeSetOptionsInvalidInflation, "op_invalid_inflation")
		}
		a.inflation = accountOf(*op.InflationDest).address()
	}
	if refused := a.setFlags(optional(op.SetFlags), optional(op.ClearFlags)); !refused.ok() {
		return refused
	}
	for i, v := range []*xdr.Uint32{op.MasterWeight, op.LowThreshold, op.MedThreshold, op.HighThreshold} {
		if v != nil {
			a.thresholds[i] = uint8(*v)
		}
	}
	if op.HomeDomain != nil {
		a.homeDomain = string(*op.HomeDomain)
	}
	if op.Signer != nil {
		s, _ := signerOf(*op.Signer)
		return a.setSigner(s)
	}
	return optionsSet(xdr.SetOptionsResultCodeSetOptionsSuccess, success)
}

func (a *account) setFlags(set, clear uint32) outcome {
	if set|clear != 0 && a.flags&uint32(xdr.AccountFlagsAuthImmutableFlag) != 0 {
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsCantChange, "op_cant_change")
	}
	a.flags = a.flags&^clear | set
	clawback := a.flags&uint32(xdr.AccountFlagsAuthClawbackEnabledFlag) != 0
	if clawback && a.flags&uint32(xdr.AccountFlagsAuthRevocableFlag) == 0 {
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsAuthRevocableRequired, "op_auth_revocable_required")
	}
	return optionsSet(xdr.SetOptionsResultCodeSetOptionsSuccess, success)
}

// setSigner adds, changes or, by weight 0, removes a signer.
func (a *account) setSigner(s signer) outcome {
	at := a.signerIndex(s)
	switch {
	case s.weight == 0:
		a.signers = slices.DeleteFunc(a.signers, s.same)
	case at >= 0:
		a.signers[at].weight = s.weight
	case len(a.signers) >= maxSigners:
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsTooManySigners, "op_too_many_signers")
	case !a.holdsReserveForOneMore():
		return optionsSet(xdr.SetOptionsResultCodeSetOptionsLowReserve, "op_low_reserve")
	default:
		a.signers = append(a.signers, s)
		slices.SortFunc(a.signers, func(x, y signer) int { return bytes.Compare(x.key[:], y.key[:]) })
	}
	return optionsSet(xdr.SetOptionsResultCodeSetOptionsSuccess, success)
}
