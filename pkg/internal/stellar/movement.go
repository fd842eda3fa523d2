package stellar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// movement is a payment on its way out of a record, with what the page does not tell.
type movement struct {
	Payment
	outgoing    bool   // it decreased the account's balance
	record      int    // which of the page
	raw         []byte // aliases the page
	needsMemo   bool   // the transaction was not joined
	needsAmount bool   // a merge: only its effects tell how much
}

// doubt keeps the first reason why a payment cannot be understood.
func (m *movement) doubt(err error) {
	if err != nil && m.Unreadable == "" {
		m.Unreadable = Printable(err.Error())
	}
}

// settled answers the payment, and false for what increased nothing.
func (m *movement) settled() (Payment, bool) {
	if m.Unreadable != "" {
		m.Units = 0
		m.Raw = storable(m.raw)
		return m.Payment, true
	}
	return m.Payment, m.Units > 0
}

// storable makes a record fit for a column of text whatever it holds.
func storable(raw []byte) json.RawMessage {
	clean := bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	if json.Valid(clean) {
		return bytes.Clone(clean)
	}
	quoted, err := json.Marshal(string(clean))
	if err != nil {
		return json.RawMessage(`null`)
	}
	return quoted
}

// position answers the record's id, false where it has none that can be read.
func (r *record) position() (int64, bool) {
	if token, ok := parsePosition(r.pagingToken); ok {
		return token, true
	}
	return parsePosition(r.id)
}

// movements answers how the record increased the account's balance, or decreased it by an operation of its own: mostly once
// or not at all. What goes from the account to itself is neither.
func (r *record) movements(account string, position int64) []movement {
	switch {
	case r.failed:
		return nil
	case !r.succeeded:
		return r.unreadable(account, position, "it does not say whether the transaction succeeded")
	case r.fault != "":
		return r.unreadable(account, position, r.fault)
	case r.id != nil && r.pagingToken != nil && !bytes.Equal(r.id, r.pagingToken):
		return r.unreadable(account, position, "its id and paging token differ")
	}
	switch string(r.kind) {
	case "payment":
		return r.transfer(account, position, KindPayment)
	case "path_payment", "path_payment_strict_receive", "path_payment_strict_send":
		return r.transfer(account, position, KindPathPayment)
	case "create_account":
		return r.creation(account, position)
	case "account_merge":
		return r.merge(account, position)
	case "invoke_host_function":
		return r.contract(account, position)
	}
	return r.unreadable(account, position, fmt.Sprintf("the operation type %q is not known", r.kind))
}

func (r *record) unreadable(account string, position int64, why string) []movement {
	m := r.begin(account, position, KindUnknown)
	m.Unreadable = Printable(why)
	return []movement{m}
}

// begin fills in what all kinds share.
func (r *record) begin(account string, position int64, kind string) movement {
	m := movement{raw: r.raw, needsMemo: !r.joined.present}
	m.Account, m.OperationID, m.Kind = account, position, kind
	m.Ledger = position >> 32
	at, err := parseTime(r.createdAt)
	m.ClosedAt = at
	m.doubt(err)
	m.doubt(r.readHashes(&m.Payment))
	if r.joined.present {
		j := r.joined
		memoType, memo, err := canonicalMemo(j.memoType, j.memo, j.memoBytes)
		m.doubt(err)
		if err == nil {
			m.MemoType, m.Memo = memoType, memo
		}
	}
	return m
}

func (r *record) readHashes(p *Payment) error {
	j := r.joined
	if !isHash(r.hash) {
		return fmt.Errorf("%q is no transaction hash", Printable(string(r.hash)))
	}
	if j.present && !bytes.Equal(j.hash, r.hash) {
		return errors.New("the transaction joined is another one")
	}
	p.InnerHash, p.OuterHash = string(r.hash), string(r.hash)
	if j.outer == nil && j.inner == nil {
		return nil
	}
	if !isHash(j.outer) || !isHash(j.inner) {
		return errors.New("the hashes of the fee bump cannot be read")
	}
	p.InnerHash, p.OuterHash = string(j.inner), string(j.outer)
	return nil
}

// party reads one side of a movement.
func (m *movement) party(into, intoMuxedID *string, address, muxed, muxedID []byte) {
	name, err := parseParty(address)
	m.doubt(err)
	id, muxedErr := parseMuxedID(muxedID, muxed, name)
	m.doubt(muxedErr)
	*into, *intoMuxedID = name, id
}

func (m *movement) asset(kind, code, issuer []byte) {
	var err error
	m.AssetCode, m.AssetIssuer, err = parseAsset(kind, code, issuer)
	m.doubt(err)
}

func (m *movement) units(amount []byte) {
	units, err := parseUnits(amount)
	m.doubt(err)
	m.Units = units
}

// transfer reads payments and path payments: amount and asset are what arrived.
func (r *record) transfer(account string, position int64, kind string) []movement {
	if string(r.from) == account {
		return r.sent(account, position, kind)
	}
	if r.to != nil && string(r.to) != account {
		return nil
	}
	m := r.begin(account, position, kind)
	m.party(&m.From, &m.FromMuxedID, r.from, r.fromMuxed, r.fromMuxedID)
	m.party(&m.To, &m.ToMuxedID, r.to, r.toMuxed, r.toMuxedID)
	m.asset(r.assetType, r.assetCode, r.issuer)
	m.units(r.amount)
	return []movement{m}
}

func (r *record) creation(account string, position int64) []movement {
	outgoing := string(r.funder) == account && string(r.account) != account
	if !outgoing && r.account != nil && string(r.account) != account {
		return nil
	}
	m := r.begin(account, position, KindCreateAccount)
	m.outgoing = outgoing
	m.party(&m.From, &m.FromMuxedID, r.funder, r.funderMuxed, r.funderMID)
	m.party(&m.To, &m.ToMuxedID, r.account, r.accountMuxed, r.accMID)
	m.AssetCode = NativeCode
	m.units(r.startingBalance)
	return []movement{m}
}

func (r *record) merge(account string, position int64) []movement {
	outgoing := string(r.account) == account && string(r.into) != account
	if !outgoing && r.into != nil && string(r.into) != account {
		return nil
	}
	m := r.begin(account, position, KindAccountMerge)
	m.outgoing = outgoing
	m.party(&m.From, &m.FromMuxedID, r.account, r.accountMuxed, r.accMID)
	m.party(&m.To, &m.ToMuxedID, r.into, r.intoMuxed, r.intoMID)
	m.AssetCode = NativeCode
	m.needsAmount = true
	return []movement{m}
}

// sent reads payments and path payments of the account's own: amount and asset are what they cost it.
func (r *record) sent(account string, position int64, kind string) []movement {
	if string(r.to) == account {
		return nil
	}
	m := r.begin(account, position, kind)
	m.outgoing = true
	m.party(&m.From, &m.FromMuxedID, r.from, r.fromMuxed, r.fromMuxedID)
	m.party(&m.To, &m.ToMuxedID, r.to, r.toMuxed, r.toMuxedID)
	if kind == KindPathPayment {
		m.asset(r.sourceType, r.sourceCode, r.sourceIssuer)
		m.units(r.sourceAmount)
		return []movement{m}
	}
	m.asset(r.assetType, r.assetCode, r.issuer)
	m.units(r.amount)
	return []movement{m}
}

// contract reads the Stellar-asset events of a contract call. All that name the account are counted, so that the ordinal
// of a movement is the same whichever source told of it.
func (r *record) contract(account string, position int64) []movement {
	var found []movement
	index := 0
	for _, c := range r.changes {
		role := c.roleOf(account)
		if role == gains || role == sends {
			m := r.event(account, position, c)
			m.Index, m.outgoing = index, role == sends
			found = append(found, m)
		}
		if role != stranger {
			index++
		}
	}
	return found
}

// role is what an account is to an event of a Stellar asset contract.
type role int

const (
	stranger  role = iota // it is not named
	mentioned             // its balance did not change, or not by a payment
	gains                 // its balance may have grown
	sends                 // its balance went down by its own doing
)

// roleOf: a clawback and a mint are the issuer's doing, and what goes from the account to itself moves nothing.
func (c *change) roleOf(account string) role {
	from, to := string(c.from) == account, string(c.to) == account
	switch {
	case c.fault != "", to && !from:
		return gains
	case from && !to && string(c.kind) != "clawback" && string(c.kind) != "mint":
		return sends
	case from || to:
		return mentioned
	}
	return stranger
}

func (r *record) event(account string, position int64, c change) movement {
	m := r.begin(account, position, KindContract)
	if c.fault != "" {
		m.doubt(errors.New(c.fault))
		return m
	}
	switch string(c.kind) {
	case "transfer", "burn":
		m.party(&m.From, &m.FromMuxedID, c.from, nil, nil)
	case "mint":
		if len(c.from) > 0 {
			m.party(&m.From, &m.FromMuxedID, c.from, nil, nil)
		}
	default:
		m.doubt(fmt.Errorf("the kind of balance change %q is not known", Printable(string(c.kind))))
	}
	if string(c.kind) != "burn" {
		m.party(&m.To, &m.ToMuxedID, c.to, nil, c.muxedID)
	}
	m.asset(c.assetType, c.assetCode, c.issuer)
	m.units(c.amount)
	return m
}
