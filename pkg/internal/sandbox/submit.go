package sandbox

import (
	"github.com/stellar/go-stellar-sdk/xdr"
)

// Submit checks an envelope (base64 of its XDR) and queues it for the next ledger, without waiting for that ledger. It
// returns the hash of the transaction, lower hex. Errors: *MalformedError; *RefusedError if it is not valid, or is
// already in a ledger as failed. An envelope that is queued or in a ledger already is not queued again.
func (n *Network) Submit(envelopeXDR string) (string, error) {
	s, err := n.submit(envelopeXDR)
	if err != nil {
		return "", err
	}
	return s.hashHex, nil
}

// submit returns the submission to wait for: that of an earlier call if there was one.
func (n *Network) submit(envelopeXDR string) (*submission, error) {
	s, err := n.prepare(envelopeXDR)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.enqueue(s)
}

// examine is submit for what shall not be queued.
func (n *Network) examine(envelopeXDR string) (*submission, error) {
	s, err := n.prepare(envelopeXDR)
	if err != nil {
		return nil, err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return s, n.judge(s)
}

// prepare does outside the lock what needs none, above all the checking of signatures.
func (n *Network) prepare(envelopeXDR string) (*submission, error) {
	s, err := decode(envelopeXDR, n.opts.Passphrase)
	if err == nil && s.refused == nil {
		s.auth.learn(n.keysOf(s.sources()))
	}
	return s, err
}

// judge tells why a submission is not valid; n.mu is held.
func (n *Network) judge(s *submission) error {
	v := check(s, &draft{accounts: n.accounts}, n.now(), n.promised[s.source])
	if v == nil {
		return nil
	}
	fee := int64(0)
	if s.tx != nil {
		fee = s.minFee(n.opts.BaseFee)
	}
	return s.refusal(*v, fee)
}

// keysOf are the ed25519 keys that may sign for these accounts.
func (n *Network) keysOf(ids []accountID) [][32]byte {
	n.mu.RLock()
	defer n.mu.RUnlock()
	keys := make([][32]byte, 0, len(ids))
	for _, id := range ids {
		keys = append(keys, id)
		a := n.accounts[id]
		if a == nil {
			continue
		}
		for _, s := range a.signers {
			if s.kind == xdr.SignerKeyTypeSignerKeyTypeEd25519 {
				keys = append(keys, s.key)
			}
		}
	}
	return keys
}

// enqueue queues what is valid; n.mu is held.
func (n *Network) enqueue(s *submission) (*submission, error) {
	if t := n.byHash[s.hash]; t != nil {
		return s.alreadyIn(t)
	}
	if waiting := n.queuedByHash[s.hash]; waiting != nil {
		return waiting, nil
	}
	if err := n.judge(s); err != nil {
		return nil, err
	}
	n.queue = append(n.queue, s)
	n.queuedByHash[s.hash] = s
	n.promise(s)
	n.announce()
	return s, nil
}

// alreadyIn is the answer to an envelope that a ledger has.
func (s *submission) alreadyIn(t *transaction) (*submission, error) {
	if !t.successful {
		return nil, t.refusal()
	}
	s.record = t
	close(s.done)
	return s, nil
}

func (t *transaction) refusal() *RefusedError {
	return &RefusedError{
		TransactionCode: t.verdict.name(), OperationCodes: t.verdict.operationNames(),
		EnvelopeXDR: t.envelope, ResultXDR: t.result,
	}
}

// promise notes what a queued transaction will use up.
func (n *Network) promise(s *submission) {
	q := n.promised[s.source]
	if q == nil {
		q = &queued{}
		n.promised[s.source] = q
	}
	q.sequence = int64(s.tx.SeqNum)
	q.fees += s.fee
}

// now is the moment at which the next ledger would close.
func (n *Network) now() moment {
	return moment{
		ledger: n.latest().sequence + 1, second: max(n.opts.Now().Unix(), n.latest().second), baseFee: n.opts.BaseFee,
	}
}
