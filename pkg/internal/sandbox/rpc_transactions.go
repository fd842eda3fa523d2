package sandbox

import (
	"encoding/hex"
	"errors"

	rpcwire "github.com/stellar/go-stellar-sdk/protocols/rpc"
)

func (n *Network) rpcTransaction(request rpcwire.GetTransactionRequest) (rpcwire.GetTransactionResponse, error) {
	raw, err := hex.DecodeString(request.Hash)
	if err != nil || len(raw) != 32 {
		return rpcwire.GetTransactionResponse{}, rpcRefused(rpcBadParams, "the hash is not 64 hexadecimal digits")
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	r := n.kept()
	answer := rpcwire.GetTransactionResponse{
		LatestLedger: r.latest.sequence, LatestLedgerCloseTime: r.latest.second,
		OldestLedger: r.oldest.sequence, OldestLedgerCloseTime: r.oldest.second,
	}
	answer.Status, answer.TransactionHash = rpcwire.TransactionStatusNotFound, request.Hash
	t := n.byHash[[32]byte(raw)]
	if t == nil || t.ledger.sequence < n.elder {
		return answer, nil
	}
	t.printRPC(&answer)
	return answer, nil
}

func (t *transaction) printRPC(answer *rpcwire.GetTransactionResponse) {
	answer.Status = rpcwire.TransactionStatusFailed
	if t.successful {
		answer.Status = rpcwire.TransactionStatusSuccess
	}
	answer.ApplicationOrder = int32(t.id >> 12 & (1<<20 - 1))
	answer.FeeBump = t.inner != nil
	answer.EnvelopeXDR, answer.ResultXDR, answer.ResultMetaXDR = t.envelope, t.result, t.meta
	answer.Ledger, answer.LedgerCloseTime = t.ledger.sequence, t.ledger.second
}

// rpcSend queues a transaction without waiting for its ledger.
func (n *Network) rpcSend(request rpcwire.SendTransactionRequest) (rpcwire.SendTransactionResponse, error) {
	n.mu.RLock()
	latest := n.latest()
	n.mu.RUnlock()
	answer := rpcwire.SendTransactionResponse{LatestLedger: latest.sequence, LatestLedgerCloseTime: latest.second}
	s, err := n.submit(request.Transaction)
	var malformed *MalformedError
	var refused *RefusedError
	switch {
	case errors.As(err, &malformed):
		return answer, rpcRefused(rpcBadParams, "invalid_xdr")
	case errors.As(err, &refused):
		answer.Status, answer.ErrorResultXDR = "ERROR", refused.ResultXDR
		answer.Hash = hashOfEnvelope(refused.EnvelopeXDR, n.opts.Passphrase)
		return answer, nil
	case err != nil:
		return answer, err
	}
	answer.Status, answer.Hash = "PENDING", s.hashHex
	if s.record != nil {
		answer.Status = "DUPLICATE"
	}
	return answer, nil
}

func hashOfEnvelope(text, passphrase string) string {
	s, err := decode(text, passphrase)
	if err != nil {
		return ""
	}
	return s.hashHex
}
