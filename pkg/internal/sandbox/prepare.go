package sandbox

import (
	"encoding/hex"
	"errors"
	"fmt"
	"iter"

	"github.com/stellar/go-stellar-sdk/network"
	"github.com/stellar/go-stellar-sdk/xdr"
)

// Movement is one payment of a prepared history, in a transaction of its own.
type Movement struct {
	From, To string // G… or M…
	Asset    string // native or CODE:ISSUER
	Units    int64  // of 10^-7
	Memo     xdr.Memo
}

// Prepare closes ledgers with these payments at once, so many in each, for tests that begin with a long history. Nobody
// has to sign, so records and envelopes have no signatures; everything else is as if they had been submitted: sequence
// numbers, fees, balances, payments that fail. What is queued stays queued. It blocks all requests until the ledger it is
// at is closed, not longer. Errors: a movement that is none, or whose source cannot pay the fee; the ledgers before stay.
func (n *Network) Prepare(movements iter.Seq[Movement], perLedger int) error {
	if perLedger <= 0 {
		return errors.New("a prepared history needs at least one payment per ledger")
	}
	batch := make([]Movement, 0, perLedger)
	for m := range movements {
		if batch = append(batch, m); len(batch) < perLedger {
			continue
		}
		if err := n.prepareLedger(batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	if len(batch) == 0 {
		return nil
	}
	return n.prepareLedger(batch)
}

func (n *Network) prepareLedger(batch []Movement) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := map[accountID]int64{}
	all := make([]*submission, len(batch))
	for i, m := range batch {
		s, err := n.decree(m, last)
		if err != nil {
			return fmt.Errorf("payment %d of a prepared ledger: %w", i, err)
		}
		all[i] = s
	}
	n.closeWith(all)
	for i, s := range all {
		if s.dropped != nil {
			return fmt.Errorf("payment %d of a prepared ledger: %w", i, s.dropped)
		}
	}
	return nil
}

// decree makes the transaction of a movement; last has the sequence numbers used in this ledger.
func (n *Network) decree(m Movement, last map[accountID]int64) (*submission, error) {
	tx, err := m.transaction(n.rate())
	if err != nil {
		return nil, err
	}
	id := accountOf(tx.SourceAccount.ToAccountId())
	a := n.accounts[id]
	if a == nil {
		return nil, fmt.Errorf("there is no account %s", id.address())
	}
	last[id] = max(last[id], a.sequence) + 1
	tx.SeqNum = xdr.SequenceNumber(last[id])
	hash, err := network.HashTransaction(tx, n.opts.Passphrase)
	if err != nil {
		return nil, err
	}
	envelope := xdr.TransactionV1Envelope{Tx: tx}
	text, err := xdr.MarshalBase64(xdr.TransactionEnvelope{Type: xdr.EnvelopeTypeEnvelopeTypeTx, V1: &envelope})
	if err != nil {
		return nil, err
	}
	s := &submission{
		hash: hash, hashHex: hex.EncodeToString(hash[:]), envelope: text, decreed: true, done: make(chan struct{}),
		fee: int64(tx.Fee), payer: id,
	}
	s.read(&envelope, hash)
	return s, nil
}

func (m Movement) transaction(rate int64) (xdr.Transaction, error) {
	from, err := xdr.AddressToMuxedAccount(m.From)
	if err != nil {
		return xdr.Transaction{}, fmt.Errorf("not an account: %q", m.From)
	}
	to, err := xdr.AddressToMuxedAccount(m.To)
	if err != nil {
		return xdr.Transaction{}, fmt.Errorf("not an account: %q", m.To)
	}
	of, ok := readAsset(m.Asset)
	if !ok || m.Units <= 0 {
		return xdr.Transaction{}, fmt.Errorf("not an amount: %d units of %q", m.Units, m.Asset)
	}
	return xdr.Transaction{
		SourceAccount: from, Fee: xdr.Uint32(rate), Memo: m.Memo,
		Cond: xdr.Preconditions{Type: xdr.PreconditionTypePrecondNone},
		Operations: []xdr.Operation{{Body: xdr.OperationBody{
			Type:      xdr.OperationTypePayment,
			PaymentOp: &xdr.PaymentOp{Destination: to, Asset: of.xdr(), Amount: xdr.Int64(m.Units)},
		}}},
	}, nil
}
