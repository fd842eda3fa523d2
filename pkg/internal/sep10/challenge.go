package sep10

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/txnbuild"
	"github.com/stellar/go-stellar-sdk/xdr"
)

const (
	// nonceBytes are base64 encoded into the 64 bytes that a ManageData operation takes.
	nonceBytes = 48

	authSuffix      = " auth" // after the home domain, in the name of the first operation
	endpointKey     = "web_auth_domain"
	clientDomainKey = "client_domain"
)

// challenge builds the transaction to sign (SEP-10 "Challenge"), in base64. It is valid from this second on: clients
// refuse one that is older than their request.
func (h *Handler) challenge(a asked) (string, error) {
	tx, err := h.unsigned(a)
	if err != nil {
		return "", fmt.Errorf("build a challenge: %w", err)
	}
	hash, err := network.HashTransaction(tx, h.Passphrase)
	if err != nil {
		return "", fmt.Errorf("hash a challenge: %w", err)
	}
	signature, err := h.Signing.SignDecorated(hash[:])
	if err != nil {
		return "", fmt.Errorf("sign a challenge: %w", err)
	}
	envelope, err := xdr.MarshalBase64(xdr.TransactionEnvelope{
		Type: xdr.EnvelopeTypeEnvelopeTypeTx,
		V1:   &xdr.TransactionV1Envelope{Tx: tx, Signatures: []xdr.DecoratedSignature{signature}},
	})
	if err != nil {
		return "", fmt.Errorf("encode a challenge: %w", err)
	}
	return envelope, nil
}

// unsigned has the sequence number 0, so that no network will ever take it.
func (h *Handler) unsigned(a asked) (xdr.Transaction, error) {
	source, err := xdr.AddressToMuxedAccount(h.Signing.Address())
	if err != nil {
		return xdr.Transaction{}, err
	}
	client, err := xdr.AddressToMuxedAccount(a.client)
	if err != nil {
		return xdr.Transaction{}, err
	}
	operations := []xdr.Operation{
		dataOperation(client, a.homeDomain+authSuffix, nonce()), dataOperation(source, endpointKey, h.WebAuthDomain),
	}
	if a.domain.name != "" {
		owner, err := xdr.AddressToMuxedAccount(a.domain.key)
		if err != nil {
			return xdr.Transaction{}, err
		}
		operations = append(operations, dataOperation(owner, clientDomainKey, a.domain.name))
	}
	now := h.Now()
	return xdr.Transaction{
		SourceAccount: source, Fee: xdr.Uint32(txnbuild.MinBaseFee * len(operations)), Memo: memoOfTransaction(a.memo), Operations: operations,
		Cond: xdr.NewPreconditionsWithTimeBounds(&xdr.TimeBounds{
			MinTime: xdr.TimePoint(now.Unix()), MaxTime: xdr.TimePoint(now.Add(h.ChallengeLifetime).Unix()),
		}),
	}, nil
}

func dataOperation(source xdr.MuxedAccount, name, value string) xdr.Operation {
	data := xdr.DataValue(value)
	return xdr.Operation{SourceAccount: &source, Body: xdr.OperationBody{
		Type: xdr.OperationTypeManageData, ManageDataOp: &xdr.ManageDataOp{DataName: xdr.String64(name), DataValue: &data},
	}}
}

func memoOfTransaction(id *uint64) xdr.Memo {
	if id == nil {
		return xdr.Memo{Type: xdr.MemoTypeMemoNone}
	}
	return xdr.Memo{Type: xdr.MemoTypeMemoId, Id: new(xdr.Uint64(*id))}
}

func nonce() string {
	var raw [nonceBytes]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(raw[:])
}
