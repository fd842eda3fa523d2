package stellar

import "strings"

// record is what matters of one record of a payments page. A nil field was absent or null. All of it aliases the page.
type record struct {
	raw                            []byte
	id, pagingToken                []byte
	kind, createdAt, hash          []byte
	failed, succeeded              bool // neither: the record does not say
	assetType, assetCode, issuer   []byte
	from, fromMuxed, fromMuxedID   []byte
	to, toMuxed, toMuxedID         []byte
	amount                         []byte
	sourceAmount                   []byte // of a path payment: what it cost, in the source asset
	sourceType, sourceCode         []byte
	sourceIssuer                   []byte
	startingBalance                []byte
	funder, funderMuxed, funderMID []byte
	account, accountMuxed, accMID  []byte
	into, intoMuxed, intoMID       []byte
	changes                        []change
	joined                         joined
	fault                          string // the first field that has another JSON type than it should
}

// joined is the transaction around the operation.
type joined struct {
	present                   bool
	hash, outer, inner        []byte
	memoType, memo, memoBytes []byte
}

// change is one event of a Stellar asset contract.
type change struct {
	kind, from, to, amount, muxedID []byte
	assetType, assetCode, issuer    []byte
	fault                           string
}

// readRecord passes one record. Its errors are of the syntax; fields of the wrong type only set fault.
func readRecord(s *scanner) (record, error) {
	if s.peek() != '{' {
		return record{fault: "it is no object"}, s.skip()
	}
	start := s.pos
	var r record
	err := s.object(func(key []byte) error {
		switch string(key) {
		case "transaction_successful":
			return r.readSuccess(s)
		case "transaction":
			return r.readJoined(s)
		case "asset_balance_changes":
			return r.readChanges(s)
		}
		if field := r.field(key); field != nil {
			return readText(s, key, field, &r.fault)
		}
		return s.skip()
	})
	r.raw = s.data[start:s.pos]
	return r, err
}

func (r *record) field(key []byte) *[]byte {
	switch string(key) {
	case "id":
		return &r.id
	case "paging_token":
		return &r.pagingToken
	case "type":
		return &r.kind
	case "created_at":
		return &r.createdAt
	case "transaction_hash":
		return &r.hash
	case "asset_type":
		return &r.assetType
	case "asset_code":
		return &r.assetCode
	case "asset_issuer":
		return &r.issuer
	case "amount":
		return &r.amount
	case "source_amount":
		return &r.sourceAmount
	case "source_asset_type":
		return &r.sourceType
	case "source_asset_code":
		return &r.sourceCode
	case "source_asset_issuer":
		return &r.sourceIssuer
	case "starting_balance":
		return &r.startingBalance
	}
	return r.party(key)
}

func (r *record) party(key []byte) *[]byte {
	switch string(key) {
	case "from":
		return &r.from
	case "from_muxed":
		return &r.fromMuxed
	case "from_muxed_id":
		return &r.fromMuxedID
	case "to":
		return &r.to
	case "to_muxed":
		return &r.toMuxed
	case "to_muxed_id":
		return &r.toMuxedID
	case "funder":
		return &r.funder
	case "funder_muxed":
		return &r.funderMuxed
	case "funder_muxed_id":
		return &r.funderMID
	case "account":
		return &r.account
	case "account_muxed":
		return &r.accountMuxed
	case "account_muxed_id":
		return &r.accMID
	case "into":
		return &r.into
	case "into_muxed":
		return &r.intoMuxed
	case "into_muxed_id":
		return &r.intoMID
	}
	return nil
}

func (r *record) readSuccess(s *scanner) error {
	word, err := s.word()
	r.succeeded, r.failed = string(word) == "true", string(word) == "false"
	return err
}

func (r *record) readJoined(s *scanner) error {
	if s.peek() != '{' {
		return s.skip()
	}
	r.joined = joined{present: true}
	j := &r.joined
	return s.object(func(key []byte) error {
		switch string(key) {
		case "hash":
			return readText(s, key, &j.hash, &r.fault)
		case "memo_type":
			return readText(s, key, &j.memoType, &r.fault)
		case "memo":
			return readText(s, key, &j.memo, &r.fault)
		case "memo_bytes":
			return readText(s, key, &j.memoBytes, &r.fault)
		case "fee_bump_transaction":
			return r.readHash(s, &j.outer)
		case "inner_transaction":
			return r.readHash(s, &j.inner)
		}
		return s.skip()
	})
}

func (r *record) readHash(s *scanner, into *[]byte) error {
	if s.peek() != '{' {
		return s.skip()
	}
	return s.object(func(key []byte) error {
		if string(key) == "hash" {
			return readText(s, key, into, &r.fault)
		}
		return s.skip()
	})
}

func (r *record) readChanges(s *scanner) error {
	if s.peek() != '[' {
		word, err := s.word()
		if string(word) != "null" {
			noteFault(&r.fault, "asset_balance_changes is no list")
		}
		return err
	}
	r.changes = nil
	return s.list('[', ']', func() error {
		c, err := readChange(s)
		r.changes = append(r.changes, c)
		return err
	})
}

func readChange(s *scanner) (change, error) {
	if s.peek() != '{' {
		return change{fault: "a balance change is no object"}, s.skip()
	}
	var c change
	err := s.object(func(key []byte) error {
		if field := c.field(key); field != nil {
			return readText(s, key, field, &c.fault)
		}
		return s.skip()
	})
	return c, err
}

func (c *change) field(key []byte) *[]byte {
	switch string(key) {
	case "type":
		return &c.kind
	case "from":
		return &c.from
	case "to":
		return &c.to
	case "amount":
		return &c.amount
	case "destination_muxed_id":
		return &c.muxedID
	case "asset_type":
		return &c.assetType
	case "asset_code":
		return &c.assetCode
	case "asset_issuer":
		return &c.issuer
	}
	return nil
}

// readText passes a value that should be a string or null.
func readText(s *scanner, key []byte, into *[]byte, fault *string) error {
	value, ok, err := s.text()
	if !ok {
		noteFault(fault, string(key)+" is no string")
	}
	*into = value
	return err
}

func noteFault(fault *string, what string) {
	if *fault == "" {
		*fault = strings.ToValidUTF8(what, "?")
	}
}
