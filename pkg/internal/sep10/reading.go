package sep10

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/stellar/go-stellar-sdk/keypair"
	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/strkey"
	"github.com/stellar/go-stellar-sdk/xdr"

	"github.com/anchorkit/anchor/pkg/anchor"
)

const (
	// clockGrace is how far the clocks of two hosts that serve may differ: one takes the other's challenges from the future.
	clockGrace = 5 * time.Minute
	// maxDecoded bounds the memory that an envelope takes once it is decoded, which lists of small things blow up.
	maxDecoded = 1 << 20
)

// signed is a challenge of ours that came back; whether its client signed it is not known yet.
type signed struct {
	hash       [32]byte
	signatures []xdr.DecoratedSignature // all but ours
	expires    time.Time
	client     anchor.SendingAnchor
	domainKey  string // G… by which the client's domain is proved; empty without one
	domainAt   int    // which of the signatures is the domain's
}

// name is by what a challenge is remembered, in lower hex.
func (s signed) name() string { return hex.EncodeToString(s.hash[:]) }

// read accepts a challenge of ours that is in time. It makes every check that SEP-10 ("Token") asks of a server, and those
// that it asks of a client, since whatever is wrong was not given out by us.
func (h *Handler) read(envelope string) (signed, error) {
	e, err := decode(envelope)
	if err != nil {
		return signed{}, invalid(err)
	}
	s := signed{}
	if s.expires, err = h.checkFrame(e); err != nil {
		return signed{}, invalid(err)
	}
	client, err := h.checkLogin(e)
	if err != nil {
		return signed{}, invalid(err)
	}
	domain, err := h.checkOthers(e.Operations()[1:])
	if err != nil {
		return signed{}, invalid(err)
	}
	if s.hash, err = network.HashTransactionInEnvelope(e, h.Passphrase); err != nil {
		return signed{}, fmt.Errorf("hash a challenge: %w", err)
	}
	if s.signatures, err = h.withoutOurs(s.hash, e.Signatures()); err != nil {
		return signed{}, invalid(err)
	}
	if len(s.signatures) == 0 {
		return signed{}, anchor.Refuse("the challenge is not signed by the client")
	}
	if s.client, err = h.clientOf(client, e.Memo()); err != nil {
		return signed{}, err
	}
	return s, s.prove(domain)
}

// prove wants the key of the client's domain, where there is one, to have signed.
func (s *signed) prove(domain clientDomain) error {
	if domain.name == "" {
		return nil
	}
	key, err := keypair.ParseAddress(domain.key)
	if err != nil {
		return fmt.Errorf("read the account of a client domain: %w", err)
	}
	s.domainAt = slices.IndexFunc(s.signatures, func(signature xdr.DecoratedSignature) bool { return signedBy(key, s.hash, signature) })
	if s.domainAt < 0 {
		return refusedSignatures("it is not signed by the key of the client_domain")
	}
	s.client.ClientDomain, s.domainKey = domain.name, domain.key
	return nil
}

func invalid(err error) error { return anchor.Refusef("transaction is not a valid challenge: %v", err) }

func decode(envelope string) (xdr.TransactionEnvelope, error) {
	var e xdr.TransactionEnvelope
	if err := xdr.SafeUnmarshalBase64WithOptions(envelope, &e, xdr.DecodeOptions{MaxMemoryBytes: maxDecoded}); err != nil {
		return e, errors.New("unable to unmarshal the transaction envelope") // what was wrong in it is of no use to anybody
	}
	if e.IsFeeBump() {
		return e, errors.New("it is a fee bump transaction")
	}
	return e, nil
}

// checkFrame checks everything around the operations and tells when the challenge runs out.
func (h *Handler) checkFrame(e xdr.TransactionEnvelope) (expires time.Time, err error) {
	if source, ok := plainAddress(e.SourceAccount()); !ok || source != h.Signing.Address() {
		return expires, errors.New("its source account is not that of this server")
	}
	if e.SeqNum() != 0 {
		return expires, errors.New("its sequence number must be 0")
	}
	bounds := e.TimeBounds()
	if bounds == nil || bounds.MaxTime == 0 {
		return expires, errors.New("it needs non-infinite timebounds")
	}
	expires = time.Unix(int64(bounds.MaxTime), 0)
	now := h.Now()
	switch {
	case now.After(expires):
		return expires, errors.New("its timebounds have run out; ask for a new one")
	case now.Add(clockGrace).Unix() < int64(bounds.MinTime):
		return expires, errors.New("its timebounds lie in the future")
	}
	return expires, nil
}

// checkLogin checks the first operation and the memo and tells which account, G… or M…, wants to log in.
func (h *Handler) checkLogin(e xdr.TransactionEnvelope) (client string, err error) {
	operations := e.Operations()
	if len(operations) == 0 {
		return "", errors.New("it needs at least one manage_data operation")
	}
	first, err := dataOf(operations[0])
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(h.HomeDomains, func(domain string) bool { return first.name == domain+authSuffix }) {
		return "", errors.New("its first operation matches none of the homeDomains served here")
	}
	memo := e.Memo().Type
	switch {
	case memo != xdr.MemoTypeMemoNone && first.muxed:
		return "", errors.New("memos are not valid together with a muxed account")
	case memo != xdr.MemoTypeMemoNone && memo != xdr.MemoTypeMemoId:
		return "", errors.New("only ID memos are permitted")
	}
	return first.source, checkNonce(first.value)
}

func checkNonce(value string) error {
	if len(value) != base64.StdEncoding.EncodedLen(nonceBytes) {
		return errors.New("its nonce has not 64 bytes of base64")
	}
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(raw) != nonceBytes {
		return errors.New("its nonce is not the base64 of 48 bytes")
	}
	return nil
}

// checkOthers checks the operations after the first and tells which client domain they name, if any.
func (h *Handler) checkOthers(operations []xdr.Operation) (clientDomain, error) {
	var domain clientDomain
	named := false
	for _, operation := range operations {
		data, err := dataOf(operation)
		if err != nil {
			return clientDomain{}, err
		}
		switch {
		case data.name == clientDomainKey && h.Attribution.Outbound != nil:
			if domain, err = domainOf(data, domain); err != nil {
				return clientDomain{}, err
			}
		case data.source != h.Signing.Address():
			return clientDomain{}, errors.New("an operation after the first is unrecognized: it has not the server source account")
		case data.name == endpointKey:
			if data.value != h.WebAuthDomain {
				return clientDomain{}, errors.New("its web auth domain is not that of this server")
			}
			named = true
		}
	}
	switch {
	case !named:
		return clientDomain{}, errors.New("it has no web_auth_domain")
	case domain.name == "" && h.Attribution.Required:
		return clientDomain{}, errors.New("it has no client_domain")
	}
	return domain, nil
}

// domainOf reads the one operation that says which key has to sign for a client's domain.
func domainOf(data data, before clientDomain) (clientDomain, error) {
	if before.name != "" || data.muxed || data.value == "" {
		return clientDomain{}, errors.New("its client_domain must name one domain, from the account (G…) of that domain")
	}
	return clientDomain{name: data.value, key: data.source}, nil
}

// data is a ManageData operation.
type data struct {
	source, name, value string
	muxed               bool // the source is an M…
}

func dataOf(o xdr.Operation) (data, error) {
	operation, ok := o.Body.GetManageDataOp()
	if !ok {
		return data{}, errors.New("an operation is not manage_data")
	}
	if o.SourceAccount == nil {
		return data{}, errors.New("an operation has no source account")
	}
	source, err := o.SourceAccount.GetAddress()
	if err != nil {
		return data{}, errors.New("an operation has a source account of an unknown kind")
	}
	d := data{source: source, name: string(operation.DataName), muxed: o.SourceAccount.Type != xdr.CryptoKeyTypeKeyTypeEd25519}
	if operation.DataValue != nil {
		d.value = string(*operation.DataValue)
	}
	return d, nil
}

// plainAddress is the G… of an account that is not muxed.
func plainAddress(account xdr.MuxedAccount) (string, bool) {
	address, err := account.GetAddress()
	return address, err == nil && account.Type == xdr.CryptoKeyTypeKeyTypeEd25519
}

func (h *Handler) clientOf(account string, memo xdr.Memo) (anchor.SendingAnchor, error) {
	muxed, err := h.checkClient(account)
	switch {
	case err != nil:
		return anchor.SendingAnchor{}, err
	case muxed:
		return muxedClient(account)
	}
	if id, ok := memo.GetId(); ok {
		return anchor.SendingAnchor{Account: account, MemoType: "id", Memo: strconv.FormatUint(uint64(id), 10)}, nil
	}
	return anchor.SendingAnchor{Account: account}, nil
}

// muxedClient takes an M… apart: the account that signs, and the number that says which of its users speaks (SEP-23).
func muxedClient(account string) (anchor.SendingAnchor, error) {
	m, err := strkey.DecodeMuxedAccount(account)
	if err != nil {
		return anchor.SendingAnchor{}, fmt.Errorf("read a muxed account: %w", err)
	}
	base, err := m.AccountID()
	if err != nil {
		return anchor.SendingAnchor{}, fmt.Errorf("read a muxed account: %w", err)
	}
	return anchor.SendingAnchor{Account: base, MemoType: "id", Memo: strconv.FormatUint(m.ID(), 10), Muxed: account}, nil
}
