package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/internal/stellar"
)

// eventKind is what an event of a Stellar asset contract tells of (CAP-46-6, CAP-67). Classic movements have none.
type eventKind string

const (
	eventTransfer eventKind = "transfer"
	eventMint     eventKind = "mint"
	eventBurn     eventKind = "burn"
	eventClawback eventKind = "clawback"
)

// The versions of a TransactionMeta that hold contract events: for the whole transaction, which has one operation, and by
// operation.
const (
	metaByTransaction = 3
	metaByOperation   = 4
)

func contractEvents(meta xdr.TransactionMeta, index int) ([]xdr.ContractEvent, error) {
	switch {
	case meta.V == metaByTransaction && meta.V3 != nil && meta.V3.SorobanMeta != nil:
		return meta.V3.SorobanMeta.Events, nil
	case meta.V == metaByOperation && meta.V4 != nil && index < len(meta.V4.Operations):
		return meta.V4.Operations[index].Events, nil
	}
	return nil, errors.New("the meta of a contract call holds no place for its events")
}

// events keeps those of Stellar asset contracts, in their order.
func (r reader) events(all []xdr.ContractEvent, version int32) []movement {
	var found []movement
	for i := range all {
		if m, ok := r.event(&all[i], version); ok {
			found = append(found, m)
		}
	}
	return found
}

// event is false for what is no event of a Stellar asset contract that moves a balance.
//
// What is said by a Stellar asset contract and cannot be read is doubted rather than dropped: only such a contract can
// have said it, so it may tell of money.
func (r reader) event(e *xdr.ContractEvent, version int32) (movement, bool) {
	asset, kind, ok := r.genuine(e)
	if !ok {
		return movement{}, false
	}
	m := movement{event: kind, arrived: asset}
	if err := m.read(e.Body.V0.Topics, e.Body.V0.Data, version); err != nil {
		m.doubt = err.Error()
		m.raw = rawOf("event", *e)
	}
	m.sent = m.arrived
	return m, true
}

// genuine answers the asset and the kind of an event, and false where it was not the asset's own contract that spoke: the
// id of that contract follows from the asset and the network, so nobody else's contract can have it.
func (r reader) genuine(e *xdr.ContractEvent) (holding, eventKind, bool) {
	if e.Type != xdr.ContractEventTypeContract || e.ContractId == nil || e.Body.V0 == nil {
		return holding{}, "", false
	}
	topics := e.Body.V0.Topics
	if len(topics) < 3 {
		return holding{}, "", false
	}
	name, isName := topics[0].GetSym()
	kind := eventKind(name)
	if !isName || (kind != eventTransfer && kind != eventMint && kind != eventBurn && kind != eventClawback) {
		return holding{}, "", false
	}
	text, isText := topics[len(topics)-1].GetStr()
	if !isText {
		return holding{}, "", false
	}
	held, asset, err := parseAsset(string(text))
	if err != nil {
		return holding{}, "", false
	}
	id, err := asset.ContractID(r.passphrase)
	if err != nil || !bytes.Equal(id[:], e.ContractId[:]) {
		return holding{}, "", false
	}
	return held, kind, true
}

// parseAsset reads "native" or CODE:ISSUER, as SEP-11 writes assets.
func parseAsset(text string) (holding, xdr.Asset, error) {
	if text == "native" {
		return holding{code: stellar.NativeCode}, xdr.MustNewNativeAsset(), nil
	}
	code, issuer, _ := strings.Cut(text, ":")
	if !isAssetCode(code) || !strkey.IsValidEd25519PublicKey(issuer) {
		return holding{}, xdr.Asset{}, fmt.Errorf("%q is no asset", stellar.Printable(text))
	}
	asset, err := xdr.NewCreditAsset(code, issuer)
	return holding{code: code, issuer: issuer}, asset, err
}

// read fills in who took part and how much was moved.
func (m *movement) read(topics xdr.ScVec, data xdr.ScVal, version int32) error {
	if err := m.readParties(topics, version); err != nil {
		m.from, m.to, m.suspects = party{}, party{}, addressesOf(topics)
		return err
	}
	amount, muxedID, err := readData(data, version)
	if err != nil {
		return err
	}
	m.arrived.units, err = unitsOf(amount)
	m.to.muxedID = muxedID
	return err
}

// readParties: before CAP-67 the admin is named between the kind and the one whose balance changed.
func (m *movement) readParties(topics xdr.ScVec, version int32) error {
	wanted, first := 3, 1
	switch m.event {
	case eventTransfer:
		wanted = 4
	case eventMint, eventClawback:
		if version == metaByTransaction {
			wanted, first = 4, 2
		}
	default:
	}
	if len(topics) != wanted {
		return fmt.Errorf("the %s event has %d topics", m.event, len(topics))
	}
	var err error
	switch m.event {
	case eventTransfer:
		if m.from.address, err = addressOf(topics[1]); err != nil {
			return err
		}
		m.to.address, err = addressOf(topics[2])
	case eventMint:
		m.to.address, err = addressOf(topics[first])
	default:
		m.from.address, err = addressOf(topics[first])
	}
	return err
}

// addressOf reads an account or a contract: nothing else can be party to a contract's movement.
func addressOf(topic xdr.ScVal) (string, error) {
	address, ok := topic.GetAddress()
	if !ok {
		return "", errors.New("a topic is no address")
	}
	text, err := address.String()
	if err != nil || (text[0] != 'G' && text[0] != 'C') {
		return "", errors.New("an address is neither an account nor a contract")
	}
	return text, nil
}

// addressesOf are the accounts that topics name, in whatever form.
func addressesOf(topics xdr.ScVec) []string {
	var found []string
	for _, topic := range topics {
		address, ok := topic.GetAddress()
		if !ok {
			continue
		}
		if address.MuxedAccount != nil {
			key := address.MuxedAccount.Ed25519
			text, err := strkey.Encode(strkey.VersionByteAccountID, key[:])
			if err == nil {
				found = append(found, text)
			}
			continue
		}
		if text, err := address.String(); err == nil {
			found = append(found, text)
		}
	}
	return found
}

// readData answers the amount, and the number of the muxed account that it was sent to, if any.
func readData(data xdr.ScVal, version int32) (amount xdr.Int128Parts, muxedID string, err error) {
	if amount, ok := data.GetI128(); ok {
		return amount, "", nil
	}
	entries, ok := data.GetMap()
	if !ok || entries == nil || version == metaByTransaction {
		return xdr.Int128Parts{}, "", errors.New("the event has no amount")
	}
	found := false
	for _, entry := range *entries {
		name, _ := entry.Key.GetSym()
		switch name {
		case "amount":
			amount, found = entry.Val.GetI128()
		case "to_muxed_id":
			id, isID := entry.Val.GetU64()
			if !isID {
				return xdr.Int128Parts{}, "", errors.New("the event's muxed id is no number")
			}
			muxedID = strconv.FormatUint(uint64(id), 10)
		}
	}
	if !found {
		return xdr.Int128Parts{}, "", errors.New("the event has no amount")
	}
	return amount, muxedID, nil
}

// unitsOf reads an amount in units of 10^-7: a balance of an account is never more than 63 bits of them.
func unitsOf(amount xdr.Int128Parts) (int64, error) {
	switch {
	case amount.Hi < 0:
		return 0, errors.New("the amount is negative")
	case amount.Hi > 0 || amount.Lo > 1<<63-1:
		return 0, errors.New("the amount is more than an account can hold")
	}
	return int64(amount.Lo), nil
}

// role is what an account is to a movement; the same as when it is read from a Horizon.
type role int

const (
	stranger  role = iota // it is not named
	mentioned             // its balance did not change, or not by a payment
	gains                 // its balance grew
	sends                 // its balance went down by its own doing
)

// roleOf: a clawback is the issuer's doing, and what goes from the account to itself moves nothing.
func (m *movement) roleOf(account string) role {
	if slices.Contains(m.suspects, account) {
		return m.roleOfSuspect()
	}
	from, to := m.from.address == account, m.to.address == account
	switch {
	case to && !from:
		return gains
	case from && !to && m.event != eventClawback:
		return sends
	case from || to:
		return mentioned
	}
	return stranger
}

// roleOfSuspect: whoever is named by what may have brought money has perhaps gained.
func (m *movement) roleOfSuspect() role {
	if m.event == eventBurn || m.event == eventClawback {
		return mentioned
	}
	return gains
}
