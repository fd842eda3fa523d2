package sandbox

import (
	"slices"

	"github.com/stellar/go-stellar-sdk/xdr"
)

// ErrTryAgainLater is the refusal of a second transaction of an account for one ledger (Options.OnePerLedger).
const ErrTryAgainLater = submitError("try again later")

type submitError string

func (e submitError) Error() string { return string(e) }

// Submit checks an envelope (base64 of its XDR) and queues it for the next ledger, without waiting for that ledger. It
// returns the hash of the transaction, lower hex. Errors: *MalformedError; *RefusedError if it is not valid, or is
// already in a ledger as failed; ErrTryAgainLater. An envelope that is queued or in a ledger already is not queued again.
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

// prepare does outside the lock what needs none, above all the checking of signatures.
func (n *Network) prepare(envelopeXDR string) (*submission, error) {
	s, err := decode(envelopeXDR, n.opts.Passphrase)
	if err != nil || s.refused != nil {
		return s, err
	}
	s.auth.learn(n.keysOf(s.sources()))
	if s.bump != nil {
		s.bump.auth.learn(n.keysOf([]accountID{s.payer}))
	}
	return s, nil
}

// judge tells why a submission is not valid; n.mu is held.
func (n *Network) judge(s *submission) error {
	return n.judgeBeside(s, func(id accountID) *queued { return n.promised[id] })
}

// judgeBeside is judge for other promises than those of the queue.
func (n *Network) judgeBeside(s *submission, promised func(accountID) *queued) error {
	v := check(s, n.draft(), n.now(), promised)
	if v == nil {
		return nil
	}
	fee := int64(0)
	if s.tx != nil {
		fee = s.minFee(n.rate())
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
	return s, n.accept(s)
}

// accept queues what is valid and new; n.mu is held.
func (n *Network) accept(s *submission) error {
	if at := n.rivalOf(s); at >= 0 {
		return n.replace(at, s)
	}
	if err := n.judge(s); err != nil {
		return err
	}
	if n.opts.OnePerLedger && n.promised[s.source] != nil && n.promised[s.source].sequence != 0 {
		return ErrTryAgainLater
	}
	n.queue = append(n.queue, s)
	n.queuedByHash[s.hash] = s
	n.promise(s)
	n.announce()
	return nil
}

// rivalOf finds the queued transaction that a fee bump would take the place of; -1 if there is none.
func (n *Network) rivalOf(s *submission) int {
	if s.bump == nil {
		return -1
	}
	return slices.IndexFunc(n.queue, func(q *submission) bool { return q.source == s.source && q.tx.SeqNum == s.tx.SeqNum })
}

// replaceFactor is how many times the fee per operation a fee bump must bid to take the place of a queued transaction.
const replaceFactor = 10

// replace puts a fee bump into the place of its rival, of which nothing is ever heard again.
func (n *Network) replace(at int, s *submission) error {
	old := n.queue[at]
	err := n.judgeBeside(s, func(id accountID) *queued {
		q := queued{fees: promisedFees(n.promised[id])}
		if id == s.source {
			q.sequence = int64(s.tx.SeqNum) - 1
		}
		if id == old.payer {
			q.fees -= old.fee
		}
		return &q
	})
	if err != nil {
		return err
	}
	least := replaceFactor * (old.fee + old.units() - 1) / old.units() * s.units()
	if s.fee < least {
		return s.refusal(*code(xdr.TransactionResultCodeTxInsufficientFee), least)
	}
	n.queue[at] = s
	delete(n.queuedByHash, old.hash)
	n.queuedByHash[s.hash] = s
	close(old.done)
	n.promiseAnew()
	n.announce()
	return nil
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
		TransactionCode: t.verdict.name(), InnerCode: t.verdict.innerName(), OperationCodes: t.verdict.operationNames(),
		EnvelopeXDR: t.envelope, ResultXDR: t.result,
	}
}

// promise notes what a queued transaction will use up.
func (n *Network) promise(s *submission) {
	n.promisedOf(s.source).sequence = int64(s.tx.SeqNum)
	n.promisedOf(s.payer).fees += s.fee
}

func (n *Network) promisedOf(id accountID) *queued {
	q := n.promised[id]
	if q == nil {
		q = &queued{}
		n.promised[id] = q
	}
	return q
}

func (n *Network) promiseAnew() {
	clear(n.promised)
	for _, s := range n.queue {
		n.promise(s)
	}
}

// now is the moment at which the next ledger would close.
func (n *Network) now() moment {
	return moment{
		ledger: n.latest().sequence + 1, second: max(n.opts.Now().Unix(), n.latest().second), rate: n.rate(),
	}
}

// rate is the least fee per operation now.
func (n *Network) rate() int64 { return max(n.opts.BaseFee, n.surge) }

// SetSurge raises the least fee per operation to so many stroops, as when more transactions come than ledgers have room
// for; zero, or less than the base fee, ends it. Who bids less is refused with tx_insufficient_fee, and what is queued
// already waits until the surge is over or a fee bump of ten times the bid takes its place. A surge outlives a reset.
func (n *Network) SetSurge(stroops int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.surge = stroops
}
